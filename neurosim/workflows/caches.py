"""What neurosim keeps on this machine between commands, by what it costs to make again.

Everything here can be made again, but trained nets take hours: they are kept with the user's data,
not with the caches, and nothing deletes them unless they are named.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from neurosim import compiled
from neurosim.data import cache as encoded
from neurosim.engines.brian2 import cache as libraries
from neurosim.equations import dimensions
from neurosim.errors import InputError, nearest
from neurosim.run import Run

NETS = "nets"
NETS_VARIABLE = "NEUROSIM_NETS"
"""Environment variable with another folder for trained nets, e.g. one that a whole cluster sees."""
_NET = re.compile(r"[0-9a-f]{20}")
"""Name of a net's folder: a hash of its settings and data."""


@dataclass(frozen=True)
class Cache:
    """One kind of files."""

    name: str
    what: str
    cost: str
    """What making them again takes."""
    folder: Path

    @property
    def entries(self) -> list[Path]:
        """Files and folders that belong to it; of a folder of nets only what is a net."""
        if not self.folder.is_dir():
            return []
        everything = sorted(self.folder.iterdir())
        return (
            everything if self.name != NETS else [p for p in everything if _NET.fullmatch(p.stem)]
        )

    @property
    def size(self) -> int:
        """Bytes on disk."""
        files = [f for entry in self.entries for f in (entry, *entry.rglob("*")) if f.is_file()]
        return sum(file.stat().st_size for file in files)

    def __str__(self) -> str:
        return f"{self.name} ({self.what}): {self.folder}, {self.size / 1e6:.1f} MB"


def caches() -> tuple[Cache, ...]:
    """Return all kinds, the dearest last."""
    return (
        Cache("equations", "texts whose dimensions were checked", "seconds", dimensions.folder()),
        Cache("encoded", "recordings as events, sweeps of nets", "seconds", encoded.folder()),
        Cache(
            "compiled", "libraries that Brian2's code was built to", "minutes", libraries.folder()
        ),
        Cache("kernels", "compiled functions, of layers above all", "seconds", compiled.folder()),
        Cache(NETS, "nets that studies have trained", "hours", nets_folder()),
    )


def chosen(names: Sequence[str]) -> tuple[Cache, ...]:
    """Return the caches of these names; all but the trained nets without names.

    Raises:
        InputError: no cache has such a name.
    """
    every = {cache.name: cache for cache in caches()}
    for name in names:
        if name not in every:
            raise InputError(f"cache {name!r} is not known; {nearest(name, tuple(every))}")
    return tuple(every[name] for name in names or every if names or name != NETS)


def clear(cache: Cache) -> None:
    """Delete what belongs to a cache, and nothing else."""
    for entry in cache.entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def nets_folder() -> Path:
    """Return where trained nets are kept: $NEUROSIM_NETS, or with the user's data.

    Nets that an earlier version kept among the caches are moved there, once.
    """
    if os.environ.get(NETS_VARIABLE):
        return Path(os.environ[NETS_VARIABLE])
    place = platformdirs.user_data_path("neurosim") / NETS
    _move(platformdirs.user_cache_path("neurosim") / NETS, place)
    return place


def training_times(cache: Cache) -> list[float | None]:
    """Return the seconds that each finished net of a cache was trained for; None: not recorded."""
    times = []
    for entry in cache.entries:
        with suppress(InputError):
            if entry.is_dir():
                times.append(Run.load(entry).provenance.get("seconds"))
    return times


def _move(old: Path, new: Path) -> None:
    """Move what is in one folder to another; each entry appears there whole or not at all."""
    if not old.is_dir():
        return
    new.mkdir(parents=True, exist_ok=True)
    moved = 0
    for entry in old.iterdir():
        target = new / entry.name
        if target.exists():
            continue
        with suppress(OSError):  # another process was faster, or it may not be moved
            try:
                entry.rename(target)
            except OSError:  # on another file system
                partial = new / f".{entry.name}-{os.getpid()}"
                shutil.copytree(entry, partial)
                partial.rename(target)
                shutil.rmtree(entry)
            moved += target.is_dir()
    with suppress(OSError):
        old.rmdir()
    if moved:
        warnings.warn(f"{moved} trained nets were moved from {old} to {new}", stacklevel=3)
