"""Stationary distribution of a Markov chain, accurate to the last digits of its rarest state."""

from __future__ import annotations

import numpy as np

from neurosim.analysis.arrays import FloatArray
from neurosim.compiled import compiled


def log_stationary(transition: FloatArray) -> FloatArray:
    """Return the log of the stationary distribution of a chain, up to a constant.

    Elimination without subtraction (Grassmann, Taksar and Heyman 1985, Oper. Res. 33:1107):
    only off-diagonal entries are used and every one keeps its relative accuracy, so that a state
    visited once in 1e300 steps is as accurate as the others. States are eliminated from the last
    to the first; order them so that the rare ones come first. States that the last one cannot
    reach, or only by probabilities below 1e-290, get -inf.

    Args:
        transition: (n, n) non-negative probabilities, row to column; destroyed. Zeros are
            skipped, which makes banded chains cheap.
    """
    return np.asarray(_eliminate(transition))


@compiled
def _eliminate(p):  # type: ignore[no-untyped-def]
    n = p.shape[0]
    root = 0
    for k in range(n - 1, 0, -1):
        first = k
        total = p[k, 0]
        for j in range(k - 1, 0, -1):
            if p[k, j] > 0:
                first = j
                total += p[k, j]
        if not total > 1e-290:
            root = k
            break
        for i in range(k):
            if p[i, k] > 0:
                share = p[i, k] / total
                p[i, k] = share
                p[i, 0] += share * p[k, 0]
                for j in range(first, k):
                    p[i, j] += share * p[k, j]
    log_mass = np.full(n, -np.inf)
    mass = np.zeros(n)
    mass[root], log_mass[root], exponent = 1.0, 0.0, 0.0
    for k in range(root + 1, n):
        value = 0.0
        for i in range(root, k):
            value += mass[i] * p[i, k]
        mass[k] = value
        if value > 0:
            log_mass[k] = np.log(value) + exponent
        if value > 1e150:
            mass[: k + 1] *= 1e-150
            exponent += 150 * np.log(10.0)
    return log_mass
