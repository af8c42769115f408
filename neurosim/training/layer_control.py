"""AHSAR's inner loop: what the controller holds, and how a batch's rates move it. Plain numpy."""

from __future__ import annotations

import numpy as np

from neurosim.analysis.homeostat_loop import Loop, chain_modes
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
        values, self._basis = chain_modes(loop.layers)
        rho = 1 - loop.gamma - loop.D * values
        powers = rho ** np.arange(loop.ticks + 1)[:, None]
        self._lost, self._added = 1 - powers[1:], powers[:-1].cumsum(0)

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
        path = self._path(self.loop.reaction(self.log_rates(used)))
        self.c = path[-1].copy()
        return self.loop.scale(path)

    def _path(self, reaction: Array) -> Array:
        """Return the states (ticks, L) after each tick: in the modes of the chain a closed form."""
        c0, basis = self.loop.c0, self._basis
        change = self._added * (reaction @ basis) - self._lost * ((self.c - c0) @ basis)
        path = self.c + change @ basis.T
        return path if (np.abs(path - c0) <= self.limit).all() else self._bounded(reaction)

    def _bounded(self, reaction: Array) -> Array:
        """As `_path`, tick by tick, each within the bound; few numbers are faster as plain ones."""
        loop, limit, path = self.loop, self.limit, []
        c, push = (self.c - loop.c0).tolist(), reaction.tolist()
        for _ in range(loop.ticks):
            neighbours = zip([c[0], *c], c, [*c[1:], c[-1]], push, strict=False)
            c = [
                min(max(x + r - loop.gamma * x + loop.D * (a + b - 2 * x), -limit), limit)
                for a, x, b, r in neighbours
            ]
            path.append(c)
        return loop.c0 + np.array(path)
