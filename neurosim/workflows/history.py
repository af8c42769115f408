"""Ratios of benchmarks over commits: entries in a file, and what fell since the last one.

A ratio says how many times faster (or smaller in memory) something is than its reference, both
measured in one run. Ratios hardly depend on how busy a machine is, but on its processor: each is
compared with the last one of the same processor.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from rich.console import Console
from rich.text import Text

from neurosim import outside, store, tables
from neurosim.errors import InputError, shown
from neurosim.provenance import processor, versions
from neurosim.workflows import benchmarks

NAME = "history.jsonl"
"""In benchmarks/."""
FALL = 0.15
"""A ratio that is lower by more than this part is named."""
Ratio = Annotated[FiniteFloat, Field(gt=0)]


class Entry(BaseModel):
    """One series of benchmarks: a line of the file."""

    model_config = ConfigDict(frozen=True, strict=True)

    date: str
    """UTC, ISO 8601."""
    commit: str
    """Empty where it is not known."""
    dirty: bool
    """Whether files differed from the commit."""
    version: str
    """Of neurosim."""
    processor: str
    """Its name, and variables that have libraries choose other instructions."""
    versions: dict[str, str]
    """Of Python and packages."""
    ratios: dict[str, Ratio] = Field(min_length=1)
    """By "benchmark: name"; larger is better."""

    @property
    def place(self) -> str:
        """Day and commit, for people; a star marks a commit with changes."""
        return f"{self.date[:10]} {self.commit[:7]}{'*' if self.dirty else ''}".strip()


class Change(NamedTuple):
    """A ratio and the last one before it."""

    name: str
    now: float
    last: Entry | None
    """With this ratio: of the same processor, else of another, None without one."""
    judged: bool
    """Whether the processor is the same."""

    @property
    def before(self) -> float | None:
        """The last value."""
        return None if self.last is None else self.last.ratios[self.name]

    @property
    def change(self) -> float:
        """By which part it rose; 0 without a last one."""
        return 0.0 if self.before is None else self.now / self.before - 1

    @property
    def shift(self) -> str:
        """The change in percent, signed."""
        return f"{round(100 * self.change) + 0:+d} %"

    @property
    def fell(self) -> bool:
        """Whether it fell by more than `FALL`, on the same processor."""
        return self.judged and self.change < -FALL


def path() -> Path:
    """Return the checkout's file of entries."""
    return benchmarks.folder() / NAME


def read(file: Path) -> list[Entry]:
    """Return all entries of a file, none where there is no file.

    Raises:
        InputError: a line is no entry; the message names file and line.
    """
    if not file.exists():
        return []
    entries = []
    for number, line in enumerate(outside.text_of(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            reason = f"{where}: {first['msg']}" if where else first["msg"]
            raise InputError(
                f"{shown(file)}, line {number}: no entry of `neurosim bench --json` "
                f"({shown(reason)}); mend or remove the line"
            ) from error
    return entries


def append(file: Path, entry: Entry) -> None:
    """Add an entry as the last line; what is there stays, to the byte."""
    before = file.read_bytes() if file.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    store.write_bytes(file, before + entry.model_dump_json().encode() + b"\n")


def state_of(checkout: Path) -> tuple[str, bool]:
    """Return the commit of a checkout, and whether files differ from it: `Entry` has both."""
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no", "--", *_SOURCES)
    return _git(checkout, "rev-parse", "HEAD"), bool(changed)


def entry_of(ratios: dict[str, float], commit: str, dirty: bool) -> Entry:
    """Return an entry of ratios measured now, here, with the files of a commit."""
    switches = processor()
    name = switches.pop("processor")
    packages = versions()
    return Entry(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit,
        dirty=dirty,
        version=packages.pop("neurosim"),
        processor=", ".join([name, *(f"{key}={value}" for key, value in switches.items())]),
        versions=packages,
        ratios=ratios,
    )


_SOURCES = (".", ":!benchmarks/history.*")
"""Files whose changes count: all but what this module writes."""


def _git(checkout: Path, *arguments: str) -> str:
    """Return what git prints; nothing where it is missing or there is no repository."""
    command = ["git", "-C", str(checkout), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def changes(earlier: Sequence[Entry], entry: Entry) -> list[Change]:
    """Compare each ratio of an entry with the last one before it."""
    out = []
    for name, now in entry.ratios.items():
        having = [old for old in earlier if name in old.ratios]
        same = [old for old in having if old.processor == entry.processor]
        last = next(reversed(same or having), None)
        out.append(Change(name, now, last, judged=bool(same)))
    return out


def show(compared: Sequence[Change], entry: Entry, console: Console) -> None:
    """Print ratios beside the last ones, and say what fell."""
    columns, right = ("ratio", "before", "now", "change", "against"), ("before", "now", "change")
    table = tables.terminal(columns, right=right, title="larger is better")
    for change in compared:
        against = "" if change.last is None else change.last.place
        shift = change.shift if change.judged else "new"
        if change.last is not None and not change.judged:
            shift, against = "not judged", f"{against}, {change.last.processor}"
        before = "" if change.before is None else f"{change.before:.3g}"
        style = "bold red" if change.fell else ""
        table.add_row(change.name, before, f"{change.now:.3g}", Text(shift, style), against)
    console.print(table)
    for line in sentences(compared, entry):
        console.print(line, soft_wrap=True, highlight=False)


def sentences(compared: Sequence[Change], entry: Entry) -> list[str]:
    """Say in plain lines which ratios fell, and what else changed since."""
    judged, fallen = [c for c in compared if c.judged], [c for c in compared if c.fell]
    if not judged:
        return [f"nothing to compare with: no earlier entry of {entry.processor} has these ratios"]
    how = f"{len(judged)} compared with the last of {entry.processor}"
    if not fallen:
        return [f"no ratio fell by more than {100 * FALL:g} % ({how})"]
    lines = [f"{len(fallen)} fell by more than {100 * FALL:g} % ({how}):"]
    for c in fallen:
        assert c.last is not None
        lines.append(f"  {c.name}: {c.before:.3g} -> {c.now:.3g} ({c.shift}, {c.last.place})")
    last = fallen[0].last
    assert last is not None
    other = [
        f"{package} {last.versions.get(package, 'absent')} -> {version}"
        for package, version in entry.versions.items()
        if last.versions.get(package, "absent") != version
    ]
    if other:
        lines.append(f"other versions since: {', '.join(other)}")
    lines.append(
        "machines that are shared are noisy: run it again before you believe it; the exit status "
        "does not depend on it"
    )
    return lines


def measure(names: list[str], file: Path, console: Console) -> None:
    """Run benchmarks, add their ratios to a file, compare them and write the page beside it.

    Args:
        names: of benchmarks; all if empty.
        file: of entries; it is read first, so that nothing is measured for a damaged one.
        console: for tables and sentences.

    Raises:
        InputError: the file is damaged; no benchmark has such a name, or none has ratios.
        NeurosimError: a benchmark failed; the ratios of the others are kept.
    """
    from neurosim.workflows import history_page

    earlier = read(file)
    state = state_of(benchmarks.folder().parent)
    outcome = benchmarks.run(names, console)
    if not outcome.ratios:
        outcome.check()
        raise InputError(f"--json: {', '.join(names) or 'no benchmark'} measured no ratios to keep")
    entry = entry_of(outcome.ratios, *state)
    append(file, entry)
    console.rule("history")
    show(changes(earlier, entry), entry, console)
    history_page.write(file, [*earlier, entry])
    outcome.check()
