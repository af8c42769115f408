"""A user's own recordings, from files: what is guessed is guessed by safe signs, and said."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside, store
from neurosim.data import recording_checks, recording_columns, recording_units
from neurosim.data.recording_arrays import ARRAYS, tables_of
from neurosim.data.recording_cuts import Stretch
from neurosim.data.recording_rows import TableReader
from neurosim.data.recording_tables import PARQUETS, TEXTS, Table, parquet_table, text_table
from neurosim.data.recordings import Reading, Recordings
from neurosim.errors import InputError, UnavailableError, shown
from neurosim.frozen import own


def read_recordings(
    path: str | Path,
    *,
    rate: float | None = None,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    person: str | None = None,
    time: str | None = None,
    units: str | None = None,
) -> Recordings:
    """Read recordings of an accelerometer: CSV, TSV, Parquet, .npz, .mat, HDF5, or a folder.

    A recording is one uninterrupted stretch of one person and one label: it ends where one of them
    changes, at a gap of the time, and with its file. What is left out here is told from names and
    numbers where that is safe, and said in `.reading.notes`; else it is asked for.

    Args:
        path: a file, or a folder of files of one kind.
        rate: samples a second; told from the time column when None.
        columns: of acceleration x, y, z, or of six with angular velocity; by usual names when None.
        label: column of what was done; "folder" or "file": the name of sub-folder or file says it.
        person: column of who wore the sensor; "folder" or "file" likewise; "none": one person.
        time: column of the time, numbers or dates; "none": rows follow one another at the rate.
        units: "g", "m/s2", "mg", or the number that 1 g is; with angular velocity two, such as
            "g,deg/s". Told from the length of gravity when None.

    Returns:
        Acceleration in g, angular velocity in rad/s, float32.

    Raises:
        UnavailableError: there is no such file, or what reads it is not installed.
        InputError: it cannot be read safely, with the row or column and what to do.
    """
    options: dict[str, Any] = {"columns": columns, "label": label, "person": person, "time": time}
    with outside.reading(path, "table of recordings"):
        stretches, names, reading = read_stretches(path, rate=rate, units=units, **options)
        return recording_checks.gathered(
            [stretch.signal for stretch in stretches],
            [names["label"][stretch.label] for stretch in stretches],
            [names["person"][stretch.person] for stretch in stretches],
            reading,
            digest(path),
        )


def read_stretches(
    path: str | Path,
    *,
    rate: float | None,
    units: str | None,
    labelled: bool = True,
    **options: Any,
) -> tuple[list[Stretch], dict[str, list[str]], Reading]:
    """Return a file's uninterrupted stretches in g, names of labels and people, and the reading.

    Args:
        path: as for `read_recordings`, like `rate`, `units` and the other options.
        labelled: whether labels are needed; without, recordings are not cut by them.
    """
    root, files = _files(Path(path))
    tables = [table for file in files for table in _tables(file)]
    parts = [Path(t.path).relative_to(root).parts if root else (Path(t.path).name,) for t in tables]
    choice = recording_columns.choose(
        tables[0].names, folders=any(len(p) > 1 for p in parts), labelled=labelled, **options
    )
    if rate is not None and not 0 < rate < np.inf:
        raise InputError(f"rate is {rate}; it is a number of samples a second, such as 50")
    if rate is None and choice.time is None:
        raise InputError(f"{shown(path)}: no column holds the time, so --rate must be given")
    reader = TableReader(choice, rate, labelled=labelled)
    for table, place in zip(tables, parts, strict=True):
        with outside.reading(table.path, "table"):
            reader.read(table, place)
    if not reader.stretches or reader.rate_hz is None:
        raise InputError(f"{shown(path)}: holds no rows with a signal and a label")
    stretches = reader.stretches
    found = recording_units.units_of(
        [s.signal for s in stretches], reader.rate_hz, choice.columns, units
    )
    for k, stretch in enumerate(stretches):  # one at a time: all of them may fill the memory
        scaled = stretch.signal / np.array(found.divisors, np.float32)
        stretches[k] = stretch._replace(signal=own(scaled))
    signals = [stretch.signal for stretch in stretches]
    recording_checks.check_range(signals, choice.columns, constant=not labelled)
    reading = Reading(
        path=str(path),
        columns=choice.columns,
        units=found.name,
        rate_hz=reader.rate_hz,
        label=choice.label,
        person=choice.person,
        time=choice.time,
        rows=reader.rows,
        notes=(*choice.notes, *reader.notes, *found.notes),
    )
    return stretches, reader.names, reading


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files with their names."""
    root, files = _files(Path(path))
    if root is None:
        return store.sha256(files[0])
    state = hashlib.sha256()
    for file in files:
        state.update(f"{file.relative_to(root)}\0{store.sha256(file)}\n".encode())
    return state.hexdigest()


def _files(path: Path) -> tuple[Path | None, list[Path]]:
    """Return the folder, if it is one, and the files of the kind that most of its files are."""
    if path.is_file():
        return None, [path]
    if not path.is_dir():
        raise UnavailableError(f"{shown(path)}: no such file or folder, nor a set's name")
    known = (*TEXTS, *PARQUETS, *ARRAYS)
    files = [f for f in sorted(path.rglob("*")) if f.is_file() and f.suffix.lower() in known]
    files = [f for f in files if not f.name.startswith(".")]
    if not files:
        raise InputError(f"{shown(path)}: holds no file of {', '.join(known)}")
    kind, _ = Counter(file.suffix.lower() for file in files).most_common(1)[0]
    return path, [file for file in files if file.suffix.lower() == kind]


def _tables(file: Path) -> list[Table]:
    kind = file.suffix.lower()
    if kind in PARQUETS:
        return [parquet_table(file)]
    if kind in ARRAYS:
        return tables_of(file)
    if kind not in TEXTS:
        known = ", ".join((*TEXTS, *PARQUETS, *ARRAYS))
        raise InputError(f"{shown(file)}: {kind or 'no suffix'} is not read; give one of {known}")
    return [text_table(file)]
