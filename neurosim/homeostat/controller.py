"""AHSAR's controller: the loop over the layers of a net, and the gain that they share.

Numbers in, numbers out: rates of layers become threshold scales, losses and mean rates of epochs
become the gain. Both are stated in `neurosim.equations.homeostasis`, which gives the defaults and
bounds of their settings; tests hold the two and Brian2's run of the equations together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from neurosim.analysis.homeostasis.loop import Loop
from neurosim.compiled import compiled
from neurosim.equations.homeostasis import GLOBAL_GAIN, HOMEOSTAT_MAP
from neurosim.errors import InputError

Array = np.ndarray

FLOOR: float = HOMEOSTAT_MAP.parameters["floor_rate"].default
"""Spikes per neuron and step: a rate below counts as this."""
WINDUP: float = HOMEOSTAT_MAP.parameters["windup"].default
"""Bound on kappa |c - c0| after every tick."""

_GAIN = GLOBAL_GAIN.parameters
_EPSILON = _GAIN["epsilon"].default


class LayerControl:
    """States c of the units (layers or blocks) and their threshold scales; AHSAR, 4.1 and 4.2.

    Args:
        loop: the gains; its `sensitivity` and `coupling` describe the net and are not used here.
        floor: smallest rate that is taken a logarithm of: a silent unit counts as this active.
        windup: bound on kappa |c - c0| after every tick, inf for none. At 2 the actuator has 96 %
            of its reach, and a state there comes back as soon as the rates have turned.
        band: logs of the smallest and the largest rate wanted, which take the place of the mean and
            of the loop's reference: a rate between them pushes nothing.

    Raises:
        InputError: a bound is not positive.
    """

    def __init__(
        self,
        loop: Loop,
        floor: float = FLOOR,
        windup: float = WINDUP,
        band: tuple[float, float] | None = None,
    ):
        if not floor > 0:
            raise InputError(f"floor is {floor}; it is a positive rate, in spikes per step")
        if not windup > 0:
            raise InputError(f"windup is {windup}; it is a positive bound, inf for none")
        self.loop, self.floor, self.windup, self.band = loop, floor, windup, band
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
        logs = self.log_rates(used)
        if self.band is None:
            reaction = self.loop.reaction(logs)
        else:
            reaction = self.loop.beta * (logs - np.clip(logs, *self.band))
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


@compiled
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


@dataclass
class GlobalGain:
    """The gain g of AHSAR's section 4.3, one step an epoch: `neurosim equations global-gain`.

        p = (L_before - L)/max(L_before, epsilon)          progress, smoothed
        e = ln(energy smoothed / energy smoothed slowly)   energy against its trend
        q = p/stall within 0..1                            0 where progress stalls
        ln g <- ln g + rate ((1 - q) max(e, 0) + q min(e, 0)), at most `trust` either way.

    Stalling above the trend raises g and suppresses spikes, progress below it lowers g; at the
    trend nothing moves. `rate`, `trust`, `stall`, `momentum` and `trend` are parameters of the
    declaration, which says what they mean; the other fields are the state.

    Raises:
        InputError: a setting lies outside the declared bounds.
    """

    rate: float = _GAIN["rate"].default
    trust: float = _GAIN["trust"].default
    stall: float = _GAIN["stall"].default
    momentum: float = _GAIN["momentum"].default
    trend: float = _GAIN["trend"].default
    value: float = 1.0
    """g."""
    loss: float | None = None
    """Validation loss of the last epoch."""
    progress: float | None = None
    energy: float | None = None
    slow_energy: float | None = None

    def __post_init__(self) -> None:
        for name in ("rate", "trust", "stall", "momentum", "trend"):
            _GAIN[name].check(f"GlobalGain.{name}", getattr(self, name))
        if not 0 < self.value < np.inf:
            raise InputError(f"GlobalGain.value is {self.value}; it is a positive number")

    def update(self, loss: float, energy: float) -> float:
        """Take in an epoch's validation loss and mean rate; return g.

        Raises:
            InputError: either is no finite number.
        """
        if not (np.isfinite(loss) and np.isfinite(energy)):
            raise InputError(f"validation loss {loss} and energy {energy} must be finite")
        if self.loss is not None:
            progress = (self.loss - loss) / max(self.loss, _EPSILON)
            self.progress = _average(self.progress, progress, self.momentum)
        self.loss = loss
        self.energy = _average(self.energy, energy, self.momentum)
        self.slow_energy = _average(self.slow_energy, energy, self.trend)
        if self.progress is not None:
            excess = np.log(max(self.energy, _EPSILON) / max(self.slow_energy, _EPSILON))
            going = float(np.clip(self.progress / self.stall, 0, 1))
            change = self.rate * ((1 - going) * max(excess, 0.0) + going * min(excess, 0.0))
            self.value *= float(np.exp(np.clip(change, -self.trust, self.trust)))
        return self.value

    def state_dict(self) -> dict[str, float | None]:
        """Return settings and state."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        """Take over what `state_dict` returned."""
        for name in asdict(self):
            setattr(self, name, state[name])


def _average(before: float | None, value: float, weight: float) -> float:
    """Return a moving average that begins with its first value."""
    return value if before is None else (1 - weight) * before + weight * value
