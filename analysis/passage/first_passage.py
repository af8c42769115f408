"""When the membrane first reaches the threshold.

    dV = -(V - mean)/tau dt + std sqrt(2/tau) dW,  V(0) = start,  T = first time V >= threshold.

The threshold is a number, or a function of time in seconds. `neurons` asks for the first of so
many independent neurons, whose survival is the single one's to that power. Times in seconds.
Elements without a law (std <= 0, tau <= 0, start >= threshold) give NaN, and so do starts within
0.3 std of the threshold and means thousands of std above it, which the solver does not resolve
(`moments` of one neuron does).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.hermite import log_ratio
from neurosim.analysis.firing_rate.white_noise import siegert
from neurosim.analysis.passage.passage_law import Boundary, PassageLaw, constant, moving
from neurosim.errors import InputError

Threshold = Numbers | Boundary


def density(
    t: Numbers,
    threshold: Threshold,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers,
    *,
    neurons: float = 1,
    steps: int | None = None,
) -> FloatArray:
    """Return the density of T [1/s] at the times t.

    A Volterra equation with end-corrected quadrature (`volterra`): the error is below 1e-8 of the
    peak, on 2000 steps or, for starts within a std of a moving threshold, more.

    Args:
        t: times [s].
        threshold: a number (broadcast like the rest) or a smooth function of time [s]; then mean,
            std, tau and start are single numbers.
        mean: of the free membrane.
        std: of the free membrane.
        tau: membrane time constant [s].
        start: potential at time 0, below the threshold.
        neurons: size of the population whose first passage is meant.
        steps: grid steps for a moving threshold, from 0 to the latest t; by default as many as
            resolve the earliest passages, at least 2000 and at most 16,000 (10 s), else NaN.

    Raises:
        InputError: a moving threshold with arrays of parameters, or its values are not finite.
    """
    return _ask(PassageLaw.density, t, threshold, (mean, std, tau, start), neurons, steps)


def survival(
    t: Numbers,
    threshold: Threshold,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers,
    *,
    neurons: float = 1,
    steps: int | None = None,
) -> FloatArray:
    """Return P(T > t); arguments as for `density`. Absolute error below 1e-8."""
    return _ask(PassageLaw.survival, t, threshold, (mean, std, tau, start), neurons, steps)


def quantile(
    p: Numbers,
    threshold: Threshold,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers,
    *,
    neurons: float = 1,
    steps: int | None = None,
    horizon: float | None = None,
) -> FloatArray:
    """Return the time [s] by which the threshold has been reached with probability p.

    Args:
        p: probabilities.
        threshold: as for `density`, like all that follow.
        mean: of the free membrane.
        std: of the free membrane.
        tau: membrane time constant [s].
        start: potential at time 0.
        neurons: size of the population.
        steps: grid steps for a moving threshold.
        horizon: for a moving threshold, the latest time looked at [s] (default 20 tau); quantiles
            beyond it are NaN.
    """
    return _ask(PassageLaw.quantile, p, threshold, (mean, std, tau, start), neurons, steps, horizon)


def moments(
    order: int,
    threshold: Numbers,
    mean: Numbers,
    std: Numbers,
    tau: Numbers,
    start: Numbers,
    *,
    neurons: float = 1,
) -> FloatArray:
    """Return E[T^order] [s^order] for a constant threshold.

    For one neuron from the Laplace transform of T (`hermite`): its Taylor coefficient at 0 by
    Cauchy's integral on 64 points, relative error below 1e-10 for order <= 6. For more neurons by
    integrating the survival function (1e-6). Infinite where it overflows.

    Raises:
        InputError: `order` is not a whole number >= 1.
    """
    if order != int(order) or order < 1:
        raise InputError(f"moments: order is {order}; it is a whole number >= 1")
    theta, mu, s, tau_m, v = broadcast(threshold, mean, std, tau, start)
    valid = (s > 0) & (tau_m > 0) & (v < theta)
    if neurons == 1:
        return np.where(valid, _laplace_moment(int(order), theta, mu, s, tau_m, v), np.nan)[()]
    value = np.full(theta.shape, np.nan)
    for i in np.ndindex(theta.shape):
        if valid[i]:
            law = constant(*(float(a[i]) for a in (theta, mu, s, tau_m, v)))
            value[i] = law.moment(int(order), neurons) if law else np.nan
    return value[()]


def _laplace_moment(
    order: int, theta: FloatArray, mu: FloatArray, s: FloatArray, tau: FloatArray, v: FloatArray
) -> FloatArray:
    """Return order! (-1)^order times the Taylor coefficient of E[exp(-k T)]."""
    with np.errstate(all="ignore"):
        scale = np.sqrt(2) * s
        bottom, top = (v - mu) / scale, (theta - mu) / scale
        # The transform's nearest pole lies no closer than about the passage rate from below.
        far = np.minimum(np.minimum(bottom, 0.0), top - 1)
        radius = 0.25 * siegert(0.0, np.sqrt(0.5), threshold=top, reset=far, tau=1.0)
        turn = np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)
        k = radius[..., None] * turn
        transform = np.exp(-log_ratio(bottom[..., None], top[..., None], k)[0])
        coefficient = (transform * turn ** (-order)).mean(-1).real
        factorial = float(np.prod(np.arange(1.0, order + 1)))
        moment = (-1) ** order * factorial * coefficient * (tau / radius) ** order
        return np.where(radius > 0, moment, np.inf)


def _ask(
    question: Callable[[PassageLaw, FloatArray, float], FloatArray],
    x: Numbers,
    threshold: Threshold,
    parameters: tuple[Numbers, ...],
    neurons: float,
    steps: int | None,
    horizon: float | None = None,
) -> FloatArray:
    """Solve once for every distinct set of parameters and ask each for its share of x."""
    if callable(threshold):
        return _ask_moving(question, x, threshold, parameters, neurons, steps, horizon)
    points, *columns = broadcast(x, threshold, *parameters)
    value = np.full(points.shape, np.nan)
    rows = np.stack([column.ravel() for column in columns])
    sets, member = np.unique(rows, axis=1, return_inverse=True)
    member = member.reshape(points.shape)
    for j, (theta, mu, s, tau, v) in enumerate(sets.T.tolist()):
        if np.isfinite([theta, mu, s, tau, v]).all() and s > 0 and tau > 0 and v < theta:
            own = member == j
            longest = np.inf if question is PassageLaw.quantile else float(points[own].max())
            law = constant(theta, mu, s, tau, v, longest)
            value[own] = question(law, points[own], neurons) if law else np.nan
    return value[()]


def _ask_moving(
    question: Callable[[PassageLaw, FloatArray, float], FloatArray],
    x: Numbers,
    threshold: Boundary,
    parameters: tuple[Numbers, ...],
    neurons: float,
    steps: int | None,
    horizon: float | None,
) -> FloatArray:
    numbers = [np.asarray(p, dtype=np.float64) for p in parameters]
    if any(number.ndim for number in numbers):
        raise InputError(
            "first_passage: with a moving threshold, mean, std, tau and start are single numbers"
        )
    mean, std, tau, start = (float(number) for number in numbers)
    points = np.asarray(x, dtype=np.float64)
    asks_time = question is not PassageLaw.quantile
    longest = 20 * tau if horizon is None else horizon
    end = float(points.max()) if asks_time else longest
    if not (std > 0 and tau > 0 and end > 0 and start < float(threshold(np.zeros(1))[0])):
        return np.full(points.shape, np.nan)[()]
    law = moving(threshold, mean, std, tau, start, end, steps)
    if law is None:
        return np.full(points.shape, np.nan)[()]
    value = question(law, points, neurons)
    if not asks_time:
        mass = -np.expm1(np.log1p(-np.minimum(points, 1 - 1e-16)) / neurons)
        value = np.where(mass <= 1 - law.survivors, value, np.nan)
    return np.asarray(value)[()]
