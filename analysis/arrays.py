"""Float arrays and quadrature nodes that all of the theory shares."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Numbers = npt.ArrayLike
"""A float or an array of floats; arguments of one call are broadcast against each other."""


def broadcast(*values: Numbers) -> list[FloatArray]:
    """Return the values as float arrays of one common shape."""
    return list(np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in values)))


@cache
def gauss_legendre(order: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes in (0, 1) and weights with sum 1."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    nodes, weights = (nodes + 1) / 2, weights / 2
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def panels(breakpoints: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
    """Return Gauss-Legendre nodes and weights of the intervals between ascending breakpoints."""
    nodes, weights = gauss_legendre(order)
    left, width = breakpoints[:-1, None], np.diff(breakpoints)[:, None]
    return (left + width * nodes).ravel(), (width * weights).ravel()
