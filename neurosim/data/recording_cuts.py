"""Rows of tables, as they come, cut into recordings: each of one person and one label, no gap."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from neurosim.errors import InputError
from neurosim.frozen import own

MOST_ROWS = 2**25
"""Of all recordings: with three columns of float32 they take 400 MB. At 50 Hz they last 186 hours,
whose windows of events, overlapping by half, have 4 GB."""


class Rows(NamedTuple):
    """Some rows of a table."""

    signal: np.ndarray
    """(rows, columns) float32."""
    keys: np.ndarray
    """(rows, 3) numbers of label, person and recording; -1: no label."""
    seconds: np.ndarray | None
    """(rows,) time, where a column has it."""
    first: int
    """Number of the first row in its file, from 1."""
    row: str
    """What a row is called there."""
    columns: tuple[str, ...]
    """Names of the signal's columns, for messages."""


class Stretch(NamedTuple):
    """Rows without a cut."""

    signal: np.ndarray
    label: int
    person: int
    start_s: float
    """Of its first row, from the first row of its file: by the time column, if there is one."""


class Cutter:
    """Takes rows in turn; `finish` gives the stretches.

    Args:
        rate_hz: of the rows.
        gap_s: a longer step of the time is a gap.
        already: rows of other tables, which count, too.
    """

    def __init__(self, rate_hz: float, gap_s: float, already: int = 0):
        self.rate_hz, self.gap_s = rate_hz, gap_s
        self.counts: Counter[str] = Counter()
        """Rows that were left out and cuts that were made, by reason."""
        self.rows = already
        self._stretches: list[Stretch] = []
        self._pieces: list[np.ndarray] = []
        self._start: tuple[int, int, float] = (0, 0, 0.0)
        self._last: tuple[np.ndarray, np.ndarray, float] | None = None
        """Signal, keys and time of the last row; None where what comes next is cut from it."""

    def add(self, rows: Rows) -> None:
        """Take the next rows of a file.

        Raises:
            InputError: a value is missing or not finite, or there are more than MOST_ROWS.
        """
        keep = self._complete(rows) & (rows.keys[:, 0] >= 0)
        self.counts["without a label"] += int((rows.keys[:, 0] < 0).sum())
        hole = np.concatenate(([0], np.cumsum(~keep)))[:-1]  # holes before each row
        seconds = rows.seconds
        if seconds is not None:
            again = self._again(rows, seconds)
            self.counts["repeated"] += int((again & keep).sum())
            keep &= ~again
        places = np.flatnonzero(keep)
        if not len(places):
            if len(keep) and hole[-1] + 1:
                self.close()
            return
        self.rows += len(places)
        if self.rows > MOST_ROWS:
            raise InputError(
                f"holds more than {MOST_ROWS:,} rows; give a part of it, such as some of its "
                "people, or every other row at half the rate"
            )
        self._cut(rows, places, hole[places])
        if not keep[-1] and not (seconds is not None and again[-1]):
            self.close()

    def close(self) -> None:
        """End the recording: what comes next is another."""
        if self._pieces:
            # Owned here, so that recordings made of it hold no copy.
            self._stretches.append(Stretch(own(np.concatenate(self._pieces)), *self._start))
        self._pieces, self._last = [], None

    def finish(self) -> list[Stretch]:
        """Return all stretches, in the order of their rows."""
        self.close()
        return self._stretches

    def _complete(self, rows: Rows) -> np.ndarray:
        """Return which rows have all values; refuse those that have some of them."""
        finite = np.isfinite(rows.signal)
        complete = finite.all(axis=1)
        empty = np.isnan(rows.signal).all(axis=1)
        odd = np.flatnonzero(~complete & ~empty)
        if len(odd):
            row = int(odd[0])
            column = int(np.flatnonzero(~finite[row])[0])
            value = rows.signal[row, column]
            raise InputError(
                f"{rows.row} {rows.first + row}: {rows.columns[column]} is {value}; "
                "correct the row, or empty all its columns of signal, which makes a gap of it"
            )
        self.counts["without a signal"] += int(empty.sum())
        return complete

    def _again(self, rows: Rows, seconds: np.ndarray) -> np.ndarray:
        """Return which rows repeat the row before: time, signal and keys."""
        last = self._last
        again = np.zeros(len(seconds), bool)
        again[1:] = (
            (np.diff(seconds) == 0)
            & (rows.signal[1:] == rows.signal[:-1]).all(axis=1)
            & (rows.keys[1:] == rows.keys[:-1]).all(axis=1)
        )
        if last is not None and len(seconds):
            same = (rows.signal[0] == last[0]).all() and (rows.keys[0] == last[1]).all()
            again[0] = seconds[0] == last[2] and bool(same)
        return again

    def _cut(self, rows: Rows, places: np.ndarray, hole: np.ndarray) -> None:
        """Add complete rows to the open stretch, cutting where one ends."""
        signal, keys = rows.signal[places], rows.keys[places]
        if rows.seconds is not None:
            seconds = rows.seconds[places]
        else:
            seconds = (rows.first - 1 + places) / self.rate_hz
        ends = np.zeros(len(places), bool)
        ends[1:] = (np.diff(keys, axis=0) != 0).any(axis=1) | (np.diff(hole) > 0)
        ends[0] = self._last is None or hole[0] > 0 or bool((self._last[1] != keys[0]).any())
        if rows.seconds is not None:
            before = np.nan if self._last is None else self._last[2]
            steps = np.diff(seconds, prepend=before)
            for what, mask in (("gap", steps > self.gap_s), ("backwards", steps < 0)):
                self.counts[what] += int((mask & ~ends).sum())
                ends |= mask
        bounds = [*np.flatnonzero(ends), len(places)]
        if bounds[0] > 0:
            self._pieces.append(signal[: bounds[0]])
        for start, stop in pairwise(bounds):
            self.close()
            self._start = (int(keys[start, 0]), int(keys[start, 1]), float(seconds[start]))
            self._pieces.append(signal[start:stop])
        self._last = (signal[-1], keys[-1], float(seconds[-1]))
