"""Arrays that took a while, kept on disk under a hash of all that they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import store
from neurosim.errors import InputError, shown

Arrays = dict[str, np.ndarray]

Form = Mapping[str, tuple[str, tuple[int | str, ...]]]
"""Arrays by name: kinds of numpy's types, and lengths of axes; equal words are equal lengths."""

KEEP_DAYS = 60
KEEP_BYTES = 8 * 2**30
"""Files unused for KEEP_DAYS are deleted; beyond KEEP_BYTES in all, the least recently used."""


def folder() -> Path:
    """Return the user's cache folder for encoded data; it may be deleted at any time."""
    import platformdirs

    return platformdirs.user_cache_path("neurosim") / "data"


def cached(
    key: dict[str, Any], make: Callable[[], Arrays], form: Form, where: Path | None = None
) -> Arrays:
    """Return the arrays that belong to a key: from disk, or made now and written.

    A file is written whole or not at all, also when several processes make it at once; one that
    is damaged is made again, and so is one that holds other arrays, with a note; where nothing can
    be written, nothing is cached.

    Args:
        key: all that the arrays depend on, as JSON values.
        make: makes the arrays, each with at least one axis.
        form: that the arrays have.
        where: folder of the files; `folder()` when None.
    """
    text = json.dumps(key, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:24] + ".safetensors"
    path = (where or folder()) / name
    with contextlib.suppress(InputError):
        arrays, header = store.load(path, "cache", note=False)
        wrong = misfit(arrays, form) if header.get("key") == text else None
        if wrong:
            warnings.warn(
                f"{path}: holds other arrays than belong there ({wrong}); they are made again",
                stacklevel=2,
            )
        elif header.get("key") == text:
            with contextlib.suppress(OSError):
                os.utime(path)  # used: what is pruned is what nobody used
            return arrays
    arrays = make()
    with contextlib.suppress(OSError):
        store.save(path, "cache", arrays, {"key": text})
        prune(path.parent)
    return arrays


def misfit(arrays: Arrays, form: Form) -> str:
    """Return in what arrays differ from their form; empty if they do not."""
    if set(arrays) != set(form):
        names = ", ".join(sorted(arrays)) or "none"
        return shown(f"{names} in place of {', '.join(form)}")
    lengths: dict[str, int] = {}
    for name, (kinds, axes) in form.items():
        array = arrays[name]
        shape = tuple(
            lengths.setdefault(axis, length) if isinstance(axis, str) else axis
            for axis, length in zip(axes, array.shape, strict=False)
        )
        if array.dtype.kind not in kinds or array.ndim != len(axes) or array.shape != shape:
            return f"{name} is {array.dtype} of shape {array.shape}"
    return ""


def prune(where: Path, *, days: float = KEEP_DAYS, size: int = KEEP_BYTES) -> list[Path]:
    """Delete cached arrays that were not used for some days, and the oldest beyond some bytes.

    The file used last always stays. What a killed process left behind goes after a day.

    Args:
        where: folder of the files.
        days: since the last use.
        size: bytes of all files that are kept.

    Returns:
        The paths that were deleted.
    """
    now, total, gone = time.time(), 0, []
    used = {}
    for path in where.glob("?" * 24 + ".safetensors"):
        with contextlib.suppress(FileNotFoundError):  # another process prunes, too
            used[path] = path.stat()
    newest_first = sorted(used, key=lambda path: used[path].st_mtime, reverse=True)
    for place, path in enumerate(newest_first):
        total += used[path].st_size
        old = now - used[path].st_mtime > 86400 * days
        if place and (old or total > size):
            path.unlink(missing_ok=True)
            gone.append(path)
    for left in (*where.glob("*.part"), *where.glob("tmp*")):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if now - left.stat().st_mtime > 86400:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
                gone.append(left)
    return gone
