"""Functions that numba compiles, kept on disk where there is a place for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba when it is first called.

    What is compiled is kept beside the source, or in the user's cache folder. Where neither can be
    written, each process compiles anew; numba alone refuses to.

    Args:
        function: in the part of Python that numba knows.
        options: of `numba.njit`.
    """
    try:
        return numba.njit(**options, cache=True)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return numba.njit(**options)(function)
