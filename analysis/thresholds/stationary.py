"""The membrane without reset: how often it lies above threshold, and how wide the gate stands.

dU = -(U - mean)/tau dt + std sqrt(2/tau) dW has the stationary law N(mean, std^2): the setting of
the threshold analysis in AHSAR (section 3). There r = P(U >= threshold) is taken for the rate,
G = E[psi'(U - threshold)] for the mean surrogate gradient, and G = p_U = -dr/dthreshold is said
to hold approximately. `gate_bias` says how approximately: it needs a surrogate of unit mass that
is narrow, width << std^2 / |threshold - mean|. With reset, r is not the rate: see `discrete_time`.

All arguments broadcast; std = 0 is the limit; std < 0 gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_ndtr, ndtr

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.thresholds.rockpool_surrogates import PeriodicExponential, StepPWL
from neurosim.analysis.thresholds.surrogates import (
    Atan,
    Box,
    Gaussian,
    Laplace,
    Sigmoid,
    Surrogate,
    Triangular,
    normal_density,
)
from neurosim.errors import InputError

Function = Callable[[FloatArray | float], FloatArray]

SURROGATES: dict[str, type[Surrogate]] = {
    "gaussian": Gaussian,
    "laplace": Laplace,
    "triangular": Triangular,
    "box": Box,
    "atan": Atan,
    "sigmoid": Sigmoid,
    "periodic-exponential": PeriodicExponential,
    "step-pwl": StepPWL,
}

__all__ = [
    "SURROGATES",
    "Atan",
    "Box",
    "Gaussian",
    "Laplace",
    "PeriodicExponential",
    "Sigmoid",
    "StepPWL",
    "Surrogate",
    "Triangular",
    "density",
    "exceedance",
    "gate",
    "gate_bias",
    "log_exceedance",
    "productive_band",
]


def exceedance(threshold: Numbers, mean: Numbers, std: Numbers) -> FloatArray:
    """Return r = P(U >= threshold)."""
    d, s = _distance(threshold, mean, std)
    with np.errstate(all="ignore"):
        return np.where(s == 0, (d <= 0) * 1.0, ndtr(-d / np.where(s == 0, 1.0, s)))[()]


def log_exceedance(threshold: Numbers, mean: Numbers, std: Numbers) -> FloatArray:
    """Return ln P(U >= threshold), finite where the probability underflows."""
    d, s = _distance(threshold, mean, std)
    with np.errstate(all="ignore"):
        limit = np.where(d <= 0, 0.0, -np.inf)
        return np.where(s == 0, limit, log_ndtr(-d / np.where(s == 0, 1.0, s)))[()]


def density(threshold: Numbers, mean: Numbers, std: Numbers) -> FloatArray:
    """Return p_U(threshold) = -dr/dthreshold, the density of the membrane at the threshold."""
    d, s = _distance(threshold, mean, std)
    with np.errstate(all="ignore"):
        limit = np.where(d == 0, np.inf, 0.0)
        return np.where(s == 0, limit, normal_density(d, np.where(s == 0, 1.0, s)))[()]


def gate(
    threshold: Numbers, mean: Numbers, std: Numbers, surrogate: str | Surrogate = "laplace"
) -> FloatArray:
    """Return G = E[psi'(U - threshold)], absolute error below 1e-12 for gates of order one.

    Args:
        threshold: where the spike is emitted.
        mean: of the membrane.
        std: of the membrane.
        surrogate: one of `SURROGATES` by name with its default width, or an instance.

    Raises:
        InputError: no surrogate has that name.
    """
    form = _surrogate(surrogate)
    theta, mu, s = broadcast(threshold, mean, std)
    with np.errstate(all="ignore"):
        spread = form.gate(theta, mu, np.where(s > 0, s, 1.0))
        value = np.where(s > 0, spread, form.derivative(mu, theta))
        return np.where(s >= 0, value, np.nan)[()]


def gate_bias(
    threshold: Numbers, mean: Numbers, std: Numbers, surrogate: str | Surrogate = "laplace"
) -> FloatArray:
    """Return G / p_U - 1, the relative error of calling the gate -dr/dthreshold.

    For a unit-mass surrogate of second moment m2 it starts as m2 (z^2 - 1) / (2 std^2), with
    z = (threshold - mean)/std; infinite where p_U underflows and G does not.
    """
    with np.errstate(all="ignore"):
        ratio = gate(threshold, mean, std, surrogate) / density(threshold, mean, std)
    return np.asarray(ratio - 1)[()]


def productive_band(
    mean: Numbers, std: Numbers, *, fraction: float = 0.5, surrogate: str | Surrogate | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the thresholds between which gate times rate exceeds a fraction of its maximum.

    AHSAR's "productive window": too high a threshold starves the neuron of spikes, too low a one
    moves it away from the gate. Without a surrogate the gate is p_U, and the band is
    mean + std z with z the two roots of Q(z) phi(z) = fraction max(Q phi). The band contains the
    maximum. Rockpool's surrogates carry a factor 1/threshold, which diverges at 0: for them the
    gate is taken in units of the threshold, and thresholds below std/20 are not searched.

    Args:
        mean: of the membrane.
        std: of the membrane, > 0.
        fraction: in (0, 1).
        surrogate: as for `gate`; None for p_U.

    Raises:
        InputError: `fraction` is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise InputError(f"productive_band: fraction is {fraction}; it lies between 0 and 1")
    mu, s = broadcast(mean, std)
    low, high = np.empty(mu.shape), np.empty(mu.shape)
    form = None if surrogate is None else _surrogate(surrogate)
    if form is None:
        z = _band(0.0, 1.0, None, fraction)
        low, high = mu + s * z[0], mu + s * z[1]
    else:
        for index in np.ndindex(mu.shape):
            low[index], high[index] = _band(float(mu[index]), float(s[index]), form, fraction)
    bad = ~(s > 0)
    return np.where(bad, np.nan, low)[()], np.where(bad, np.nan, high)[()]


def _band(mean: float, std: float, form: Surrogate | None, fraction: float) -> tuple[float, float]:
    """Return the ends of the interval around the maximum of gate times rate."""
    low, high = mean - 9 * std, mean + 9 * std
    scaled = isinstance(form, PeriodicExponential | StepPWL)
    if scaled:
        low = max(low, 0.05 * std)
    if not (std > 0 and high > low):
        return np.nan, np.nan

    def productivity(theta: FloatArray | float) -> FloatArray:
        opening = density(theta, mean, std) if form is None else gate(theta, mean, std, form)
        unit = theta if scaled else 1.0
        return np.asarray(unit * opening * exceedance(theta, mean, std))

    grid = np.linspace(low, high, 801)
    best = int(np.argmax(productivity(grid)))
    around = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    inner = minimize_scalar(
        lambda theta: -productivity(theta), bounds=around, options={"xatol": 1e-12 * std}
    )
    peak = max((float(inner.x), *around), key=productivity)  # which may lie at an end
    level = fraction * float(productivity(peak))
    return _crossing(productivity, peak, low, level), _crossing(productivity, peak, high, level)


def _crossing(function: Function, inside: float, outside: float, level: float) -> float:
    """Return the first point from `inside` towards `outside` where the function falls to level."""
    grid = np.linspace(inside, outside, 801)
    below = np.flatnonzero(function(grid) < level)
    if below.size == 0:
        return float(outside)
    near, far = grid[max(below[0] - 1, 0)], grid[below[0]]
    return float(brentq(lambda x: function(x) - level, near, far, xtol=1e-15 * abs(far - near)))


def _distance(threshold: Numbers, mean: Numbers, std: Numbers) -> tuple[FloatArray, FloatArray]:
    theta, mu, s = broadcast(threshold, mean, std)
    return theta - mu, np.where(s >= 0, s, np.nan)


def _surrogate(surrogate: str | Surrogate) -> Surrogate:
    if not isinstance(surrogate, str):
        return surrogate
    if surrogate not in SURROGATES:
        raise InputError(
            f"surrogate {surrogate!r} is not known; choose one of {', '.join(SURROGATES)}"
        )
    return SURROGATES[surrogate]()
