"""Tables of numbers in files of the user's, strict about shape, range and count."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from neurosim.data.catalogue import existing
from neurosim.errors import InputError, shown

STANDARD_GRAVITY = 9.80665
"""m/s^2 in 1 g."""

MAX_ACCELERATION_G = 32.0
MAX_ROTATION = 70.0
"""rad/s. No sensor of these sets measures more: beyond it, units or columns are mixed up."""

MOST_BYTES, MOST_LINES, LONGEST_LINE = 2**30, 2**20, 2**18
"""Of a file of text: those of the sets have some hundred megabytes, 20,750 lines of 20 kB."""


def read_text(
    path: Path, columns: int, *, delimiter: str | None = None, rows: int | None = None
) -> np.ndarray:
    """Return the numbers of a text file, (rows, columns) float64.

    Args:
        path: the file, one row a line.
        columns: how many numbers each line must hold.
        delimiter: between numbers; any white space when None.
        rows: how many lines there must be; any number but none when None.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: a line of another length, something that is no finite number, other rows.
    """
    return checked(path, read_numbers(path, delimiter=delimiter), columns, rows)


def read_numbers(
    path: Path, *, delimiter: str | None = None, end: str = "", most: int = MOST_BYTES
) -> np.ndarray:
    """Return the numbers of a text file, (rows, columns) float64; see `read_text`.

    `end` is what lines end in, after the last number.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: it is no table of numbers, or has more than `most` bytes, MOST_LINES or
            LONGEST_LINE.
    """
    existing(path, most)
    try:
        # Opened here: numpy would unpack a file whose name ends in .gz, whatever its size.
        with path.open(encoding="utf-8") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is refused by its shape
            lines = _lines(file, end)
            return np.loadtxt(lines, np.float64, delimiter=delimiter, ndmin=2, comments=None)
    except ValueError as error:
        reason = shown(str(error).split(";")[0])  # without what numpy advises its own callers
        raise InputError(
            f"{path}: not a table of numbers ({reason}); it is cut, or not the official file"
        ) from error


def _lines(file: TextIO, end: str) -> Iterator[str]:
    """Yield the lines of a file; refuse a line or a number of lines that no table of ours has."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise InputError(f"line {number} has {LONGEST_LINE:,} characters or more")
        if number > MOST_LINES:
            raise InputError(f"more than {MOST_LINES:,} lines")
        yield line.rstrip().removesuffix(end) if end else line


def checked(path: Path, table: np.ndarray, columns: int, rows: int | None) -> np.ndarray:
    """Return a table after checking its shape and that all its numbers are finite."""
    if not table.size:
        raise InputError(f"{path}: holds no numbers; expected rows of {columns}")
    if table.ndim != 2 or table.shape[1] != columns:
        raise InputError(f"{path}: shape is {table.shape}; expected rows of {columns} numbers")
    if rows is not None and len(table) != rows:
        raise InputError(f"{path}: {len(table)} rows, the official file has {rows}")
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        raise InputError(f"{path}: row {bad[0, 0] + 1} column {bad[0, 1] + 1} is not finite")
    return table


def whole(path: Path, values: np.ndarray, low: int, high: int, what: str) -> np.ndarray:
    """Return values as int64 after checking that they are whole numbers low..high."""
    wrong = np.flatnonzero((values != np.floor(values)) | (values < low) | (values > high))
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong[0] + 1}: {what} is {values[wrong[0]]:g}; "
            f"it is a whole number {low}..{high}"
        )
    return values.astype(np.int64)


def within(path: Path, values: np.ndarray, limit: float, what: str) -> np.ndarray:
    """Return values after checking that none exceeds a physical limit."""
    largest = float(np.abs(values).max(initial=0))
    if largest > limit:
        raise InputError(
            f"{path}: {what} reaches {largest:.4g}, more than {limit:g}: wrong units or columns"
        )
    return values
