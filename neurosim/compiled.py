"""Functions that numba compiles, kept on disk where there is a place for that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba when it is first called.

    What is compiled is kept beside the source, or in the user's cache folder. Where neither can be
    written, each process compiles anew; numba alone refuses to. What is damaged there is compiled
    again, and what a full disk cannot take is not kept; numba alone raises what its parser or the
    system does.

    Args:
        function: in the part of Python that numba knows.
        options: of `numba.njit`.
    """
    try:
        dispatcher = numba.njit(**options, cache=True)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return numba.njit(**options)(function)
    dispatcher._cache = forgiving(dispatcher._cache)
    return dispatcher


def forgiving(cache: Any) -> Any:
    """Return a cache of numba's that leaves be what it cannot read or write."""
    cache.load_overload = _forgiving(cache.load_overload, cache.flush)
    cache.save_overload = _forgiving(cache.save_overload, cache.flush)
    return cache


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
