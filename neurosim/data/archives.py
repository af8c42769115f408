"""Files of numpy, .npy and .npz: what they state is compared with what they have, then read.

No pickle is read: arrays hold numbers or text.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from pathlib import Path

import numpy as np

from neurosim import outside
from neurosim.data import cache
from neurosim.data.catalogue import existing
from neurosim.errors import InputError, shown

Form = cache.Form

LARGEST = 2**31
"""Bytes of an array."""
LONGEST_LIST = 2**16
"""Bytes of the list of an archive's members."""
HEADER = 1024
"""Most bytes before the values: of a plain array numpy writes 128."""


def load(path: str | Path, form: Form) -> cache.Arrays:
    """Return the arrays of a .npz file that a form names; others in it are left alone.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: it is no archive of numpy, an array is missing, of another kind or shape than
            the form says, or larger than LARGEST; or it states more than it has.
    """
    path = existing(Path(path), LARGEST)
    with outside.reading(path, "archive of arrays"), path.open("rb") as file:
        held = members(file, path.stat().st_size)
        lacking = [name for name in form if name not in held]
        if lacking:
            raise InputError(f"holds no array {lacking[0]}; it needs {', '.join(form)}")
        arrays = {}
        with zipfile.ZipFile(file) as archive:
            for name in form:
                member = held[name]
                content = io.BytesIO(archive.read(member))
                arrays[name] = values(content, member.file_size, "biufU")
        if misfit := cache.misfit(arrays, form):
            raise InputError(misfit)
    return arrays


def everything(path: str | Path) -> cache.Arrays:
    """Return all arrays of numbers or text of a .npz file.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: it is no archive of numpy, holds a pickle, or more than LARGEST.
    """
    path = existing(Path(path), LARGEST)
    with outside.reading(path, "archive of arrays"), path.open("rb") as file:
        held = members(file, path.stat().st_size)
        if (claimed := sum(member.file_size for member in held.values())) > LARGEST:
            raise InputError(f"its arrays have {claimed:,} bytes; at most {LARGEST:,} are read")
        with zipfile.ZipFile(file) as archive:
            return {
                name: values(io.BytesIO(archive.read(member)), member.file_size, "biufUS")
                for name, member in held.items()
            }


def forms(path: str | Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return kind and shape that each array of a .npz file states, without its values.

    Raises:
        InputError: it is no archive of numpy.
    """
    path = existing(Path(path))
    stated: dict[str, tuple[str, tuple[int, ...]]] = {}
    with outside.reading(path, "archive of arrays"), path.open("rb") as file:
        held = members(file, path.stat().st_size)
        with zipfile.ZipFile(file) as archive:
            for name, member in held.items():
                with archive.open(member) as part:
                    head = io.BytesIO(part.read(HEADER))
                shape, _, dtype = header(head)
                stated[name] = (dtype.kind, shape)
    return stated


def parts(path: Path, values: np.ndarray, offset: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the parts of an array of recordings one after another, from offset[k] to the next.

    Raises:
        InputError: the offsets do not begin at 0, do not rise, or are not as many as `count` parts
            of all values need; a value is not finite.
    """
    if len(offset) != count + 1 or offset[0] != 0 or offset[-1] != len(values):
        raise InputError(
            f"{path}: {len(offset)} offsets for {count} recordings of {len(values):,} samples in "
            "all; they start with 0, end with the number of samples, and are one more"
        )
    if (np.diff(offset) <= 0).any():
        raise InputError(f"{path}: offset {int(np.diff(offset).argmin()) + 1} does not rise")
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise InputError(f"{path}: row {row} of the samples is not finite")
    return np.split(values, offset[1:-1])


def members(file: io.BufferedIOBase, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members of a .npz file of that many bytes by the names of their arrays.

    Raises:
        InputError: it does not end as numpy's archives do, or a member claims more than its bytes
            can unpack to. zipfile may raise anything.
    """
    # zipfile makes an object for each member of the list at the end: look at its length first.
    file.seek(max(0, size - 42))
    end = file.read()
    if end[:4] == b"PK\6\7" or end[20:24] != b"PK\5\6" or end[40:] != b"\0\0":
        raise InputError("does not end as an archive of numpy's does; it is damaged")
    if int.from_bytes(end[32:36], "little") > LONGEST_LIST:
        raise InputError("holds many arrays")
    with zipfile.ZipFile(file) as archive:
        found = archive.infolist()
    for member in found:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"is packed by method {member.compress_type}; numpy packs by deflate")
        if member.file_size > min(outside.most_unpacked(member.compress_size), LARGEST + HEADER):
            raise InputError(
                f"claims to unpack {member.compress_size:,} bytes to {member.file_size:,}"
            )
    return {member.filename.removesuffix(".npy"): member for member in found}


def header(head: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether in Fortran's order, and type that the head of a .npy file states.

    Raises:
        InputError: another format. numpy may raise anything.
    """
    version = np.lib.format.read_magic(head)
    if version not in ((1, 0), (2, 0)):
        raise InputError(f"is of numpy's format {version}; numbers are in (1, 0) or (2, 0)")
    read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that Python 2 wrote it
        found: tuple[tuple[int, ...], bool, np.dtype] = read_header(head, max_header_size=HEADER)
    return found


def values(file: io.BufferedIOBase, size: int, kinds: str = "biuf") -> np.ndarray:
    """Return the array of a .npy file of that many bytes (numpy's format 1.0 or 2.0).

    Raises:
        InputError: another format, another kind of values, or the bytes do not fit the shape. numpy
            may raise anything.
    """
    head = io.BytesIO(file.read(HEADER))
    shape, fortran, dtype = header(head)
    if dtype.kind not in kinds or dtype.hasobject:
        raise InputError(f"holds {shown(dtype)}; numbers are read, e.g. of array.astype('uint8')")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise InputError(f"states the shape {shown(shape)}")
    claimed, left = math.prod(shape) * dtype.itemsize, size - head.tell()
    if claimed != left:
        raise InputError(f"states {claimed:,} bytes of values and has {left:,}; it is damaged")
    found = np.empty(math.prod(shape), dtype)
    if found.nbytes:
        file.seek(head.tell())
        file.readinto(found.view(np.uint8).data)
    return found.reshape(shape, order="F" if fortran else "C")
