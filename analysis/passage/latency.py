"""How long until a spike, and until a decision, as the threshold rises.

    dV = -(V - mean)/tau dt + std sqrt(2/tau) dW from V(0) = start; T = first time V >= threshold.

A population of `neurons` independent alike neurons decides when `needed` of them have fired: by
time t with the probability that a binomial(neurons, P(T <= t)) is at least `needed`, which for the
first spike is 1 - survival^neurons. A layered net is a chain of such stages, each of which begins
when the one before has decided. Times in seconds; elements without a law give NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import betainc, betaincinv

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast, panels
from neurosim.analysis.passage import first_passage
from neurosim.errors import InputError

TAIL = 1e-12
"""Probability of later decisions that averages leave out."""


class Stage(NamedTuple):
    """One layer of a net: alike neurons and how many of them the next layer waits for."""

    threshold: float
    mean: float
    std: float
    tau: float
    """Membrane time constant [s]."""
    start: float = 0.0
    neurons: int = 1
    needed: int = 1


class Race(NamedTuple):
    """Which of several readout neurons fires first, and when."""

    winner: FloatArray
    """Probability of each neuron to be first, (n,); their sum is 1 unless time ran out."""
    decided: FloatArray
    """Probability that some neuron has fired by the times asked for."""
    mean_time: float
    """Mean time of the first spike of any [s]."""


def noiseless(threshold: Numbers, mean: Numbers, tau: Numbers, start: Numbers = 0.0) -> FloatArray:
    """Return the first-spike time without noise, tau ln((mean - start)/(mean - threshold)) [s].

    0 where the start has reached the threshold, infinite where the mean does not reach it.
    """
    theta, mu, tau_m, v = broadcast(threshold, mean, tau, start)
    with np.errstate(all="ignore"):
        time = tau_m * np.log1p((theta - v) / (mu - theta))
        return np.where(v >= theta, 0.0, np.where(mu > theta, time, np.inf))[()]


def noiseless_penalty(threshold: Numbers, mean: Numbers, tau: Numbers) -> FloatArray:
    """Return what a higher threshold costs without noise, dT/dthreshold = tau/(mean - threshold).

    In seconds per unit of threshold; infinite where the mean does not reach the threshold.
    """
    theta, mu, tau_m = broadcast(threshold, mean, tau)
    with np.errstate(all="ignore"):
        return np.where(mu > theta, tau_m / (mu - theta), np.inf)[()]


def survival(
    t: Numbers,
    threshold: Numbers,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers = 0.0,
    *,
    neurons: Numbers = 1,
    needed: Numbers = 1,
) -> FloatArray:
    """Return the probability that fewer than `needed` of `neurons` neurons have fired by t.

    Args:
        t: times [s].
        threshold: of each neuron.
        mean: of the free membrane.
        std: of the free membrane, > 0.
        tau: membrane time constant [s].
        start: potential when the input begins.
        neurons: sizes of the population, whole numbers >= 1.
        needed: spikes that make a decision.

    Raises:
        InputError: `needed` is not between 1 and `neurons`.
    """
    n, k = _check(neurons, needed)
    single = first_passage.survival(t, threshold, mean, std, tau, start)
    return np.asarray(betainc(n - k + 1, k, np.clip(single, 0.0, 1.0)))[()]


def quantile(
    p: Numbers,
    threshold: Numbers,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers = 0.0,
    *,
    neurons: Numbers = 1,
    needed: Numbers = 1,
) -> FloatArray:
    """Return the time [s] by which the decision has fallen with probability p.

    Arguments as for `survival`. The quantile of the k-th of n is that of one neuron at the
    quantile of a beta(k, n - k + 1) law.
    """
    n, k = _check(neurons, needed)
    q = np.asarray(p, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = -np.expm1(np.log1p(-q) / n)
    fired = np.where(k == 1, first, betaincinv(k, n - k + 1, q))
    return first_passage.quantile(fired, threshold, mean, std, tau, start)


def mean_time(
    threshold: Numbers,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers = 0.0,
    *,
    neurons: int = 1,
    needed: int = 1,
) -> FloatArray:
    """Return the mean decision time [s], arguments as for `survival`. Relative error below 1e-6."""
    _check(neurons, needed)
    if needed == 1:
        return first_passage.moments(1, threshold, mean, std, tau, start, neurons=neurons)
    columns = broadcast(threshold, mean, std, tau, start)
    value = np.full(columns[0].shape, np.nan)
    for index in np.ndindex(value.shape):
        theta, mu, s, tau_m, v = (float(c[index]) for c in columns)
        stage = Stage(theta, mu, s, tau_m, v, neurons, needed)
        times, weights = _time_nodes(stage)
        value[index] = weights @ survival(times, *stage[:5], neurons=neurons, needed=needed)
    return value[()]


def layered(t: Numbers, stages: Sequence[Stage], *, bins: int = 20_000) -> FloatArray:
    """Return the probability that a layered net has not decided by t, (shape of t).

    The latency is the sum of the stages' independent latencies; their laws are convolved on
    `bins` equal bins up to the latest t (error of second order in the bin's width).

    Raises:
        InputError: there is no stage.
    """
    if not stages:
        raise InputError("layered: stages is empty; give at least one Stage")
    times = np.asarray(t, dtype=np.float64)
    end = float(times.max(initial=0.0))
    if not end > 0:
        return np.ones(times.shape)[()]
    width = end / bins
    edges = width * np.arange(bins + 1)
    law = np.ones(1)
    for stage in stages:
        remaining = survival(edges, *stage[:5], neurons=stage.neurons, needed=stage.needed)
        law = fftconvolve(law, -np.diff(remaining))[:bins]
    # Masses sit in the middle of their bins: n of them add up to n half bins past the index sum.
    centres = width * (np.arange(law.size) + len(stages) / 2)
    passed = np.concatenate([[0.0], np.cumsum(law)])
    between = np.concatenate([[max(centres[0] - width / 2, 0.0)], centres + width / 2])
    return np.asarray(1 - np.interp(times, between, passed))[()]


def race(
    t: Numbers,
    threshold: Numbers,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers = 0.0,
) -> Race:
    """Return who wins when the first spike of several different neurons decides.

    Args:
        t: times [s] at which to say whether a decision has fallen.
        threshold: of each neuron, (n,) or one for all, like all that follow.
        mean: of the free membranes.
        std: of the free membranes.
        tau: membrane time constants [s].
        start: potentials when the input begins.
    """
    columns = [np.atleast_1d(c) for c in broadcast(threshold, mean, std, tau, start)]
    times = np.asarray(t, dtype=np.float64)
    quickest = min(
        (Stage(*row) for row in np.stack(columns, axis=-1).tolist()),
        key=lambda stage: float(quantile(1 - TAIL, *stage[:5])),
    )
    nodes, weights = _time_nodes(quickest)
    rows = [column[:, None] for column in columns]
    alive = first_passage.survival(nodes, *rows)
    density = first_passage.density(nodes, *rows)
    together = alive.prod(0)
    others = np.stack([np.delete(alive, i, axis=0).prod(0) for i in range(len(alive))])
    undecided = first_passage.survival(times.ravel(), *rows).prod(0).reshape(times.shape)
    return Race((density * others) @ weights, 1 - undecided, float(weights @ together))


def _time_nodes(stage: Stage) -> tuple[FloatArray, FloatArray]:
    """Return quadrature nodes [s] and weights up to where nobody is left, denser early."""
    law = stage[:5]
    options = {"neurons": stage.neurons, "needed": stage.needed}
    levels = np.array([1e-9, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1 - 1e-4, 1 - 1e-8])
    marks = quantile(np.append(levels, 1 - TAIL), *law, **options)
    points = np.concatenate([[0.0], marks])
    fine = np.interp(
        np.linspace(0, points.size - 1, 8 * points.size), np.arange(points.size), points
    )
    return panels(np.unique(fine), 8)


def _check(neurons: Numbers, needed: Numbers) -> tuple[FloatArray, FloatArray]:
    n, k = broadcast(neurons, needed)
    if not ((k >= 1) & (k <= n)).all():
        raise InputError(
            f"latency: needed is {needed!r}; it lies between 1 and neurons, {neurons!r}, everywhere"
        )
    return n, k
