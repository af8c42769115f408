"""Which column of a table is what: as the user says, or by the names that are in common use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.errors import InputError, nearest, shown

NONE = "none"
"""Says that no column holds the label, the person or the time."""
FOLDER, FILE = "folder", "file"
"""Say that the name of the sub-folder, or of the file, is the label or the person."""

_LABELS = ("label", "labels", "activity", "class", "target", "gesture", "exercise")
_PEOPLE = ("person", "people", "subject", "user", "participant", "volunteer", "wearer")
_TIMES = ("time", "timestamp", "datetime", "date", "epoch", "elapsed", "t")
_RECORDINGS = ("recording", "session", "trial")
_NAME_OF = "(id|no|nr|number|name)?s?"
_TIME_UNIT = "(s|sec|seconds|ms|us|ns|milliseconds|microseconds|nanoseconds)?"

_ACCELERATION = re.compile(r"acc|^a[ _.-]?\0|gforce")
_OTHER = re.compile(r"gyr|rot|ang|omega|mag|grav|ori|quat|^[gmwrq][ _.-]?\0")


@dataclass(frozen=True)
class Choice:
    """Names of columns; FOLDER or FILE where a name of the place says it; None where nothing."""

    columns: tuple[str, ...]
    label: str | None
    person: str | None
    time: str | None
    recording: str | None
    notes: tuple[str, ...]

    @property
    def wanted(self) -> list[str]:
        """All columns that are read."""
        others = (self.label, self.person, self.time, self.recording)
        return [*self.columns, *(name for name in others if name not in (None, FOLDER, FILE))]


def choose(
    names: Sequence[str],
    *,
    columns: Sequence[str] | None,
    label: str | None,
    person: str | None,
    time: str | None,
    folders: bool,
    labelled: bool = True,
) -> Choice:
    """Return which of a table's columns are what.

    Args:
        names: of the table's columns.
        columns: of acceleration x, y, z and, if wanted, angular velocity x, y, z.
        label: column of the labels; "folder" or "file": the name of the place is the label.
        person: column of who wore the sensor; "folder", "file" or "none".
        time: column of the time; "none": there is none.
        folders: whether files lie in sub-folders, whose names may say what no column says.
        labelled: whether labels are needed.

    Raises:
        InputError: a name is not there, or what is left out cannot be told.
    """
    notes: list[str] = []
    chosen = _axes(names, notes) if columns is None else _given_axes(columns, names)
    said = {
        "label": _column("label", label, names, _pattern(_LABELS, _NAME_OF), folders, notes),
        "person": _column("person", person, names, _pattern(_PEOPLE, _NAME_OF), False, notes),
        "time": _column("time", time, names, _pattern(_TIMES, _TIME_UNIT), False, notes),
    }
    if labelled and said["label"] is None:
        raise InputError(
            "label: no column has a usual name for what was done, such as 'activity'; give "
            f"--label with one of {', '.join(names)}, or 'folder' or 'file' where names of places "
            "say it"
        )
    if person is None and said["person"] is None and folders and said["label"] != FOLDER:
        said["person"] = FOLDER
        notes.append("people are the names of the sub-folders (no column is named after them)")
    recording = _by_pattern(_pattern(_RECORDINGS, _NAME_OF), names)
    cut = recording[0] if len(recording) == 1 and recording[0] not in said.values() else None
    if cut is not None:
        notes.append(f"recordings are cut where {cut!r} changes (by its name)")
    return Choice(chosen, **said, recording=cut, notes=tuple(notes))


def _column(
    what: str,
    given: str | None,
    names: Sequence[str],
    pattern: re.Pattern[str],
    folders: bool,
    notes: list[str],
) -> str | None:
    """Return the column of a label, person or time, as given or by its name."""
    if given is not None:
        if given == NONE and NONE not in names:
            return None
        if given in (FOLDER, FILE) and given not in names and what != "time":
            return given
        return _known(given, names, what)
    found = _by_pattern(pattern, names)
    if len(found) > 1:
        raise InputError(
            f"{what}: columns {' and '.join(found)} may be it; give --{what} with the one that is"
        )
    if found:
        notes.append(f"{what} is in {found[0]!r} (by its name)")
        return found[0]
    if folders:
        notes.append(f"{what} is the name of the sub-folder (no column is named after it)")
        return FOLDER
    return None


def _known(name: str, names: Sequence[str], what: str) -> str:
    if name not in names:
        raise InputError(f"{what}: no column {shown(name)!r}; {nearest(name, names)}")
    return name


def _pattern(words: Sequence[str], ending: str) -> re.Pattern[str]:
    return re.compile(f"({'|'.join(words)}){ending}")


def _by_pattern(pattern: re.Pattern[str], names: Sequence[str]) -> list[str]:
    """Return the columns whose letters are a word of the pattern."""
    return [n for n in names if pattern.fullmatch(re.sub("[^a-z]", "", n.lower()))]


def _given_axes(columns: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a signal, which must be there."""
    chosen = tuple(_known(name, names, "columns") for name in columns)
    if len(chosen) not in (3, 6) or len(set(chosen)) < len(chosen):
        raise InputError(
            f"columns {', '.join(columns)}: give three of acceleration x, y, z, or six with "
            "angular velocity after them, each once"
        )
    return chosen


def _axes(names: Sequence[str], notes: list[str]) -> tuple[str, ...]:
    """Return the columns of acceleration x, y, z by their names."""
    triples = _triples(names)
    of_kind = {kind: [t for k, t in triples if k == kind] for kind in ("acceleration", "plain")}
    found = of_kind["acceleration"] or of_kind["plain"]
    if len(found) == 1:
        notes.append(f"acceleration is in {', '.join(found[0])} (by their names)")
        left = [name for name in names if _axis_kind(name, names) == "other"]
        if left:
            notes.append(f"{', '.join(left)} are left out: the front end reads acceleration")
        return found[0]
    what = (
        f"{'; '.join(', '.join(t) for t in found)} may be acceleration"
        if found
        else f"none of {', '.join(names)} is named as acceleration usually is (ax, ay, az)"
    )
    raise InputError(f"columns: {shown(what)}; give --columns X,Y,Z")


def _triples(names: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return kind and names of columns that differ in an x, y and z only."""
    lower = {name.lower(): name for name in names}
    triples = []
    for low, name in lower.items():
        for place in (m.start() for m in re.finditer("x", low)):
            others = [low[:place] + axis + low[place + 1 :] for axis in "yz"]
            if all(other in lower for other in others):
                mark = f"{low[:place]}\0{low[place + 1 :]}"
                triples.append((_kind(mark), (name, *(lower[other] for other in others))))
    return triples


def _kind(mark: str) -> str:
    """Return what a triple measures, by its name with NUL for the axis."""
    if _ACCELERATION.search(mark):
        return "acceleration"
    return "other" if _OTHER.search(mark) else "plain"


def _axis_kind(name: str, names: Sequence[str]) -> str | None:
    """Return the kind of the triple that a column belongs to, if any."""
    return next((kind for kind, triple in _triples(names) if name in triple), None)
