"""N-MNIST (Orchard et al. 2015): MNIST before an event camera that makes three small movements.

doi:10.3389/fnins.2015.00437. 60,000 recordings to train on and 10,000 to test, 34 x 34 pixels,
about 0.3 s; one folder a digit of .bin files. Columns count from the left, rows from the top.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.data import archives, cache
from neurosim.data.aedat import LONGEST_S, Events
from neurosim.data.catalogue import existing, find
from neurosim.data.event_frames import EventSet, frames
from neurosim.data.images import stratified
from neurosim.errors import InputError

SIZE = 34
"""Pixels of a recording in each direction."""
RECORDINGS = {"Train": 60_000, "Test": 10_000}
CLASSES = tuple("0123456789")
PACKED = "n-mnist.npz"
MOST_BYTES = 2**22
"""Of a file: the largest has some 40 kB."""

_RECORD = 5
_OVERFLOW_ROW, _OVERFLOW_US = 240, 2**13
_FORM: archives.Form = {
    "x": ("u", ("events",)),
    "y": ("u", ("events",)),
    "on": ("b", ("events",)),
    "t_us": ("u", ("events",)),
    "offsets": ("i", ("ends",)),
    "labels": ("iu", ("recordings",)),
    "train": ("b", ("recordings",)),
}


def n_mnist(
    folder: str | Path | None = None,
    *,
    steps: int = 10,
    by: str = "time",
    recordings: int | None = -1,
    seed: int = 0,
    cache_folder: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> EventSet:
    """Return the recordings as event frames of 34 x 34; the authors' test recordings test.

    A stratified tenth of the others validates. The official folders `Train` and `Test` are read,
    or one archive n-mnist.npz, which may hold a part of them: `x`, `y`, `on`, `t_us` of all events,
    recording after recording, from offsets[k] to offsets[k + 1], and its `labels` and `train`.
    Frames are made once, then read from the cache.

    Args:
        folder: that holds `Train` and `Test`, or the archive.
        steps: frames of a recording.
        by: frames of equal "time" or of an equal "number" of events.
        recordings: -1 for all official files; else the first so many of each class and part, or
            any number when None.
        seed: of the validation part.
        cache_folder: where frames are kept; the user's cache folder when None.
        progress: called with 1 after each recording.

    Raises:
        UnavailableError: a file is missing.
        InputError: a file of another form or range, or another number of files.
    """
    place = find("n-mnist", folder)
    packed = place / PACKED
    if packed.is_file():
        readers, labels, train, digest = _archive(packed)
    else:
        readers, labels, train, digest = _files(place, recordings)

    def read() -> cache.Arrays:
        made = np.empty((len(readers), steps, 2, SIZE, SIZE), np.uint8)
        for k, events in enumerate(readers):
            made[k] = frames(events(), steps, size=SIZE, by=by, camera=SIZE)
            if progress:
                progress(1)
        return {"frames": made}

    key: dict[str, Any] = {"what": "n-mnist", "files": digest, "frames": [steps, by]}
    form: cache.Form = {"frames": ("u", (len(readers), steps, 2, SIZE, SIZE))}
    where = Path(cache_folder) if cache_folder is not None else None
    arrays = cache.cached(key, read, form, where)
    rows = np.flatnonzero(train)
    parts = {
        part: rows[chosen]
        for part, chosen in stratified(labels[rows], validation=0.1, test=0, seed=seed).items()
    }
    parts["test"] = np.flatnonzero(~train)
    return EventSet("n-mnist", arrays["frames"], labels, CLASSES, **parts)


def read(path: str | Path) -> Events:
    """Read one recording.

    An event has five bytes: column, row, and 24 bits, of which the first is 1 in an ON event and
    the others are microseconds. A row of 240 marks that the clock ran over: later events are 2^13
    us later than they say. Times are counted from the earliest event.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: a cut event, a pixel beyond the camera, or no event.
    """
    path = Path(path)
    content = np.frombuffer(existing(path, MOST_BYTES).read_bytes(), np.uint8)
    if not len(content) or len(content) % _RECORD:
        raise InputError(
            f"{path}: {len(content)} bytes are no whole number of events of {_RECORD}; it is cut"
        )
    x, y, high, middle, low = content.reshape(-1, _RECORD).T.astype(np.int64)
    time = ((high & 0x7F) << 16 | middle << 8 | low) + _OVERFLOW_US * np.cumsum(y == _OVERFLOW_ROW)
    pixel = y != _OVERFLOW_ROW
    return _events(path, x[pixel], y[pixel], high[pixel] > 0x7F, time[pixel])


def _events(path: Path, x: np.ndarray, y: np.ndarray, on: np.ndarray, time: np.ndarray) -> Events:
    if not len(x):
        raise InputError(f"{path}: holds no event of a pixel")
    if max(x.max(), y.max()) >= SIZE:
        raise InputError(
            f"{path}: pixel ({x.max()}, {y.max()}) is beyond a camera of {SIZE} x {SIZE}"
        )
    time = time.astype(np.int64) - int(time.min())
    if time.max() > 1e6 * LONGEST_S:
        raise InputError(f"{path}: time stamps span {time.max() / 1e6:.0f} s; one is damaged")
    return Events(x.astype(np.int64), y.astype(np.int64), on, time)


Readers = list[Callable[[], Events]]


def _files(place: Path, count: int | None) -> tuple[Readers, np.ndarray, np.ndarray, str]:
    """Return a reader of each official file, labels, whether it trains, and a hash of all."""
    readers: Readers = []
    labels, train, state = [], [], hashlib.sha256()
    for part, expected in RECORDINGS.items():
        found = 0
        for label, name in enumerate(CLASSES):
            paths = sorted((place / part / name).glob("*.bin"))
            found += len(paths)
            for path in paths if count in (None, -1) else paths[:count]:
                about = existing(path).stat()
                named = f"{part}/{name}/{path.name} {about.st_size} {about.st_mtime_ns}"
                state.update(named.encode())
                readers.append(partial(read, path))
                labels.append(label)
                train.append(part == "Train")
        if not found or (count == -1 and found != expected):
            raise InputError(
                f"{place / part}: {found} .bin files, the official folder has {expected}"
            )
    return readers, np.array(labels), np.array(train), state.hexdigest()


def _archive(path: Path) -> tuple[Readers, np.ndarray, np.ndarray, str]:
    """Return the same of the archive."""
    arrays = archives.load(path, _FORM)
    labels = arrays["labels"].astype(np.int64)
    if not len(labels) or min(labels) < 0 or max(labels) >= len(CLASSES):
        raise InputError(f"{path}: labels are digits 0..9, one a recording")
    if not arrays["train"].any():
        raise InputError(f"{path}: no recording is to train on")
    pieces = [
        archives.parts(path, arrays[name], arrays["offsets"], len(labels))
        for name in ("x", "y", "on", "t_us")
    ]
    readers: Readers = [partial(_events, path, *events) for events in zip(*pieces, strict=True)]
    state = hashlib.sha256()
    for name in _FORM:
        state.update(arrays[name].tobytes())
    return readers, labels, arrays["train"], state.hexdigest()
