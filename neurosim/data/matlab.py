"""Matrices of numbers in MATLAB 5 files, for a process that may crash (`outside.in_child`).

Format: MathWorks, "MAT-File Format" (2018): 128 bytes of header, then elements, each a type and a
size of four bytes and its content, which may be packed by zlib. scipy reads them; at a changed byte
it may crash the interpreter, so that nobody else should import this module.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from neurosim.errors import InputError

MOST_BYTES = 2**26
"""Of a file, packed and unpacked: UniMiB-SHAR's has 27 MB."""

_HEADER, _PACKED = 128, 15
_ORDERS = {b"IM": "<", b"MI": ">"}
"""Order of bytes, by the last two of the header."""


def matrix(path: Path, name: str) -> dict[str, np.ndarray]:
    """Return the one matrix of a name, of real numbers as float64, under "matrix".

    Raises:
        InputError: there is none, or the file is no MATLAB 5 file, is cut, or has more than
            MOST_BYTES. scipy may raise anything, or crash.
    """
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"has more than {MOST_BYTES:,} bytes")
    _check(path.read_bytes())
    values = loadmat(path, variable_names=[name])
    if name not in values:
        raise InputError(f"holds no matrix {name}; it is not the official file")
    array = values[name]
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        kind = getattr(array, "dtype", type(array).__name__)
        raise InputError(f"{name} is no matrix of real numbers but of {kind}")
    return {"matrix": array.astype(np.float64)}


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Return all matrices of real numbers, and of text as (rows,) of str.

    Raises:
        InputError: as `matrix`.
    """
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"has more than {MOST_BYTES:,} bytes")
    _check(path.read_bytes())
    found = {}
    for name, values in loadmat(path, chars_as_strings=True).items():
        if isinstance(values, np.ndarray) and values.dtype == object:  # a cell array of texts
            cells = [cell.item() if getattr(cell, "size", 0) == 1 else None for cell in values.flat]
            if all(isinstance(cell, str) for cell in cells):
                values = np.array(cells, dtype=np.str_)
        if isinstance(values, np.ndarray) and values.dtype.kind in "biufU":
            found[name] = values
    return found


def _check(content: bytes) -> None:
    """Check that all elements lie in the file, and what they unpack to."""
    order = _ORDERS.get(content[_HEADER - 2 : _HEADER])
    if order is None:
        raise InputError("not a readable MATLAB 5 file")
    place, total = _HEADER, 0
    while place < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        element = content[place + 8 : place + 8 + size]
        if len(element) < size:
            raise InputError(f"ends within an element of {size:,} bytes; it is cut")
        place += 8 + size
        unpacker = zlib.decompressobj()
        while kind == _PACKED and element and not unpacker.eof:
            total += len(unpacker.decompress(element, 2**20))
            element = unpacker.unconsumed_tail
            if total > MOST_BYTES:
                raise InputError(f"unpacks to more than {MOST_BYTES:,} bytes")
