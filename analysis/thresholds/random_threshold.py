"""What drawing the threshold at random does to spiking.

ASPEN argues that random thresholds lower the expected spike probability by Jensen's inequality.
For r = P(U >= threshold) and any symmetric law of the same mean, the sign is

    sign(E[r] - r(law's mean)) = sign(law's mean - mean of U):

in the sparse regime (threshold above the mean drive) randomising RAISES spiking; it lowers it
only where the neuron spends most of its time above threshold. Against the law's lower edge as
baseline it always lowers it, which merely says that a higher threshold fires less. With reset
see `convexity.convexity_boundary`.

A draw can be quenched (kept for a trial, a batch) or annealed (new at every step); the two differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast, gauss_legendre
from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.discrete.membrane_chain import Cell, solve
from neurosim.analysis.firing_rate.white_noise import siegert
from neurosim.analysis.laws import Frozen, Gaussian, Law, Levels, Uniform, as_law
from neurosim.analysis.thresholds.convexity import (
    ConcaveBand,
    convexity_boundary,
    critical_reset_distance,
)
from neurosim.analysis.thresholds.stationary import exceedance
from neurosim.analysis.thresholds.surrogates import upper_integral
from neurosim.errors import InputError

__all__ = [
    "ConcaveBand",
    "Frozen",
    "Gaussian",
    "Law",
    "Levels",
    "PopulationRate",
    "Uniform",
    "as_law",
    "convexity_boundary",
    "critical_reset_distance",
    "expected_exceedance",
    "expected_rate",
    "jensen_gap",
    "matched_levels",
    "population_rate",
]

Rate = Callable[[FloatArray], FloatArray]

_RARE = 1e-20
_NEGLIGIBLE = 1e-17


def expected_exceedance(law: Law | Any, mean: Numbers, std: Numbers) -> FloatArray:
    """Return E[P(U >= threshold)] over the law; absolute error below 1e-12.

    Uniform(a, b): [J(a - mean) - J(b - mean)]/(b - a), J as in `surrogates`; Gaussian of standard
    deviation w: the exceedance at std' = hypot(std, w). Other laws by quadrature.

    Args:
        law: Uniform, Levels, Gaussian, a number, or a frozen law of scipy.stats.
        mean: of the membrane U.
        std: of the membrane U.
    """
    law = as_law(law)
    mu, s = broadcast(mean, std)
    if isinstance(law, Gaussian):
        return exceedance(law.mean, mu, np.where(s >= 0, np.hypot(s, law.std), np.nan))
    if isinstance(law, Uniform):
        return _uniform_exceedance(law, mu, s)[()]
    points, shares = law.nodes(_scale(s))
    return np.asarray(exceedance(points, mu[..., None], s[..., None]) @ shares)[()]


def jensen_gap(law: Law | Any, mean: Numbers, std: Numbers) -> FloatArray:
    """Return E[r(threshold)] - r(E[threshold]) for r = P(U >= threshold).

    Positive means that randomising at equal mean raises spiking. For reset use
    `expected_rate(law, ...)` minus the rate at the law's mean.
    """
    law = as_law(law)
    gap = expected_exceedance(law, mean, std) - exceedance(law.mean, mean, std)
    return np.asarray(gap)[()]


def expected_rate(
    law: Law | Any,
    mean: Numbers,
    std: Numbers,
    *,
    reset_to: Numbers = 0.0,
    tau: Numbers | None = None,
    refractory: Numbers = 0.0,
    decay: Numbers | None = None,
    reset: discrete_time.Reset = "hard",
    max_spikes: float = np.inf,
    draw: Literal["quenched", "annealed"] = "quenched",
) -> FloatArray:
    """Return the expected rate of a neuron with reset whose threshold follows the law.

    With `tau` the continuous-time rate in Hz, with `decay` the discrete-time rate in spikes per
    step. An annealed threshold is drawn at every step, so it needs `decay`: in continuous time a
    threshold that is redrawn ever faster acts like the lowest value of its law.

    Args:
        law: as for `expected_exceedance`; its support lies above `reset_to`.
        mean: of the free membrane.
        std: of the free membrane.
        reset_to: potential after a spike (hard reset).
        tau: membrane time constant [s].
        refractory: dead time [s], continuous time only.
        decay: exp(-dt/tau).
        reset: as for `discrete_time.rate`; annealed draws take "hard" and "soft".
        max_spikes: as for `discrete_time.rate`.
        draw: "quenched" (the average over fixed thresholds) or "annealed".

    Raises:
        InputError: not exactly one of `tau` and `decay` is given, or an annealed draw without
            `decay` or with reset "multi".
    """
    law = as_law(law)
    if (tau is None) == (decay is None):
        raise InputError("expected_rate: give tau (continuous time) or decay (steps), not both")
    if draw not in ("quenched", "annealed"):
        raise InputError(f"expected_rate: draw is {draw!r}; it is 'quenched' or 'annealed'")
    if draw == "annealed":
        if decay is None or reset == "multi":
            raise InputError(
                "expected_rate: annealed thresholds are drawn per step; give decay, and reset "
                "'hard' or 'soft'"
            )
        return _annealed(law, mean, std, decay, reset_to, reset == "hard")
    cell = (mean, std, reset_to, 1.0 if tau is None else tau, refractory)
    return _rate_moments(law, cell, decay, reset, max_spikes)[0][()]


class PopulationRate(NamedTuple):
    """Mean and standard deviation, over draws of the thresholds, of a population's mean rate."""

    mean: FloatArray
    std: FloatArray


def population_rate(
    law: Law | Any,
    mean: Numbers,
    std: Numbers,
    *,
    neurons: int,
    shared: bool,
    reset_to: Numbers = 0.0,
    tau: Numbers | None = None,
    refractory: Numbers = 0.0,
    decay: Numbers | None = None,
    reset: discrete_time.Reset = "hard",
    max_spikes: float = np.inf,
) -> PopulationRate:
    """Return how a population's mean rate varies from draw to draw of quenched thresholds.

    One threshold for the network or layer (`shared`) moves all its neurons together; one for
    each neuron averages out as 1/sqrt(neurons). The expectation is the same.

    Args:
        law: as for `expected_rate`, like all that follow.
        mean: of the free membrane.
        std: of the free membrane.
        neurons: size of the population.
        shared: whether its neurons share one threshold.
        reset_to: potential after a hard reset.
        tau: membrane time constant [s].
        refractory: dead time [s].
        decay: exp(-dt/tau).
        reset: kind of reset.
        max_spikes: most spikes in a step.
    """
    law = as_law(law)
    if (tau is None) == (decay is None):
        raise InputError("population_rate: give tau (continuous time) or decay (steps), not both")
    cell = (mean, std, reset_to, 1.0 if tau is None else tau, refractory)
    average, variance = _rate_moments(law, cell, decay, reset, max_spikes)
    return PopulationRate(average[()], np.sqrt(variance / (1 if shared else neurons))[()])


def matched_levels(count: int, low: float, high: float) -> Levels:
    """Return equally spaced levels with the mean and the variance of Uniform(low, high).

    Levels that include the end points have (count + 1)/(count - 1) times the continuous variance,
    so a comparison at equal range compares different variances. Here they are drawn in by
    sqrt((count - 1)/(count + 1)).

    Raises:
        InputError: fewer than two levels, or low >= high.
    """
    if count < 2:
        raise InputError(f"matched_levels: count is {count}; a variance needs two levels")
    law = Uniform(low, high)
    half = (high - low) / 2 * np.sqrt((count - 1) / (count + 1))
    return Levels(list(law.mean + half * np.linspace(-1, 1, count)))


def _uniform_exceedance(law: Uniform, mu: FloatArray, s: FloatArray) -> FloatArray:
    width = law.high - law.low
    nodes, weights = gauss_legendre(20)
    with np.errstate(all="ignore"):
        noise = np.where(s > 0, s, 1.0)
        wide = (upper_integral(law.low - mu, noise) - upper_integral(law.high - mu, noise)) / width
        points = law.low + width * nodes
        narrow = exceedance(points, mu[..., None], noise[..., None]) @ weights
        value = np.where(width < 2 * noise, narrow, wide)
        limit = np.clip((mu - law.low) / width, 0.0, 1.0)
        return np.where(s > 0, value, np.where(s == 0, limit, np.nan))


def _rate_moments(
    law: Law,
    cell: tuple[Numbers, Numbers, Numbers, Numbers, Numbers],
    decay: Numbers | None,
    reset: discrete_time.Reset,
    max_spikes: float,
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of the rate over the law, for (mean, std, reset, tau, dead time).

    Elements of like noise share the law's nodes, as many as the smallest noise among them needs.
    """
    mu, s, origin, tau, dead, a = broadcast(*cell, 0.0 if decay is None else decay)
    with np.errstate(all="ignore"):
        scale = s if decay is None else s * np.sqrt((1 - a) * (1 + a))
        alike = np.where(scale > 0, np.floor(2 * np.log2(scale)), -np.inf)
    average, variance = np.empty(mu.shape), np.empty(mu.shape)
    for octave in np.unique(alike):
        own = alike == octave
        points, shares = law.nodes(_scale(scale[own]))
        m, d, v, t, r, k = (array[own][:, None] for array in (mu, s, origin, tau, dead, a))
        if decay is None:
            rates = siegert(m, d, threshold=points, reset=v, tau=t, refractory=r)
        else:
            rates = _discrete_rates(points, shares, (m, d, k, v), reset, max_spikes)
        average[own] = rates @ shares
        variance[own] = (rates - average[own][:, None]) ** 2 @ shares
    return average, variance


def _discrete_rates(
    points: FloatArray,
    shares: FloatArray,
    cell: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    reset: discrete_time.Reset,
    max_spikes: float,
) -> FloatArray:
    """Return rates (cells, points) for (mean, std, decay, reset_to), each an array (cells, 1).

    A reset lowers V for all time to come, so a rate lies below the membrane's exceedance without
    reset. Thresholds that add less than 1e-17 of the expected rate even so get the rate 0.
    """
    mu, s, a, origin, theta = np.broadcast_arrays(*cell, points)
    rates = np.zeros(theta.shape)

    def fill(chosen: np.ndarray) -> None:
        rates[chosen] = discrete_time.rate(
            mu[chosen],
            s[chosen],
            threshold=theta[chosen],
            decay=a[chosen],
            reset=reset,
            reset_to=origin[chosen],
            max_spikes=max_spikes,
        )

    bound = exceedance(theta, mu, s)
    valid = theta > (origin if reset == "hard" else 0.0)
    likely = ~(valid & (bound < _RARE)) | (reset == "multi")
    fill(likely)
    average = (rates @ shares)[:, None]
    fill(~likely & ~(bound * shares < _NEGLIGIBLE * average / points.size))
    return rates


def _annealed(
    law: Law, mean: Numbers, std: Numbers, decay: Numbers, reset_to: Numbers, hard: bool
) -> FloatArray:
    arrays = broadcast(mean, std, decay, reset_to)
    value = np.full(arrays[0].shape, np.nan)
    for index in np.ndindex(value.shape):
        mu, s, a, origin = (float(array[index]) for array in arrays)
        floor = origin if hard else 0.0
        if np.isfinite([mu, s, a, origin]).all() and s > 0 and 0 <= a < 1:
            if law.support[0] <= floor:
                continue
            solution = solve(Cell(mu, s, a, law, hard, origin))
            value[index] = np.nan if solution is None else np.exp(solution.log_rate)
    return value[()]


def _scale(std: FloatArray) -> float:
    """Return the scale on which the rate varies with the threshold."""
    positive = std[std > 0]
    return float(positive.min()) if positive.size else 0.0
