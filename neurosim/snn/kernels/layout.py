"""Where the layers of a chain lie in its arrays, and memory that is used again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from neurosim.snn.kernels import layer_kernels as kernels
from neurosim.snn.kernels.events import digits_of, padded, words_of
from neurosim.snn.surrogates import CODES

SIZES = 64
"""Sizes of memory, constants and layouts that are kept for later."""


class Room:
    """Memory that is used again by the next who needs as much; taken anew, it costs page faults."""

    _free: ClassVar[dict[tuple[int, Any], list[np.ndarray]]] = {}

    def __init__(self, size: int, dtype: Any):
        try:
            self.array = self._free[size, dtype].pop()
        except (KeyError, IndexError):  # another thread may have taken the last
            self.array = np.empty(size, dtype)

    def __del__(self) -> None:
        if len(self._free) > SIZES:  # of nets that are long gone
            self._free.clear()
        self._free.setdefault((self.array.size, self.array.dtype), []).append(self.array)


class Layout(NamedTuple):
    """Where the layers of a chain lie in its arrays."""

    shapes: np.ndarray
    """`Chain.shapes`."""
    digits: list[int]
    """Planes of each layer's spikes."""
    words: int
    """Words of all spikes."""


_JOINED: dict[tuple[int, ...], tuple[Sequence[kernels.Cells], list[np.ndarray]]] = {}


def joined(cells: Sequence[kernels.Cells]) -> list[np.ndarray]:
    """Return constants of layers one after the other; those of the last calls are kept."""
    key = tuple(map(id, cells))
    if key not in _JOINED:
        if len(_JOINED) >= SIZES:
            _JOINED.clear()
        dtype = cells[0].alpha.dtype
        # Delta synapses have no beta, and read nothing of the place that others have for theirs.
        full = [c if c.beta.size else c._replace(beta=c.alpha) for c in cells]
        arrays = [np.concatenate(arrays) for arrays in zip(*(c[:6] for c in full), strict=True)]
        arrays += [
            np.array(values, dtype) for values in zip(*(c[8:10] for c in cells), strict=True)
        ]
        _JOINED[key] = cells, arrays  # the cells too: their ids are theirs as long as they live
    return _JOINED[key][1]


def layout_of(samples: int, steps: int, sizes: Sequence[tuple[int, int, int, Any, Any]]) -> Layout:
    """Return the layout of layers; those of the last calls are kept.

    Args:
        samples: B.
        steps: T.
        sizes: neurons, weights, weights transposed, constants and surrogate of each layer.
    """
    shared = tuple(
        (n, weights, backs, c.beta.size, c.theta.size, c.each_b, c.each_t, float(c.limit), kind)
        for n, weights, backs, c, kind in sizes
    )
    return _lay_out(samples, samples * steps, shared)


@lru_cache(SIZES)
def _lay_out(samples: int, rows: int, layers: tuple[tuple[Any, ...], ...]) -> Layout:
    neurons, weights, backs, betas, thetas, each_b, each_t, limits, surrogates = zip(
        *layers, strict=True
    )
    widths, words = [padded(n) for n in neurons], [words_of(n) for n in neurons]
    digits, planes = [digits_of(limit) for limit in limits], [rows * count for count in words]
    of_words = [d * plane for d, plane in zip(digits, planes, strict=True)]
    columns: dict[int, Sequence[Any]] = {
        kernels.NEURONS: neurons,
        kernels.WIDTH: widths,
        kernels.DELTA: [not size for size in betas],
        kernels.EACH_B: each_b,
        kernels.EACH_T: each_t,
        kernels.WORDS: words,
        kernels.PLANE: planes,
        kernels.SURROGATE: [CODES[surrogate] for surrogate in surrogates],
    }
    sizes: dict[int, Sequence[int]] = {
        kernels.CELLS: widths,
        kernels.THETA: thetas,
        kernels.TABLE: weights,
        kernels.BACK: backs,
        kernels.WORDS_AT: of_words,
        kernels.ROWS: [rows * width for width in widths],
        kernels.STATE: [samples * width for width in widths],
    }
    shapes = np.zeros((len(layers), len(kernels.SHAPES)), np.int64)
    for column, values in columns.items():
        shapes[:, column] = values
    for column, values in sizes.items():
        shapes[1:, column] = np.cumsum(values[:-1])
    return Layout(shapes, digits, sum(of_words))
