"""Where the firing rate is convex in the threshold: the sign of what randomising does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar, root_scalar

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.erfcx_differences import flat_part
from neurosim.analysis.firing_rate.siegert_integral import scaled_erfcx, scaled_integral


class ConcaveBand(NamedTuple):
    """Thresholds between which the rate is concave; NaN where it is convex throughout."""

    low: FloatArray
    high: FloatArray


def convexity_boundary(
    mean: Numbers,
    std: Numbers,
    *,
    reset: Numbers | None = None,
    tau: Numbers = 1.0,
    refractory: Numbers = 0.0,
) -> ConcaveBand:
    """Return the thresholds between which randomising lowers the rate, for narrow laws.

    A narrow law of variance v changes the rate by v nu''(threshold)/2. Without reset (None) the
    rate is r = P(U >= threshold), concave for threshold < mean. With reset, writing
    e(y) = erfcx(-y) and I for Siegert's integral from y_reset to y (derived here),

        nu'' < 0   iff   (I(y) + refractory/(tau sqrt(pi))) e'(y) > 2 e(y)^2,

    which holds in one interval of thresholds around the mean, or nowhere: without refractory
    period the rate is convex throughout unless the mean lies far enough above the reset
    (`critical_reset_distance`).

    Args:
        mean: of the free membrane.
        std: of the free membrane, > 0.
        reset: potential after a spike, or None.
        tau: membrane time constant [s]; only refractory/tau matters.
        refractory: dead time [s].
    """
    if reset is None:
        mu, s = broadcast(mean, std)
        bad = ~(s > 0)
        return ConcaveBand(np.where(bad, np.nan, -np.inf)[()], np.where(bad, np.nan, mu)[()])
    mu, s, v_reset, tau_m, dead = broadcast(mean, std, reset, tau, refractory)
    low, high = np.full(mu.shape, np.nan), np.full(mu.shape, np.nan)
    for index in np.ndindex(mu.shape):
        scale = np.sqrt(2) * s[index]
        if scale > 0 and tau_m[index] > 0 and dead[index] >= 0:
            bottom = (v_reset[index] - mu[index]) / scale
            band = _band(float(bottom), float(dead[index] / tau_m[index]) / np.sqrt(np.pi))
            low[index], high[index] = mu[index] + scale * np.asarray(band)
    return ConcaveBand(low[()], high[()])


def critical_reset_distance(refractory_ratio: float = 0.0) -> float:
    """Return (mean - reset)/std above which a concave band exists; -inf if it always does.

    At the critical distance the band is one point. As I(y_reset, y) = I(0, y) + I(y_reset, 0),
    that point maximises I(0, y) - 2 e^2/e', the same for all resets.

    Args:
        refractory_ratio: refractory period over tau.
    """
    dead = refractory_ratio / np.sqrt(np.pi)

    best = minimize_scalar(
        lambda y: _needed(y) - _from_zero(y), bounds=(-6.0, 3.0), options={"xatol": 1e-12}
    )
    missing = float(best.fun) - dead  # what I(y_reset, 0) must reach
    if missing <= -_from_zero(float(best.x)):
        return -np.inf
    solution = root_scalar(lambda y: -_from_zero(y) - missing, bracket=(-1e6, 10.0), xtol=1e-14)
    return float(-np.sqrt(2) * solution.root)


def _from_zero(y: float) -> float:
    """Return int_0^y erfcx(-u) du with its sign."""
    upper, width = max(y, 0.0), abs(y)
    exponent, mantissa = scaled_integral(upper, max(width, 1e-300))
    return float(np.sign(y) * mantissa * np.exp(exponent))


def _needed(y: float) -> float:
    """Return 2 e(y)^2 / e'(y), the integral above which the rate is concave at y."""
    exponent, e = scaled_erfcx(y)
    return float(e * e / flat_part(np.asarray(y)) * np.exp(exponent))


def _concavity(y: FloatArray, bottom: float, dead: float) -> FloatArray:
    """Return (I + dead) e' - 2 e^2, times a positive factor."""
    exponent, integral = scaled_integral(y, y - bottom)
    e = scaled_erfcx(y)[1]
    with np.errstate(under="ignore"):
        return np.asarray((integral + dead * np.exp(-exponent)) * flat_part(y) - e * e)


def _band(bottom: float, dead: float) -> tuple[float, float]:
    """Return the ends of the concave interval in y."""
    top = max(8.0, bottom + 1.0)
    grid = np.sinh(np.linspace(np.arcsinh(bottom), np.arcsinh(top), 4001))[1:]
    concave = np.flatnonzero(_concavity(grid, bottom, dead) > 0)
    if concave.size == 0:
        return np.nan, np.nan
    first, last = int(concave[0]), int(concave[-1])

    def root(a: float, b: float) -> float:
        solution = root_scalar(
            lambda y: float(_concavity(np.asarray(y), bottom, dead)), bracket=(a, b), xtol=1e-14
        )
        return float(solution.root)

    low = bottom if first == 0 else root(float(grid[first - 1]), float(grid[first]))
    high = (
        float(grid[-1]) if last == grid.size - 1 else root(float(grid[last]), float(grid[last + 1]))
    )
    return low, high
