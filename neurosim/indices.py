"""Numbers of neurons, layers, subjects: as given by a caller, checked and never cast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.errors import InputError


def whole(name: str, value: Any) -> int:
    """Return a whole number as an int; a truth value is none.

    Raises:
        InputError: it is something else.
    """
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "iuf" or number != np.floor(number):
        raise InputError(f"{name} is {value!r}; give a whole number")
    return int(number)


def chosen(name: str, values: Sequence[int] | np.ndarray, n: int) -> np.ndarray:
    """Return (chosen,) numbers in 0..n-1 as int64.

    Args:
        name: of the argument, for messages.
        values: (chosen,) whole numbers in any order, or a mask of n truth values.
        n: how many there are to choose from.

    Raises:
        InputError: a number is a fraction or out of range, or a mask has another length.
    """
    array = np.asarray(values)
    if array.dtype == bool:
        if array.shape != (n,):
            raise InputError(f"{name} is a mask of shape {array.shape}; it needs ({n},)")
        return np.flatnonzero(array)
    fits = array.ndim == 1 and (array.dtype.kind in "iuf" or not array.size)
    if not fits or ((array < 0) | (array >= n) | (array != np.floor(array))).any():
        raise InputError(f"{name} is {values}; it holds whole numbers 0..{n - 1}, or is a mask")
    return array.astype(np.int64)
