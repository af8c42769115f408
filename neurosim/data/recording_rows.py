"""From chunks of tables to rows of numbers with keys and times, cut into stretches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurosim.data import recording_units
from neurosim.data.recording_checks import name_of
from neurosim.data.recording_columns import FILE, FOLDER, Choice
from neurosim.data.recording_cuts import Cutter, Rows, Stretch
from neurosim.data.recording_tables import Table
from neurosim.data.recording_units import Timing
from neurosim.errors import InputError, shown

_REASONS = {
    "gap": "{} gaps in the time: recordings are cut there",
    "backwards": "the time goes back {} times: recordings are cut there",
    "repeated": "{} rows repeat the row before, time and all: left out",
    "without a label": "{} rows have no label: left out, and recordings are cut there",
    "without a signal": "{} rows have no signal: recordings are cut there",
}
_KEYS = ("label", "person", "recording")


class TableReader:
    """Reads tables of the same columns, one after the other.

    Args:
        choice: which column is what.
        rate_hz: of the rows; None: the first table's time says it.
        labelled: whether rows have labels.
    """

    def __init__(self, choice: Choice, rate_hz: float | None, *, labelled: bool):
        self.choice, self.rate_hz = choice, rate_hz
        self.stretches: list[Stretch] = []
        self.names: dict[str, list[str]] = {what: [] for what in _KEYS}
        """Of labels, people and recordings, in the order of their numbers."""
        self.rows = 0
        self._counts: Counter[str] = Counter()
        self._notes: list[str] = []
        self._columns = {
            "label": choice.label if labelled else None,
            "person": choice.person,
            "recording": choice.recording,
        }

    @property
    def notes(self) -> list[str]:
        """What was noticed, repaired and cut."""
        counts = [t.format(f"{self._counts[r]:,}") for r, t in _REASONS.items() if self._counts[r]]
        return [*self._notes, *counts]

    def read(self, table: Table, place: tuple[str, ...]) -> None:
        """Read a table.

        Args:
            table: to read.
            place: names of folders, if any, and file within what the user gave.

        Raises:
            InputError: a column is missing or a value is wrong, with its row.
        """
        fixed = {what: _of_place(what, c, place) for what, c in self._columns.items()}
        texts = {w: c for w, c in self._columns.items() if c is not None and fixed[w] is None}
        time = self.choice.time
        numbers = [*self.choice.columns, *([time] if time is not None else [])]
        for name in (*numbers, *texts.values()):
            if name not in table.names:
                raise InputError(f"has no column {shown(name)!r}, as the first file has")
        self._notes += [note for note in table.notes if note not in self._notes]
        cutter, timing, origin = None, Timing(self.rate_hz or 0.0, 0.0, np.inf, ()), 0
        for first, chunk in table.read(numbers, list(texts.values())):
            values = [_numbers(chunk[name], name, first, table) for name in self.choice.columns]
            seconds = None
            if time is not None:
                times, second = _times(chunk[time], time, first, table)
                if cutter is None:
                    timing, origin = self._timed(time, times, second), times[0]
                if timing.second:
                    seconds = (times - origin) * timing.second
            if cutter is None:
                self.rate_hz = timing.rate_hz
                cutter = Cutter(timing.rate_hz, timing.gap_s, already=self.rows)
            keys = self._keys(chunk, len(values[0]), fixed, texts)
            signal = np.stack(values, axis=1)
            cutter.add(Rows(signal, keys, seconds, first, table.row, self.choice.columns))
        if cutter is not None:
            self.stretches += cutter.finish()
            self._counts += cutter.counts
            self.rows = cutter.rows

    def _timed(self, name: str, times: np.ndarray, second: float | None) -> Timing:
        timing = recording_units.timing_of(name, times, self.rate_hz, second)
        self._notes += [note for note in timing.notes if note not in self._notes]
        return timing

    def _keys(
        self,
        chunk: Mapping[str, np.ndarray],
        rows: int,
        fixed: Mapping[str, str | None],
        texts: Mapping[str, str],
    ) -> np.ndarray:
        """Return numbers (rows, 3) of label, person and recording; what nothing says is 0."""
        keys = np.zeros((rows, len(_KEYS)), np.int64)
        for k, what in enumerate(_KEYS):
            if what in texts:
                keys[:, k] = _codes(chunk[texts[what]], self.names[what])
            elif (name := fixed[what]) is not None:
                keys[:, k] = _codes(np.array([name], object), self.names[what])
            elif not self.names[what]:
                self.names[what].append("one person" if what == "person" else what)
        return keys


def _of_place(what: str, column: str | None, place: tuple[str, ...]) -> str | None:
    """Return the name that a place gives, or None where a column says it or nothing does."""
    if column == FILE:
        return Path(place[-1]).stem
    if column == FOLDER:
        if len(place) < 2:
            raise InputError(f"{what} 'folder': the file lies in no sub-folder; give {what} 'file'")
        return place[0]
    return None


def _codes(values: np.ndarray, names: list[str]) -> np.ndarray:
    """Return the number of each value's name, -1 where there is none; new names are added."""
    import pandas as pd

    codes, found = pd.factorize(values, use_na_sentinel=True)
    number = {name: k for k, name in enumerate(names)}
    for value in found:
        name = name_of(value)
        if name and name not in number:
            number[name] = len(names)
            names.append(name)
    of_code = np.array([number.get(name_of(value), -1) for value in found] + [-1], np.int64)
    return of_code[codes]


def _numbers(values: np.ndarray, name: str, first: int, table: Table) -> np.ndarray:
    """Return a column as float32, nan where it is empty."""
    if values.dtype.kind not in "biufO":
        values = values.astype(object)
    if values.dtype == object:
        import pandas as pd

        numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(np.float64)
        odd = np.flatnonzero(np.isnan(numbers) & ~pd.isna(values))
        if len(odd):
            raise InputError(
                f"{table.row} {first + odd[0]}: {shown(name)} is {shown(values[odd[0]], form=repr)}"
                ", which is no number; correct it, or give other --columns"
            )
        values = numbers
    return values.astype(np.float32)


def _times(
    values: np.ndarray, name: str, first: int, table: Table
) -> tuple[np.ndarray, float | None]:
    """Return a column of times as numbers, and the seconds of a unit where they are dates."""
    import pandas as pd

    second = None
    if values.dtype.kind not in "iuf":
        try:
            dates = pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
        except (ValueError, TypeError) as error:
            raise InputError(
                f"time {shown(name)!r}: neither numbers nor dates such as 2026-05-01T10:00:00.02 "
                f"({shown(str(error).split('.')[0], 80)}); correct it, or give --time none and "
                "--rate"
            ) from error
        missing, second = dates.isna().to_numpy(), 1e-9
        values = dates.dt.tz_localize(None).dt.as_unit("ns").to_numpy().astype(np.int64)
    else:
        missing = ~np.isfinite(values)
    if missing.any():
        raise InputError(
            f"{table.row} {first + int(np.argmax(missing))}: {shown(name)} is missing; fill it in, "
            "or give --time none and --rate"
        )
    return (values.astype(np.int64) if values.dtype.kind == "u" else values), second
