"""Self-consistent rates of Brunel's network when the threshold of each neuron is random."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq

from neurosim.analysis.arrays import FloatArray
from neurosim.analysis.firing_rate.white_noise import log_siegert
from neurosim.analysis.laws import Law, as_law
from neurosim.errors import InputError

Draw = Literal["quenched", "per-spike"]
_LOWEST = 1e-6
"""Rate [Hz] below which a network is silent: a spike of a neuron in eleven days."""
_POINTS = 500
"""Rates at which a change of sign is looked for; fixed points closer than 4 % may count as none."""


class FixedPoint(NamedTuple):
    """A rate at which what the neurons send is what they receive."""

    rate: float
    """[Hz]"""
    mean: float
    """Of the free membrane potential."""
    std: float
    """Of the free membrane potential."""
    stable: bool
    """Whether a rate that follows its input slowly returns to this point."""


def random_threshold_rate(
    law: Law | Any,
    mean: float,
    std: float,
    *,
    reset: float,
    tau: float,
    refractory: float = 0.0,
    draw: Draw = "quenched",
) -> float:
    """Return the mean rate [Hz] of neurons with white noise whose thresholds follow a law.

    quenched: each neuron keeps its own, and rates are averaged: E[r(threshold)]. per-spike: each
    draws a new one at every spike, so that intervals are averaged: 1 / E[1 / r(threshold)]. The
    second is never larger (Jensen): long intervals weigh more.

    Args:
        law: of the threshold; a number, a Law or a frozen law of scipy.stats above `reset`.
        mean: of the free membrane potential.
        std: of the free membrane potential.
        reset: potential after a spike.
        tau: membrane time constant [s].
        refractory: dead time [s].
        draw: when a threshold is drawn.

    Raises:
        InputError: `draw` is unknown, or the law reaches down to the reset.
    """
    law = as_law(law)
    if draw not in ("quenched", "per-spike"):
        raise InputError(f"draw is {draw!r}; it is 'quenched' or 'per-spike'")
    if law.support[0] <= reset:
        raise InputError(f"the law's thresholds begin at {law.support[0]:g}, the reset is {reset}")
    points, shares = law.nodes(max(std, 1e-9) / 4)
    logs = np.asarray(log_siegert(mean, std, threshold=points, reset=reset, tau=tau,
                                  refractory=refractory))  # fmt: skip
    if draw == "quenched":
        return float(np.exp(logs) @ shares)
    if np.isneginf(logs[shares > 0]).any():
        return 0.0
    largest = float((-logs).max())
    return float(np.exp(-largest) / (np.exp(-logs - largest) @ shares))


def random_threshold_brunel(
    external_rate: float,
    law: Law | Any,
    *,
    psp: float,
    g: float,
    excitatory: int,
    inhibitory: int,
    reset: float,
    tau: float,
    refractory: float = 0.0,
    draw: Draw = "quenched",
) -> tuple[FixedPoint, ...]:
    """Return all fixed points of Brunel's network, model A, with random thresholds.

    As `firing_rate.brunel`, with the rate of `random_threshold_rate`: where neurons hear many
    others, they hear the mean rate of the population, whatever its thresholds (Brunel 2000, eqs. 4
    and 5). Rates are looked for between 1e-6 Hz and 1 / refractory (without one, 2,000 / tau); each
    is bracketed by a change of sign. A silent network, below that, has the rate of its drive alone.

    Args:
        external_rate: rate of one external synapse [Hz].
        law: of the threshold, as for `random_threshold_rate`.
        psp: jump of the potential at an excitatory synapse.
        g: relative strength of inhibition.
        excitatory: synapses of a neuron.
        inhibitory: synapses of a neuron.
        reset: potential after a spike.
        tau: membrane time constant [s].
        refractory: dead time [s].
        draw: "quenched" or "per-spike".

    Raises:
        InputError: as `random_threshold_rate`.
    """

    def free(rate: float) -> tuple[float, float]:
        drive = tau * excitatory * external_rate
        mean = tau * rate * psp * (excitatory - g * inhibitory) + drive * psp
        variance = tau * rate * psp**2 * (excitatory + g**2 * inhibitory) + drive * psp**2
        return mean, float(np.sqrt(variance / 2))

    def sent(rate: float) -> float:
        mean, std = free(rate)
        return random_threshold_rate(
            law, mean, std, reset=reset, tau=tau, refractory=refractory, draw=draw
        )

    def excess(log_rate: float) -> float:
        rate = float(np.exp(log_rate))
        return sent(rate) - rate

    fastest = 1 / refractory if refractory > 0 else 2000 / tau
    grid: FloatArray = np.linspace(np.log(_LOWEST), np.log(fastest), _POINTS)
    values = np.array([excess(x) for x in grid])
    points = []
    if values[0] <= 0:  # what so few spikes add to the drive cannot be told from none
        points.append(FixedPoint(sent(0.0), *free(0.0), True))
    for k in np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1])):
        root = float(np.exp(brentq(excess, grid[k], grid[k + 1], xtol=1e-13, rtol=1e-13)))
        points.append(FixedPoint(root, *free(root), bool(values[k] > values[k + 1])))
    return tuple(points)
