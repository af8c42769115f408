"""Files of event counts or spikes: numpy's .npy and .npz, and .csv for one sample.

Sizes that a file states are compared with the bytes that it has before memory is taken, and no
pickle is read.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from pathlib import Path

import numpy as np

from neurosim import outside
from neurosim.data.tables import read_numbers
from neurosim.errors import InputError, shown

LARGEST = 2**31
"""Bytes of a raster."""
MOST_TEXT = 2**26
"""Bytes of a .csv file."""
LONGEST_LIST = 2**16
"""Bytes of the list of an archive's members."""
_HEADER = 1024
"""Most bytes before the values: of a plain array numpy writes 128."""


def load(path: str | Path) -> np.ndarray:
    """Read a raster (samples, time, channels) of numbers; other shapes come back as they are.

    A .npz file holds one array, under any name. In a .csv file, one sample, a line is a step and
    has a whole number for each channel, between commas; other files are read as .npy.

    Raises:
        InputError: there is no such file, it holds no numbers or not what it states, or more than
            LARGEST.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{shown(path)}: {'is no file' if path.exists() else 'no such file'}")
    if (size := path.stat().st_size) > LARGEST + _HEADER:
        raise InputError(f"{shown(path)}: has {size:,} bytes; a raster has at most {LARGEST:,}")
    with outside.reading(path, "raster"):
        if path.suffix == ".csv":
            return _csv(path)
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            return _npz(file, size) if packed else _npy(file, size)


def _npy(file: io.BufferedIOBase, size: int) -> np.ndarray:
    """Return the array of a .npy file of that many bytes (numpy's format 1.0 or 2.0)."""
    head = io.BytesIO(file.read(_HEADER))
    version = np.lib.format.read_magic(head)
    if version not in ((1, 0), (2, 0)):
        raise InputError(f"is of numpy's format {version}; numbers are in (1, 0) or (2, 0)")
    read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that Python 2 wrote it
        shape, fortran, dtype = read_header(head, max_header_size=_HEADER)
    if dtype.kind not in "biuf" or dtype.hasobject:
        raise InputError(f"holds {shown(dtype)}; events are counted: raster.astype('uint8')")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise InputError(f"states the shape {shown(shape)}")
    claimed, left = math.prod(shape) * dtype.itemsize, size - head.tell()
    if claimed != left:
        raise InputError(f"states {claimed:,} bytes of values and has {left:,}; it is damaged")
    values = np.empty(math.prod(shape), dtype)
    file.seek(head.tell())
    file.readinto(values.view(np.uint8).data)
    return values.reshape(shape, order="F" if fortran else "C")


def _npz(file: io.BufferedIOBase, size: int) -> np.ndarray:
    """Return the one array of a .npz file of that many bytes."""
    # zipfile makes an object for each member of the list at the end: look at its length first.
    file.seek(max(0, size - 42))
    end = file.read()
    if end[:4] == b"PK\6\7" or end[20:24] != b"PK\5\6" or end[40:] != b"\0\0":
        raise InputError("does not end as an archive of numpy's does; it is damaged")
    if int.from_bytes(end[32:36], "little") > LONGEST_LIST:
        raise InputError("holds many arrays; save one raster")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) != 1:
            raise InputError(f"holds {len(members)} arrays; save one raster")
        member = members[0]
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"is packed by method {member.compress_type}; numpy packs by deflate")
        if member.file_size > min(outside.most_unpacked(member.compress_size), LARGEST + _HEADER):
            raise InputError(
                f"claims to unpack {member.compress_size:,} bytes to {member.file_size:,}"
            )
        return _npy(io.BytesIO(archive.read(member)), member.file_size)


def _csv(path: Path) -> np.ndarray:
    """Return the one sample of a .csv file as integers."""
    counts = read_numbers(path, delimiter=",", most=MOST_TEXT)
    if not counts.size:
        raise InputError("holds no numbers")
    if (counts != np.floor(counts)).any() or np.abs(counts).max(initial=0) >= 2**31:
        raise InputError("holds a number that is not whole, or too large")
    return counts.astype(np.int64)[None]
