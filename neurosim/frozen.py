"""Frozen objects own their arrays: read-only copies that no caller's array or tensor can change.

The copies lie in a `bytes` object, whose memory nobody can write to: neither through an older view
nor by making an array writeable again. So they are known when they come by a second time, in
`dataclasses.replace` or a slice, and are not copied again.
"""

from __future__ import annotations

import copy
import math
from dataclasses import fields
from typing import Any

import numpy as np


def own(array: np.ndarray) -> np.ndarray:
    """Return an array that nobody can change: itself if it is one, else a copy in order C."""
    if type(array) is np.ndarray and is_own(array):
        return array
    if array.dtype.hasobject:  # which have no bytes; they are refused where they mean nothing
        copied: np.ndarray = copy.deepcopy(np.asarray(array))
        copied.flags.writeable = False
        return copied
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def is_own(array: np.ndarray) -> bool:
    """Return whether an array lies in memory that cannot be written to."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, bytes)


def unfilled(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return zeros in memory of their own, which Python cannot write to.

    Compiled code fills them by their address, once, before anyone else has seen them; a frozen
    object then takes them without a copy.
    """
    dtype = np.dtype(dtype)
    return np.ndarray(shape, dtype, bytes(math.prod(shape) * dtype.itemsize))


def owned(value: Any) -> Any:
    """Return a value with arrays of its own, however deep in tuples, lists and dictionaries.

    Tuples without arrays, and all that is no container, are returned as they are.
    """
    if isinstance(value, np.ndarray):
        return own(value)
    if type(value) is dict:
        return {key: owned(item) for key, item in value.items()}
    if type(value) is list:
        return [owned(item) for item in value]
    if type(value) is tuple:
        items = tuple(owned(item) for item in value)
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else items
    return value


class Frozen:
    """A frozen dataclass that owns its arrays, also after a deep copy or a trip to a process.

    A class that reads its arguments in a `__post_init__` of its own calls this one.
    """

    def __post_init__(self) -> None:
        self._own(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._own(state)

    def _own(self, values: dict[str, Any]) -> None:
        for name in [field.name for field in fields(self)]:  # type: ignore[arg-type]
            if name in values and (kept := owned(values[name])) is not values[name]:
                object.__setattr__(self, name, kept)
