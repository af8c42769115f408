"""CIFAR10-DVS (Li et al. 2017): CIFAR-10 images moved before an event camera.

doi:10.3389/fnins.2017.00309. One folder a class of AEDAT 2.0 files, 1000 recordings each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.data import aedat, cache
from neurosim.data.catalogue import existing, find
from neurosim.data.cifar10_files import CLASSES
from neurosim.data.event_frames import EventSet, frames
from neurosim.data.images import stratified
from neurosim.errors import InputError, UnavailableError

RECORDINGS = 1000

READING = 2
"""Number of the meaning that `aedat.read` gives to addresses: cached frames of another one stay
unused. 1 took bit 0 for ON and the raw column for x."""


def cifar10_dvs(
    folder: str | Path | None = None,
    *,
    steps: int = 10,
    size: int = 48,
    by: str = "number",
    recordings: int | None = RECORDINGS,
    seed: int = 0,
    cache_folder: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> EventSet:
    """Return the recordings as event frames; a stratified tenth tests, another validates.

    The set has no official split. Frames are read once, then from the cache.

    Args:
        folder: that holds the ten folders of classes.
        steps: frames of a recording.
        size: pixels in each direction.
        by: frames of equal "time" or of an equal "number" of events.
        recordings: files in each folder; any number but none when None.
        seed: of the split.
        cache_folder: where frames are kept; the user's cache folder when None.
        progress: called with 1 after each file.

    Raises:
        UnavailableError: a folder is missing.
        InputError: a file of another format or range, or another number of files.
    """
    place = find("cifar10-dvs", folder)
    files = [files_of(place / name, recordings) for name in CLASSES]
    labels = np.repeat(np.arange(len(CLASSES)), [len(f) for f in files])
    paths = [path for group in files for path in group]

    def read() -> cache.Arrays:
        made = np.empty((len(paths), steps, 2, size, size), np.uint8)
        for k, path in enumerate(paths):
            made[k] = frames(aedat.read(path), steps, size=size, by=by)
            if progress:
                progress(1)
        return {"frames": made}

    key: dict[str, Any] = {"what": "cifar10-dvs", "files": _digest(paths), "reading": READING}
    key["frames"] = [steps, size, by]
    form: cache.Form = {"frames": ("u", (len(paths), steps, 2, size, size))}
    where = Path(cache_folder) if cache_folder is not None else None
    arrays = cache.cached(key, read, form, where)
    parts = stratified(labels, validation=0.1, test=0.1, seed=seed)
    return EventSet("cifar10-dvs", arrays["frames"], labels, CLASSES, **parts)


def files_of(folder: Path, recordings: int | None = RECORDINGS) -> list[Path]:
    """Return the files of one class in the order of their numbers.

    Raises:
        UnavailableError: the folder is missing, or a file may not be read.
        InputError: another number of files than expected, or one is no file.
    """
    if not folder.is_dir():
        raise UnavailableError(
            f"{folder}: no such folder; unpack the ten official archives there, one folder a class"
        )
    paths = sorted(folder.glob("*.aedat"), key=lambda p: (len(p.name), p.name))
    if not paths or (recordings is not None and len(paths) != recordings):
        raise InputError(
            f"{folder}: {len(paths)} .aedat files, the official folder has {RECORDINGS}"
        )
    return [existing(path) for path in paths]


def _digest(paths: list[Path]) -> str:
    """Return a hash of names, sizes and times of change: reading all bytes would take as long."""
    state = hashlib.sha256()
    for path in paths:
        about = path.stat()
        state.update(f"{path.parent.name}/{path.name} {about.st_size} {about.st_mtime_ns}".encode())
    return state.hexdigest()
