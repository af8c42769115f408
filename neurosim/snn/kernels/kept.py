"""Compiled kernels on disk: by the content of all that they are compiled from.

numba keeps a compiled function beside its source, by that one file's content: a function of another
file that was compiled into it may change unseen, and an upgrade of the package leaves the old one
there. Here the key is the content of all kernels' files and the versions of numba and llvmlite; the
processor and the types of arguments are in numba's own index. Processes share the files, which
appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numba import config
from numba.core import caching, event

from neurosim import compiled as plain
from neurosim.snn.kernels import folder

KEEP_DAYS = 60
"""Kernels of other versions that no process used for so long are deleted."""
_LOG = logging.getLogger(__name__)


@cache
def stamp() -> str:
    """Return the key of all kernels."""
    state = hashlib.sha256(f"{version('numba')} {version('llvmlite')}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        state.update(file.name.encode() + file.read_bytes())
    return state.hexdigest()[:24]


@cache
def _place() -> Path:
    """Return the folder of these kernels, marked as used now; forgotten ones go."""
    theirs: str = getattr(config, "CACHE_DIR", "")  # $NUMBA_CACHE_DIR
    base = Path(theirs) / "neurosim" if theirs else folder()
    place = base / stamp()
    place.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.utime(place)
        for other in base.iterdir():
            if other.stat().st_mtime < time.time() - 86400 * KEEP_DAYS:
                shutil.rmtree(other, ignore_errors=True)
    return place


class _ByContent(caching.UserWideCacheLocator):
    """Where a kernel is kept, and what it depends on."""

    def ensure_cache_path(self) -> None:
        _place().mkdir(parents=True, exist_ok=True)  # it may have been deleted
        super().ensure_cache_path()

    def get_cache_path(self) -> str:
        return str(_place())

    def get_source_stamp(self) -> str:
        return stamp()


class _Results(caching.CompileResultCacheImpl):
    # Where that folder cannot be written, numba's own places.
    _locator_classes = [_ByContent, *caching.CacheImpl._locator_classes]  # noqa: RUF012


class _Cache(caching.FunctionCache):
    _impl_class = _Results


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba when it is first called, as `neurosim.compiled` does.

    Args:
        function: in the part of Python that numba knows.
        options: of `numba.njit`.
    """
    dispatcher = plain.compiled(function, **options)
    if dispatcher.stats.cache_path is not None:  # there is a place that can be written
        dispatcher._cache = plain.forgiving(_Cache(function))
    return dispatcher


class _Notice(event.Listener):
    """Tells once that kernels are being compiled, which takes a while."""

    done = False

    def on_start(self, event: Any) -> None:
        module = event.data["dispatcher"].py_func.__module__
        if not self.done and module.startswith(__package__ or ""):
            self.done = True
            _LOG.info("compiling kernels, once on this machine: some 20 s")

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Notice())
