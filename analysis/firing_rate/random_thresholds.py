"""Self-consistent rates of Brunel's network when the threshold of each neuron is random."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq

from neurosim.analysis.arrays import FloatArray
from neurosim.analysis.discrete.membrane_chain import Cell, solve
from neurosim.analysis.firing_rate.white_noise import log_siegert
from neurosim.analysis.laws import Law, as_law
from neurosim.errors import InputError

Draw = Literal["quenched", "per-spike", "per-step"]
_LOWEST = 1e-6
"""Rate [Hz] below which a network is silent: a spike of a neuron in eleven days."""
_POINTS = {"quenched": 500, "per-spike": 500, "per-step": 100}
"""Rates at which a change of sign is looked for; fixed points closer than 4 % (22 % with thresholds
drawn per step, whose rate takes a thousand times as long) may count as none."""


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
    dt: float | None = None,
) -> float:
    """Return the mean rate [Hz] of neurons with white noise whose thresholds follow a law.

    quenched: each neuron keeps its own, and rates are averaged: E[r(threshold)]. per-spike: each
    draws a new one at every spike, so that intervals are averaged: 1 / E[1 / r(threshold)]. The
    second is never larger (Jensen): long intervals weigh more. per-step: each draws a new one in
    every step of dt, in which it fires if its potential is above: the rate of the membrane as a
    Markov chain (`discrete.membrane_chain`), which grows as dt shrinks, to that of the law's
    lowest threshold.

    Args:
        law: of the threshold; a number, a Law or a frozen law of scipy.stats above `reset`.
        mean: of the free membrane potential.
        std: of the free membrane potential.
        reset: potential after a spike.
        tau: membrane time constant [s].
        refractory: dead time [s].
        draw: when a threshold is drawn.
        dt: time step [s], of thresholds drawn per step.

    Raises:
        InputError: `draw` is unknown, the law reaches down to the reset, or thresholds are drawn
            per step without dt or with too little noise for the chain.
    """
    law = as_law(law)
    if draw not in _POINTS:
        raise InputError(f"draw is {draw!r}; it is {', '.join(map(repr, _POINTS))}")
    if law.support[0] <= reset:
        raise InputError(f"the law's thresholds begin at {law.support[0]:g}, the reset is {reset}")
    if draw == "per-step":
        interval = _interval_per_step(law, mean, std, reset, tau, dt)
        return 1 / (refractory + interval)
    points, shares = law.nodes(max(std, 1e-9) / 4)
    logs = np.asarray(log_siegert(mean, std, threshold=points, reset=reset, tau=tau,
                                  refractory=refractory))  # fmt: skip
    if draw == "quenched":
        return float(np.exp(logs) @ shares)
    if np.isneginf(logs[shares > 0]).any():
        return 0.0
    largest = float((-logs).max())
    return float(np.exp(-largest) / (np.exp(-logs - largest) @ shares))


def _interval_per_step(
    law: Law, mean: float, std: float, reset: float, tau: float, dt: float | None
) -> float:
    """Return the mean time [s] from the reset to a spike if thresholds are drawn in every step."""
    if dt is None or not dt > 0:
        raise InputError(f"dt is {dt}; thresholds drawn per step need the length of a step")
    solution = (
        solve(Cell(mean, std, float(np.exp(-dt / tau)), law, True, reset)) if std > 0 else None
    )
    if solution is None:
        if mean + 8.5 * std < law.support[0]:
            return np.inf
        raise InputError(f"std {std:g} is too small for thresholds drawn in steps of {dt:g} s")
    with np.errstate(over="ignore"):
        return float(dt * np.exp(-solution.log_rate))


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
    dt: float | None = None,
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
        draw: "quenched", "per-spike" or "per-step".
        dt: as for `random_threshold_rate`.

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
            law, mean, std, reset=reset, tau=tau, refractory=refractory, draw=draw, dt=dt
        )

    def excess(log_rate: float) -> float:
        rate = float(np.exp(log_rate))
        return sent(rate) - rate

    fastest = 1 / refractory if refractory > 0 else 2000 / tau
    grid: FloatArray = np.linspace(np.log(_LOWEST), np.log(fastest), _POINTS.get(draw, 1))
    values = np.array([excess(x) for x in grid])
    points = []
    if values[0] <= 0:  # what so few spikes add to the drive cannot be told from none
        points.append(FixedPoint(sent(0.0), *free(0.0), True))
    for k in np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1])):
        root = float(np.exp(brentq(excess, grid[k], grid[k + 1], xtol=1e-13, rtol=1e-13)))
        points.append(FixedPoint(root, *free(root), bool(values[k] > values[k + 1])))
    return tuple(points)
