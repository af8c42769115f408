"""Coefficient of variation of interspike intervals, by a single integral."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import dawsn, erfc, erfcx

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast, gauss_legendre
from neurosim.analysis.firing_rate.siegert_integral import exp_square_integral, scaled_integral

_NEGLIGIBLE = 42.0  # exp(-42) < 1e-18
Bracket = Callable[[FloatArray], FloatArray]


def cv(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
) -> FloatArray:
    """Return the coefficient of variation of the interspike interval (arguments: `siegert`).

    Brunel (2000, appendix A) gives a double integral,

        CV^2 = 2 pi (nu tau)^2 int_a^b exp(x^2) int_-inf^x exp(z^2) erfc(-z)^2 dz dx,

    with a = y_reset and b = y_threshold. Exchanging the order and using Dawson's D for the
    integral of exp(x^2) leaves one (derived here):

        CV^2 = 2 pi (nu tau)^2 int_-inf^b exp(z^2) erfc(-z)^2 [exp(y^2) D(y)]_max(z,a)^b dz.

    It is split at 0 and at a, and every piece is scaled by its largest exponential. Relative
    error below 1e-10. 0 for a noiseless neuron that fires, NaN for one that does not.
    """
    mu, s, theta, v_reset, tau_m, dead = broadcast(mean, std, threshold, reset, tau, refractory)
    shape = mu.shape
    bad = ~((s >= 0) & (theta > v_reset) & (tau_m > 0) & (dead >= 0))
    noiseless = s == 0
    with np.errstate(all="ignore"):
        scale = np.sqrt(2) * np.where(noiseless, 1.0, s)
        b, width = ((theta - mu) / scale).ravel(), ((theta - v_reset) / scale).ravel()
        exponent, integral = scaled_integral(b, width)
        period = (dead / tau_m).ravel() * np.exp(-exponent) + np.sqrt(np.pi) * integral
        value = np.sqrt(2 * np.pi * _variance_integral(b, width)) / period
        limit = np.where(mu > theta, 0.0, np.nan)
    return np.where(bad, np.nan, np.where(noiseless, limit, value.reshape(shape)))[()]


def _variance_integral(b: FloatArray, width: FloatArray) -> FloatArray:
    """Return the integral over z, times exp(-2 max(b, 0)^2)."""
    a = b - width
    return _below_reset(a, b, width) + _negative(a, b) + _positive(np.maximum(a, 0.0), b)


def _below_reset(a: FloatArray, b: FloatArray, width: FloatArray) -> FloatArray:
    """Integrate over z < a, where the bracket is a constant."""
    top = np.maximum(b, 0.0)
    largest = np.maximum(np.abs(a), np.abs(b))
    bracket = exp_square_integral(largest, width)  # times exp(largest^2)
    bracket = np.where((a < 0) & (b > -a), exp_square_integral(b, width), bracket)
    edge = np.minimum(a, 0.0)
    nodes, weights = gauss_legendre(24)
    reach = _reach(-edge)
    v = reach[:, None] * nodes
    x = v - edge[:, None]
    tail = reach * ((np.exp(-v * (v - 2 * edge[:, None])) * erfcx(x) ** 2) @ weights)
    exponent = largest**2 - 2 * top**2
    value = bracket * tail * np.exp(exponent - edge**2)
    growing = a > 0
    if growing.any():
        ends = a[growing]
        rise = _growing(np.zeros_like(ends), ends, lambda z: np.ones_like(z))
        value[growing] += bracket[growing] * rise * np.exp(exponent[growing] + ends**2)
    return np.asarray(value)


def _negative(a: FloatArray, b: FloatArray) -> FloatArray:
    """Integrate over a < z < min(b, 0), in t = log(1 - z), boundary layer and rest apart."""
    low, high = np.maximum(-b, 0.0), np.maximum(-a, 0.0)
    middle = np.minimum(low + np.where(b > 0, 6.0, _reach(low)), high)
    top = np.maximum(b, 0.0)[:, None]
    nodes, weights = gauss_legendre(24)
    value = np.zeros_like(b)
    for start, end in ((low, middle), (middle, high)):
        span = np.log1p((end - start) / (1 + start))
        x = start[:, None] + (1 + start[:, None]) * np.expm1(span[:, None] * nodes)
        # exp(-z^2) [exp(y^2) D(y)]_z^b, both terms times exp(-2 top^2)
        bracket = dawsn(x) * np.exp(-2 * top**2)
        bracket += dawsn(b)[:, None] * np.exp((b * b)[:, None] - x * x - 2 * top**2)
        value += span * ((erfcx(x) ** 2 * bracket * (1 + x)) @ weights)
    return value


def _positive(start: FloatArray, b: FloatArray) -> FloatArray:
    """Integrate over start < z < b where 0 <= start < b."""
    value = np.zeros_like(b)
    some = b > 0
    if some.any():
        end = b[some, None]

        def bracket(z: FloatArray) -> FloatArray:
            gap = (end - z) * (end + z)
            return np.asarray(dawsn(end) - np.exp(-gap) * dawsn(z))

        value[some] = _growing(start[some], b[some], bracket)
    return value


def _growing(start: FloatArray, end: FloatArray, factor: Bracket) -> FloatArray:
    """Return int exp(z^2 - end^2) erfc(-z)^2 factor(z) dz for 0 <= start < end."""
    nodes, weights = gauss_legendre(32)
    below = _NEGLIGIBLE / (end + np.sqrt(np.maximum(end**2 - _NEGLIGIBLE, 0.0)))
    reach = np.where(end**2 > _NEGLIGIBLE, np.minimum(below, end - start), end - start)
    v = reach[:, None] * nodes
    z = end[:, None] - v
    weight = np.exp(-v * (end[:, None] + z)) * erfc(-z) ** 2
    return np.asarray(reach * ((weight * factor(z)) @ weights))


def _reach(x: FloatArray) -> FloatArray:
    """Return the distance v from x at which exp(x^2 - (x + v)^2) becomes negligible."""
    return np.asarray(_NEGLIGIBLE / (x + np.sqrt(x * x + _NEGLIGIBLE)))
