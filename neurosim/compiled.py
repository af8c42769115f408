"""Functions that numba compiles, kept on disk by the content of all that they are compiled from.

numba keeps a compiled function beside its source, by that one file's content: a function of another
file that was compiled into it may change unseen, and an upgrade of the package leaves the old one
there. Here the key is the content of all files of the function's folder and the versions of numba
and llvmlite; the processor and the types of arguments are in numba's own index. Processes share the
files, which appear whole or not at all.
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

KEEP_DAYS = 60
"""What was compiled from other sources and no process used for so long is deleted."""
LAYERS = "neurosim.snn.kernels"
"""The functions that take long to compile."""
_LOG = logging.getLogger(__name__)


def folder() -> Path:
    """Return where compiled functions are kept; it may be deleted at any time."""
    import platformdirs

    return platformdirs.user_cache_path("neurosim") / "kernels"


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba when it is first called.

    What is compiled is kept in the user's cache folder, or where that cannot be written, in numba's
    own places. Where none can, each process compiles anew; numba alone refuses to. What is damaged
    there is compiled again, and what a full disk cannot take is not kept; numba alone raises what
    its parser or the system does.

    Args:
        function: in the part of Python that numba knows; what it calls that is compiled too stands
            in files of the same folder, or its change is not seen.
        options: of `numba.njit`.
    """
    import numba

    _tell()
    dispatcher = numba.njit(**options)(function)
    try:
        kept = _kind()(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return dispatcher
    kept.load_overload = _forgiving(kept.load_overload, kept.flush)
    kept.save_overload = _forgiving(kept.save_overload, kept.flush)
    dispatcher._cache = kept
    return dispatcher


@cache
def stamp(sources: Path) -> str:
    """Return the key of what is compiled from the files of a folder."""
    state = hashlib.sha256(f"{version('numba')} {version('llvmlite')}".encode())
    for file in sorted(sources.glob("*.py")):
        state.update(file.name.encode() + file.read_bytes())
    return state.hexdigest()[:24]


@cache
def place(sources: Path) -> Path:
    """Return where to keep what is compiled from a folder, marked as used now; old ones go."""
    from numba import config

    theirs: str = getattr(config, "CACHE_DIR", "")  # $NUMBA_CACHE_DIR
    base = Path(theirs) / "neurosim" if theirs else folder()
    mine = base / stamp(sources)
    mine.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.utime(mine)
        for other in base.iterdir():
            if other.stat().st_mtime < time.time() - 86400 * KEEP_DAYS:
                shutil.rmtree(other, ignore_errors=True)
    return mine


@cache
def _kind() -> type:
    """Return numba's cache with another place and another key."""
    from numba.core import caching

    class ByContent(caching.UserWideCacheLocator):
        """Where a function is kept, and what it depends on."""

        def __init__(self, function: Callable[..., Any], file: str):
            super().__init__(function, file)
            self.sources = Path(file).parent

        def ensure_cache_path(self) -> None:
            place(self.sources).mkdir(parents=True, exist_ok=True)  # it may have been deleted
            super().ensure_cache_path()

        def get_cache_path(self) -> str:
            return str(place(self.sources))

        def get_source_stamp(self) -> str:
            return stamp(self.sources)

    class Results(caching.CompileResultCacheImpl):
        _locator_classes = [ByContent, *caching.CacheImpl._locator_classes]  # noqa: RUF012

    class Cache(caching.FunctionCache):
        _impl_class = Results

    return Cache


def _forgiving(act: Callable[..., Any], forget: Callable[[], None]) -> Callable[..., Any]:
    """Return what reads or writes numba's cache so that it does nothing where it cannot."""

    def act_or_forget(*arguments: Any) -> Any:
        try:
            return act(*arguments)
        except Exception:  # a file cut short or overwritten raises anything; a full disk, OSError
            with suppress(OSError):
                forget()
            return None

    return act_or_forget


@cache
def _tell() -> None:
    """Have it said, once a process, that layers' kernels are being compiled."""
    from numba.core import event

    class Notice(event.Listener):
        done = False

        def on_start(self, event: Any) -> None:
            if not self.done and event.data["dispatcher"].py_func.__module__.startswith(LAYERS):
                self.done = True
                _LOG.info("compiling kernels, once on this machine: some 20 s")

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Notice())
