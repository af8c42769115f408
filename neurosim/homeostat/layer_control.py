"""AHSAR's inner loop: what the controller holds, and how a batch's rates move it. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.analysis.homeostat.loop import Loop
from neurosim.errors import InputError

Array = np.ndarray


class LayerControl:
    """States c of the units (layers or blocks) and their threshold scales; AHSAR, 4.1 and 4.2.

    Args:
        loop: the gains; its `sensitivity` and `coupling` describe the net and are not used here.
        floor: smallest rate that is taken a logarithm of: a silent unit counts as this active.
        windup: bound on kappa |c - c0| after every tick. At 2 the actuator has 96 % of its reach,
            and a state there comes back as soon as the rates have turned.
    """

    def __init__(self, loop: Loop, floor: float = 1e-4, windup: float = 2.0):
        if not floor > 0:
            raise InputError(f"floor is {floor}; it is a positive rate, in spikes per step")
        if not windup > 0:
            raise InputError(f"windup is {windup}; it is a positive bound, inf for none")
        self.loop, self.floor, self.windup = loop, floor, windup
        self.limit = windup / loop.kappa
        self.c = np.full(loop.layers, loop.c0)
        self.average = np.full(loop.layers, np.nan)
        """(L,) smoothed rates; not a number before the first batch, which sets them."""

    def log_rates(self, rates: Array) -> Array:
        """Return the logarithms of rates, with the floor."""
        return np.log(np.maximum(rates, self.floor))

    def step(self, rates: Array) -> Array:
        """Take in the rates (L,) of a batch; return the threshold scales (ticks, L) tick by tick.

        The moving average takes in the rates before it is used (unless `loop.fresh` is off), for
        one that lags makes the loop unstable at far smaller gains.
        """
        before = rates if np.isnan(self.average[0]) else self.average
        self.average = (1 - self.loop.m_r) * before + self.loop.m_r * rates
        used = self.average if self.loop.fresh else before
        reaction = self.loop.reaction(self.log_rates(used))
        path = self.loop.c0 + _path(
            self.c - self.loop.c0,
            reaction,
            self.loop.gamma,
            self.loop.D,
            self.limit,
            self.loop.ticks,
        )
        self.c = path[-1].copy()
        return self.loop.scale(path)


@njit(cache=True)
def _path(x, reaction, gamma, D, limit, ticks):  # pragma: no cover
    """Return the states (ticks, L), counted from c0, after each tick: reaction and both pulls.

    The chain ends freely: a state at its end has itself as its other neighbour.
    """
    units = x.size
    path = np.empty((ticks, units))
    for tick in range(ticks):
        for k in range(units):
            neighbours = x[max(k - 1, 0)] + x[min(k + 1, units - 1)]
            moved = x[k] + reaction[k] - gamma * x[k] + D * (neighbours - 2 * x[k])
            path[tick, k] = min(max(moved, -limit), limit)
        x = path[tick]
    return path
