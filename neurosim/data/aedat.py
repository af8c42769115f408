"""Files of an event camera in the format AEDAT 2.0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.data.catalogue import existing
from neurosim.errors import InputError
from neurosim.frozen import Frozen

SIZE = 128
"""Pixels of the camera (DVS128) in each direction."""

LONGEST_S = 600.0
"""A longer recording has a damaged time stamp: those of the sets last seconds."""

MOST_BYTES, LONGEST_HEADER = 2**27, 2**16
"""Of a file: the sets' recordings have some megabytes, and ten lines of text."""

_RECORD = np.dtype([("address", ">u4"), ("time", ">u4")])
_FIRST_LINE = b"#!AER-DAT2.0"
_HEADER = re.compile(rb"(?:#[^\r\n]*(?:\r\n|\r|\n))*")
"""Lines of text; no record begins with #, for the first byte of an address is 0."""
_SYNC = 0x8000


@dataclass(frozen=True, eq=False)
class Events(Frozen):
    """Events of one recording, in the order of the file."""

    x: np.ndarray
    """(events,) column 0..127, from the left of the camera's picture."""
    y: np.ndarray
    """(events,) row 0..127, from the bottom of the camera's picture."""
    on: np.ndarray
    """(events,) bool: the pixel became brighter."""
    time_us: np.ndarray
    """(events,) int64 microseconds since the earliest event."""

    def __len__(self) -> int:
        return len(self.x)


def read(path: str | Path) -> Events:
    """Read a recording of a DVS128.

    Text lines that start with # are followed by big-endian pairs of 32 bits, address and
    microseconds: x = 127 - ((a & 0xFE) >> 1), y = (a & 0x7F00) >> 8, and bit 0 is 0 in an ON event,
    1 in an OFF event. So the vendor's software (jAER, class DVS128) reads them, and the script that
    comes with MNIST-DVS and CIFAR10-DVS (dat2mat.m). Addresses with bit 15 set are marks of the
    camera's synchronisation input, no pixels: they are left out. Times are counted from the
    earliest event, also where the camera's 32-bit clock runs over. A line of the header ends in
    CR LF, CR or LF.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: another format, a cut record, an address beyond the camera, no event, or time
            stamps that span more than ten minutes; more than MOST_BYTES or LONGEST_HEADER.
    """
    path = Path(path)
    content = existing(path, MOST_BYTES).read_bytes()
    if not content.startswith(_FIRST_LINE):
        raise InputError(f"{path}: does not begin with {_FIRST_LINE.decode()}; not an AEDAT 2.0")
    header = _HEADER.match(content, 0, LONGEST_HEADER)
    assert header is not None  # it also matches nothing
    start = header.end()
    if content[start : start + 1] == b"#":
        raise InputError(f"{path}: ends within its header, or that is too long; it is cut")
    if not len(content) - start or (len(content) - start) % _RECORD.itemsize:
        raise InputError(
            f"{path}: {len(content) - start} bytes after the header are no whole number of events "
            f"of {_RECORD.itemsize}; the file is cut"
        )
    records = np.frombuffer(content, _RECORD, offset=start)
    address = records["address"].astype(np.int64)
    if address.max() > 0xFFFF:
        raise InputError(
            f"{path}: address {address.max():#x} is beyond a camera of {SIZE} x {SIZE}"
        )
    records, address = records[address < _SYNC], address[address < _SYNC]
    if not len(records):
        raise InputError(f"{path}: holds no event of a pixel")
    since_first = (records["time"] - records["time"][0]).astype(np.uint32).view(np.int32)
    time = since_first.astype(np.int64) - since_first.min()
    if time.max() > 1e6 * LONGEST_S:
        raise InputError(f"{path}: time stamps span {time.max() / 1e6:.0f} s; one is damaged")
    x = SIZE - 1 - ((address & 0xFE) >> 1)
    return Events(x, (address & 0x7F00) >> 8, (address & 1) == 0, time)
