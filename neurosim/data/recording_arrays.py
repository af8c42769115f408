"""A user's own recordings as arrays: in memory, in .npz, .mat and HDF5 files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from neurosim import hdf5, outside
from neurosim.data import archives
from neurosim.data.recording_checks import check_range, gathered, name_of
from neurosim.data.recording_tables import Table, array_table
from neurosim.data.recording_units import units_of
from neurosim.data.recordings import Reading, Recordings
from neurosim.errors import InputError, shown

ARRAYS = (".npz", ".mat", ".h5", ".hdf5")

_AXES = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")
_SIGNALS = ("signals", "signal", "x", "X", "data", "acc", "acceleration")
_OFFSETS = ("offsets", "offset")


def recordings(
    signals: Sequence[np.ndarray] | np.ndarray,
    labels: Sequence[object] | np.ndarray,
    people: Sequence[object] | np.ndarray | None = None,
    *,
    rate: float,
    units: str = "g",
) -> Recordings:
    """Return recordings from arrays, as `read_recordings` returns them from files.

    Args:
        signals: (time, 3) each: acceleration x, y, z; or (time, 6) with angular velocity.
        labels: of each recording, text or numbers.
        people: who wore the sensor, text or numbers; None: one person.
        rate: samples a second.
        units: "g", "m/s2", "mg", or the number that 1 g is; with angular velocity two, such as
            "g,deg/s".

    Raises:
        InputError: shapes or numbers do not fit, a value is not finite, the units contradict the
            length of gravity, or there is one class only.
    """
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"rate is {rate}; it is a number of samples a second, such as 50")
    kept = [np.asarray(signal, np.float32) for signal in signals]
    who = ["one person"] * len(kept) if people is None else [name_of(p) for p in people]
    names = [name_of(label) for label in labels]
    for what, values in (("labels", names), ("people", who)):
        if len(values) != len(kept):
            raise InputError(
                f"{what} has {len(values)} entries for {len(kept)} signals; give one each"
            )
    axes = {signal.shape[1:] for signal in kept}
    if axes not in ({(3,)}, {(6,)}):
        raise InputError(
            f"signals have shapes {shown(sorted(axes))}; give (time, 3) each, or (time, 6)"
        )
    for k, signal in enumerate(kept):
        if not np.isfinite(signal).all():
            row, column = np.argwhere(~np.isfinite(signal))[0]
            raise InputError(
                f"signals[{k}][{row}, {column}] is {signal[row, column]}; cut the recording there"
            )
    columns = _AXES[: kept[0].shape[1]]
    found = units_of(kept, rate, columns, units)
    scaled = [signal / np.array(found.divisors, np.float32) for signal in kept]
    check_range(scaled, columns)
    rows = sum(len(signal) for signal in kept)
    reading = Reading("", columns, found.name, float(rate), rows=rows, notes=found.notes)
    return gathered(scaled, names, who, reading)


def tables_of(path: Path) -> list[Table]:
    """Return a file of arrays as tables: one, or one for each recording.

    Its arrays are columns of equal length, (rows,) or (rows, axes); or signals (recordings, time,
    axes) with labels, people, ... (recordings,); or a signal (rows, axes) whose recordings begin at
    `offsets`, with labels, people, ... (recordings,).

    Raises:
        InputError: the file is damaged, holds a pickle, or arrays of other forms.
    """
    with outside.reading(path, "file of arrays"):
        return tables_of_arrays(str(path), _arrays(path))


def tables_of_arrays(path: str, arrays: Mapping[str, np.ndarray]) -> list[Table]:
    """Return arrays as tables; see `tables_of`."""
    arrays = {n: a for n, a in arrays.items() if a.ndim and a.size and a.dtype.kind in "biufUSO"}
    signal = next((n for n in _SIGNALS if n in arrays and arrays[n].ndim in (2, 3)), None)
    offsets = next((n for n in _OFFSETS if n in arrays), None)
    if signal is not None and arrays[signal].ndim == 3:
        windows = _time_first(arrays[signal])
        parts = list(windows)
    elif signal is not None and offsets is not None:
        bounds = arrays[offsets].astype(np.int64).ravel()
        rows = len(arrays[signal])
        if bounds[-1] != rows:
            bounds = np.append(bounds, rows)
        if (np.diff(bounds) < 0).any() or bounds[0] != 0:
            raise InputError(f"{offsets}: must rise from 0 to the {rows:,} rows of {signal}")
        parts = [arrays[signal][a:b] for a, b in pairwise(bounds)]
    else:
        return [array_table(path, _columns(arrays))]
    return _each(
        path, signal, parts, {n: a for n, a in arrays.items() if n not in (signal, offsets)}
    )


def _each(
    path: str, signal: str, parts: Sequence[np.ndarray], others: Mapping[str, np.ndarray]
) -> list[Table]:
    """Return a table of each recording; what is said of recordings is said of their rows."""
    said = {name: a for name, a in others.items() if a.size == len(parts) == max(a.shape)}
    tables = []
    for k, part in enumerate(parts):
        columns = _columns({signal: part})
        rows = len(part)
        columns |= {name: np.repeat(a.ravel()[k : k + 1], rows) for name, a in said.items()}
        tables.append(array_table(path, columns))
    if not tables:
        raise InputError("holds no recordings")
    return tables


def _columns(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays of equal length as columns; the axes of one (rows, 3) are called x, y, z."""
    flat = {n: a.ravel() if a.ndim == 2 and 1 in a.shape else a for n, a in arrays.items()}
    rows = max((len(array) for array in flat.values()), default=0)
    columns: dict[str, np.ndarray] = {}
    for name, array in flat.items():
        if len(array) != rows or array.ndim > 2:
            continue
        if array.ndim == 1:
            columns[name] = array.astype(str) if array.dtype.kind == "S" else array
        elif array.shape[1] in (3, 6):
            prefix = "" if name in _SIGNALS[:5] else f"{name}_"
            names = [f"{prefix}{axis}" for axis in _AXES[: array.shape[1]]]
            columns |= {column: array[:, k] for k, column in enumerate(names)}
    if not columns:
        held = ", ".join(f"{shown(n)} {a.shape}" for n, a in arrays.items()) or "none"
        raise InputError(
            f"holds arrays {held}; expected are columns of equal length, or signals (recordings, "
            "time, 3) with labels (recordings,)"
        )
    return columns


def _time_first(signals: np.ndarray) -> np.ndarray:
    """Return (recordings, time, axes) of signals whose axes may come first."""
    if signals.shape[2] not in (3, 6) and signals.shape[1] in (3, 6):
        signals = signals.swapaxes(1, 2)
    if signals.shape[2] not in (3, 6):
        raise InputError(f"signals have shape {signals.shape}; expected (recordings, time, 3 or 6)")
    return signals


def _arrays(path: Path) -> dict[str, np.ndarray]:
    kind = path.suffix.lower()
    if kind == ".npz":
        return archives.everything(path)
    if kind == ".mat":
        return outside.in_child("neurosim.data.matlab:arrays", path, what="MATLAB 5 file")
    flat: dict[str, np.ndarray] = {}

    def walk(values: Mapping[str, object], where: str) -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                walk(value, f"{where}{name}/")
            elif isinstance(value, np.ndarray):
                flat[name if name not in flat else f"{where}{name}"] = value

    walk(hdf5.read(path, "HDF5 file").values, "")
    return flat
