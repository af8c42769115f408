"""Tables in files, read some rows at a time: CSV and its kin, Parquet, arrays in memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside
from neurosim.errors import InputError, UnavailableError, shown

ROWS = 2**18
"""Read at a time."""
TEXTS, PARQUETS = (".csv", ".tsv", ".txt", ".dat"), (".parquet", ".pq")

_HEAD = 2**16
"""Bytes of a file of text that delimiter, decimal sign and header are told from."""
_MISSING = ["", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None", "-"]

Chunks = Iterator[tuple[int, Mapping[str, np.ndarray]]]
"""Number of the first row, and columns by name."""


@dataclass(frozen=True)
class Table:
    """A table that is not yet read."""

    path: str
    names: tuple[str, ...]
    read: Callable[[Sequence[str], Sequence[str]], Chunks]
    """Gives rows of some columns of numbers, and of some of text."""
    notes: tuple[str, ...] = ()
    row: str = "line"
    """What a row is called in this file."""


def text_table(path: Path) -> Table:
    """Return a file of text with a row a line, whatever is between its columns.

    Raises:
        InputError: it is not in UTF-8, or holds no table.
    """
    lines = _head(path)
    if sum(bool(line.strip()) for line in lines) < 2:
        raise InputError(f"{shown(path)}: holds {len(lines)} lines; expected are rows of a table")
    delimiter, skipped = _layout(lines)
    fields = [_fields(line, delimiter) for line in lines[skipped:]]
    comma = _decimal_comma(fields[1:20], delimiter)
    headless = all(_is_number(f.replace(",", ".") if comma else f) for f in fields[0])
    names = [str(k + 1) for k in range(len(fields[0]))] if headless else fields[0]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{shown(path)}: column {shown(twice)!r} is there twice; rename one")
    notes = []
    if skipped:
        notes.append(f"{skipped} lines before the table are left out")
    if comma:
        notes.append("decimal commas are read as points")
    if headless:
        notes.append(f"there is no header: columns are called 1 to {len(names)}")
    how = {
        "sep": delimiter,
        "decimal": "," if comma else ".",
        "header": None,
        "names": names,
        "skiprows": skipped + (not headless),
    }
    read = partial(_text_rows, path, how, skipped + 1 + (not headless))
    return Table(str(path), tuple(names), read, tuple(notes))


def _text_rows(
    path: Path, how: dict[str, Any], first: int, numbers: Sequence[str], texts: Sequence[str]
) -> Chunks:
    """Yield rows of a file of text.

    All columns are read: asked for some, pandas says nothing of lines that are too long.
    """
    import pandas as pd

    wanted = [*numbers, *texts]
    options = {
        **how,
        "dtype": dict.fromkeys(texts, str),
        "keep_default_na": False,
        "na_values": {name: _MISSING if name in numbers else [""] for name in wanted},
        "chunksize": ROWS,
        "low_memory": False,
        "encoding": "utf-8",
        "engine": "c",
        "index_col": False,
    }
    with outside.reading(path, "table"):
        try:
            with pd.read_csv(path, **options) as reader:
                for frame in reader:
                    yield first, {name: frame[name].to_numpy() for name in wanted}
                    first += len(frame)
        except UnicodeDecodeError as error:
            raise InputError(_not_utf8(error)) from error


def parquet_table(path: Path) -> Table:
    """Return a Parquet file.

    Raises:
        UnavailableError: pyarrow, which reads it, is not installed.
        InputError: it is damaged.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UnavailableError(
            f"{shown(path)}: Parquet files need pyarrow; pip install pyarrow, or save it as CSV"
        ) from error
    with outside.reading(path, "Parquet file"):
        names = tuple(parquet.ParquetFile(path).schema_arrow.names)

    def read(numbers: Sequence[str], texts: Sequence[str]) -> Chunks:
        first, wanted = 1, [*numbers, *texts]
        with outside.reading(path, "Parquet file"):
            for batch in parquet.ParquetFile(path).iter_batches(ROWS, columns=wanted):
                yield first, {n: batch.column(n).to_pandas().to_numpy() for n in wanted}
                first += len(batch)

    return Table(str(path), names, read, row="row")


def array_table(path: str, columns: Mapping[str, np.ndarray]) -> Table:
    """Return columns that are in memory, each (rows,)."""

    def read(numbers: Sequence[str], texts: Sequence[str]) -> Chunks:
        yield 1, {name: columns[name] for name in (*numbers, *texts)}

    return Table(path, tuple(columns), read, row="row")


def _head(path: Path) -> list[str]:
    """Return the first lines of a file of text."""
    with path.open("rb") as file:
        content = file.read(_HEAD)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{shown(path)}: {_convert('UTF-16')}")
    if b"\0" in content:
        raise InputError(f"{shown(path)}: holds bytes that no text has; give a table")
    whole = len(content) < _HEAD
    try:
        text = content.decode("utf-8-sig", errors="strict" if whole else "ignore")
        if not whole:
            content[: content.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(path)}: {_not_utf8(error)}") from error
    lines = text.splitlines()
    return lines if whole else lines[:-1]


def _not_utf8(error: UnicodeDecodeError) -> str:
    byte = error.object[error.start]
    return f"{_convert('WINDOWS-1252')} (byte {byte:#04x} at {error.start})"


def _convert(encoding: str) -> str:
    return f"is not UTF-8 but probably {encoding}; convert it: iconv -f {encoding} -t UTF-8"


def _layout(lines: Sequence[str]) -> tuple[str, int]:
    """Return what stands between columns, and how many lines stand before the table.

    A table's lines have one number of columns, which most lines of the file have.
    """
    for delimiter in (";", "\t", ",", r"\s+"):
        counts = [len(_fields(line, delimiter)) if line.strip() else 0 for line in lines]
        usual, times = Counter(counts).most_common(1)[0]
        if usual > 1 and 2 * times > len([count for count in counts if count]):
            return delimiter, counts.index(usual)
    return r"\s+", next(k for k, line in enumerate(lines) if line.strip())


def _fields(line: str, delimiter: str) -> list[str]:
    import csv

    if delimiter == r"\s+":
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]


def _decimal_comma(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether numbers have commas: some fields are numbers with one, none with a point."""
    fields = [field for row in rows for field in row]
    comma = [f for f in fields if re.fullmatch(r"[-+]?\d*,\d+([eE][-+]?\d+)?", f)]
    point = [f for f in fields if re.fullmatch(r"[-+]?\d*\.\d+([eE][-+]?\d+)?", f)]
    return bool(comma) and not point


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
