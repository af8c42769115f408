"""Interrupted training: the file from which a run goes on, when it is written, and how a run stops.

The file is torch's (`torch.save`), read as plain values and tensors only (`weights_only=True`), so
that a file from elsewhere cannot run code. torch loads when one is written or read.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from neurosim import outside, store
from neurosim.errors import InputError, UnavailableError

NAME = "checkpoint.pt"
KIND = "neurosim checkpoint"
LOCK = ".training.lock"
SECONDS = 10.0
"""Least time between two checkpoints of a run that nobody interrupts."""
SHARE = 0.02
"""Most of a run's time that writing them may take."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)

_EARLIER = "checkpoint.safetensors"
"""Name of the file in earlier versions, which had a format of their own."""
_REFUSAL = "damaged, or no checkpoint; train again without resume"


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state, whole or not at all.

    Args:
        path: of the file.
        state: dictionaries, lists and tuples of tensors, arrays, numbers, texts and None, nested
            as they like.
    """
    import torch

    with store.writing(path) as file:
        torch.save({"kind": KIND, "state": _plain(state)}, file)


def load(path: Path) -> dict[str, Any]:
    """Return what `save` was given, arrays as tensors; all tensors are on the CPU.

    Raises:
        InputError: the file is missing, damaged or no checkpoint.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    import torch

    try:
        with outside.reading(path, "checkpoint"), zipfile.ZipFile(path) as archive:
            # torch itself does not look at the check sums, and stores what it writes unpacked
            stored = sum(entry.file_size for entry in archive.infolist()) <= path.stat().st_size
            whole = stored and archive.testzip() is None
            content = torch.load(path, map_location="cpu", weights_only=True) if whole else None
    except InputError as error:
        reason = type(error.__cause__ or error).__name__
        raise InputError(f"{path}: {_REFUSAL} ({reason})") from error
    if not whole:
        raise InputError(f"{path}: {_REFUSAL} (check sum)")
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError(f"{path}: holds something else than a checkpoint of a training run")
    state: dict[str, Any] = content["state"]
    return state


def find(folder: Path) -> Path | None:
    """Return the checkpoint in a run's folder, or None where there is none.

    Raises:
        InputError: there is only one of a version whose checkpoints this one cannot read.
    """
    path, earlier = folder / NAME, folder / _EARLIER
    if path.is_file():
        return path
    if earlier.is_file():
        raise InputError(
            f"{earlier}: a checkpoint of an earlier neurosim, which this one cannot read; train "
            "again without resume, or go on with the version that wrote it"
        )
    return None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let no other process train in a folder; of processes that train together the first asks.

    Raises:
        UnavailableError: another one trains there.
    """
    path = folder / LOCK
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    try:
        lock = FileLock(path, timeout=0, is_singleton=False)
        with lock:
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
    except Timeout:
        raise UnavailableError(
            f"{folder}: another process trains there; wait for it, or give another folder (--out)"
        ) from None


def clear(folder: Path) -> None:
    """Remove the checkpoint of a run's folder, of whatever version."""
    for name in (NAME, _EARLIER):
        (folder / name).unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """Return a state as torch reads it back without running code: tensors and plain values."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        parts = [_plain(v) for v in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


class Saver:
    """Writes checkpoints now and then, so that writing takes a small share of the time.

    Args:
        path: of the file, which each one replaces.
        seconds: least time between two; 0 writes one after every batch.
    """

    def __init__(self, path: Path, seconds: float = SECONDS):
        self.path, self.wait = path, seconds
        self._least = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() - self._last >= self.wait

    def save(self, state: Callable[[], dict[str, Any]]) -> None:
        """Write one now."""
        begin = time.monotonic()
        save(self.path, state())
        self._last = time.monotonic()
        if self._least:
            self.wait = max(self._least, (self._last - begin) / SHARE)


@dataclass
class Request:
    """Whether somebody asked the run to stop."""

    made: bool = False


@contextmanager
def postponed() -> Iterator[Request]:
    """Note the first Ctrl-C or termination instead of raising it; the second interrupts at once.

    Between forward pass and optimiser step a run is in no state that could be saved. Outside the
    main thread, which alone may handle signals, nothing is noted.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, frame: FrameType | None) -> None:
        if request.made:
            raise KeyboardInterrupt
        request.made = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
