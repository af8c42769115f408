"""HDF5 files of others as plain arrays: nothing outside the file, nothing larger than it can hold.

A damaged file makes libhdf5 hang or crash: it is opened in a process of its own. So does a full
disk: a file is made in memory, and then written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurosim import outside, store
from neurosim.errors import InputError, shown

if TYPE_CHECKING:
    import h5py
    import xarray as xr

LARGEST = 2**31
"""Bytes of all arrays of a file."""
DEEPEST = 32
"""Groups within groups."""
SEPARATOR = "@"
"""Between a place in the file and the name of an attribute."""


class Contents(NamedTuple):
    """All that a file holds."""

    values: dict[str, Any]
    """Groups as dictionaries; datasets as arrays, or str where they hold one text."""
    attributes: dict[str, dict[str, Any]]
    """By place ("" is the file, "a/b" what lies there) and name: arrays, or str."""


def write_dataset(path: str | Path, dataset: xr.Dataset, **encoding: Any) -> Path:
    """Write a Dataset as a NetCDF file, whole or not at all.

    Args:
        path: of the file.
        dataset: what it holds.
        encoding: of each variable, such as zlib=True.
    """
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    with store.writing(path) as content, h5netcdf.File(content, "w") as file:
        variables = dict.fromkeys(dataset.data_vars, encoding)
        dataset.dump_to_store(H5NetCDFStore(file), encoding=variables)
    return Path(path)


def read(path: str | Path, what: str) -> Contents:
    """Return all values and attributes of a file; references are left out.

    Args:
        path: of the file.
        what: it should be, such as "NIR file", for messages.

    Raises:
        InputError: it is missing or damaged, holds a link or an array that lies elsewhere, or
            claims more than `LARGEST`, or than its bytes can hold.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{shown(path)}: no such file")
    contents = Contents({}, {})
    for name, array in outside.in_child("neurosim.hdf5:collect", path, what=what).items():
        place, mark, attribute = name.partition(SEPARATOR)
        value = (str(array) if array.dtype.kind == "U" else array[()]) if not array.ndim else array
        if mark:
            contents.attributes.setdefault(place, {})[attribute] = value
            continue
        *groups, last = place.split("/")
        within = contents.values
        for group in groups:
            within = within.setdefault(group, {})
        if last:
            within[last] = value
    return contents


def collect(path: Path) -> dict[str, np.ndarray]:
    """Return arrays by place; those of attributes by place, SEPARATOR and name. For the child."""
    import h5py

    arrays: dict[str, np.ndarray] = {}
    total = 0

    def walk(group: h5py.Group, where: str, depth: int) -> None:
        nonlocal total
        if depth > DEEPEST:
            raise InputError(f"{shown(where)} lies in more than {DEEPEST} groups")
        keep_attributes(group, where.rstrip("/"))
        if where:
            arrays[where] = np.zeros(0)  # an empty group is one, too
        for name in group:
            place = where + name
            if SEPARATOR in name or name in (".", "..", ""):
                raise InputError(f"{shown(place)} has a name that none of ours has")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise InputError(f"{shown(place)} is a link; arrays must be in this file")
            child = group[name]
            if isinstance(child, h5py.Group):
                walk(child, f"{place}/", depth + 1)
            elif isinstance(child, h5py.Dataset):
                total += _check(child, place)
                if total > LARGEST:
                    raise InputError(f"its arrays claim more than {LARGEST:,} bytes")
                arrays[place] = _array(child[()], place)
                keep_attributes(child, place)

    def keep_attributes(owner: h5py.Group | h5py.Dataset, place: str) -> None:
        for name in owner.attrs:
            if owner.attrs.get_id(name).get_storage_size() > outside.SMALL:
                raise InputError(f"{shown(place)}: attribute {shown(name)} is too large")
            value = np.asarray(owner.attrs[name])
            if value.dtype.kind in "biufcSU" or _is_text(value):
                arrays[f"{place}{SEPARATOR}{name}"] = _array(value, place)

    with h5py.File(path, "r") as file:
        walk(file, "", 0)
    return arrays


def _check(dataset: h5py.Dataset, place: str) -> int:
    """Return the bytes that a dataset claims; refuse one that lies elsewhere or is too large."""
    if dataset.external or dataset.is_virtual:
        raise InputError(f"{shown(place)} lies in another file; arrays must be in this one")
    stored = dataset.id.get_storage_size()
    claimed: int = int(dataset.size or 0) * dataset.dtype.itemsize
    if claimed > outside.most_unpacked(stored):
        raise InputError(f"{shown(place)} claims {claimed:,} bytes and has {stored:,}")
    return claimed


def _is_text(values: np.ndarray) -> bool:
    return values.dtype == object and all(isinstance(v, str | bytes) for v in values.flat)


def _array(values: Any, place: str) -> np.ndarray:
    """Return values as an array of numbers or of text."""
    array = np.asarray(values)
    if array.dtype.kind in "biufc":
        return array
    if array.dtype.kind in "SU" or _is_text(array):
        text = [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in array.flat]
        return np.array(text, dtype=np.str_).reshape(array.shape)
    raise InputError(f"{shown(place)} holds {array.dtype}; numbers or text are read")
