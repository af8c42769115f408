"""Files of event counts or spikes: numpy's .npy and .npz, and .csv for one sample.

Sizes that a file states are compared with the bytes that it has before memory is taken, and no
pickle is read.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from neurosim import outside
from neurosim.data import archives
from neurosim.data.archives import HEADER, LARGEST
from neurosim.data.tables import read_numbers
from neurosim.errors import InputError, shown

MOST_TEXT = 2**26
"""Bytes of a .csv file."""


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
    if (size := path.stat().st_size) > LARGEST + HEADER:
        raise InputError(f"{shown(path)}: has {size:,} bytes; a raster has at most {LARGEST:,}")
    with outside.reading(path, "raster"):
        if path.suffix == ".csv":
            return _csv(path)
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            return _npz(file, size) if packed else archives.values(file, size)


def _npz(file: io.BufferedReader, size: int) -> np.ndarray:
    """Return the one array of a .npz file of that many bytes."""
    held = list(archives.members(file, size).values())
    if len(held) != 1:
        raise InputError(f"holds {len(held)} arrays; save one raster")
    with zipfile.ZipFile(file) as archive:
        return archives.values(io.BytesIO(archive.read(held[0])), held[0].file_size)


def _csv(path: Path) -> np.ndarray:
    """Return the one sample of a .csv file as integers."""
    counts = read_numbers(path, delimiter=",", most=MOST_TEXT)
    if not counts.size:
        raise InputError("holds no numbers")
    if (counts != np.floor(counts)).any() or np.abs(counts).max(initial=0) >= 2**31:
        raise InputError("holds a number that is not whole, or too large")
    return counts.astype(np.int64)[None]
