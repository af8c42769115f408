"""Slopes that stand for the derivative of a spike, in numba; `surrogates` states the formulas."""

from __future__ import annotations

import numpy as np

from neurosim.snn.kernels.floats import exp2_of_negative, part
from neurosim.snn.kernels.lanes import floor, greatest, least, select, size_of

HANDED_IN, PERIODIC_EXPONENTIAL, STEP_PWL, SIGMOID, ATAN, TRIANGULAR, GAUSSIAN = range(7)
"""How a spike passes a gradient on: by slopes handed in, or by a surrogate evaluated here."""

LOG2_E = float(np.log2(np.e))


@part
def slopes(surrogate, v, theta, limit, window, to):
    """Write the derivative (N,) of the spikes by the membrane v (N,)."""
    one = v.dtype.type(1)
    for n in range(v.size):
        to[n] = slope_at(surrogate, v[n], theta[n], one / theta[n], limit, window)


@part
def through_step_pwl(by_spikes, v, theta, window, g_v, g_spike):
    """Pass gradients through rockpool's StepPWL as it rounds them: divided by theta."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        g = (by_spikes[n] - g_v[n] * theta[n]) / theta[n]
        g = g if v[n] >= theta[n] - window else zero
        g_spike[n] = g
        g_v[n] += g


@part
def slope_at(surrogate, v, theta, per_theta, limit, window):
    """Return the derivative at the membrane v; per_theta is 1 / theta, all floats or Lanes."""
    if surrogate == PERIODIC_EXPONENTIAL:
        slope = exponential_slope(v, theta, per_theta, limit, type(limit)(LOG2_E) / window)
    elif surrogate == STEP_PWL:
        slope = _step_pwl(v, theta, per_theta, window)
    elif surrogate == SIGMOID:
        slope = _sigmoid(v, per_theta, limit, window)
    elif surrogate == ATAN:
        slope = _atan(v, per_theta, limit, window)
    elif surrogate == TRIANGULAR:
        slope = _triangular(v, per_theta, limit, window)
    else:
        slope = _gaussian(v, per_theta, limit, window)
    return slope


@part
def _distance(r, limit):
    """Return how far the membrane r = v/theta is from the nearest spike: 1, 2, ... limit."""
    half, one = type(limit)(0.5), type(limit)(1)
    u = r - half
    nearest = greatest(least(floor(u), limit - one), half - half)
    return size_of(u - nearest - half)


@part
def exponential_slope(v, theta, per_theta, limit, rate):
    """Return PeriodicExponential's slope of a neuron; rate is log2(e) / window."""
    d = _distance(v * per_theta, limit) * theta
    return exp2_of_negative(-d * rate) * per_theta


@part
def _step_pwl(v, theta, per_theta, window):
    return select(v >= theta - window, per_theta, window - window)


@part
def _sigmoid(v, per_theta, limit, window):
    one = type(limit)(1)
    rate, height = type(limit)(LOG2_E) / window, one / window
    e = exp2_of_negative(-_distance(v * per_theta, limit) * rate)
    return height * per_theta * e / ((one + e) * (one + e))


@part
def _atan(v, per_theta, limit, window):
    one = type(limit)(1)
    height = one / (window * type(limit)(np.pi))
    y = _distance(v * per_theta, limit) / window
    return height * per_theta / (one + y * y)


@part
def _triangular(v, per_theta, limit, window):
    one = type(limit)(1)
    height = one / window
    y = _distance(v * per_theta, limit) * height
    return height * per_theta * greatest(one - y, one - one)


@part
def _gaussian(v, per_theta, limit, window):
    one = type(limit)(1)
    rate = type(limit)(LOG2_E / 2) / (window * window)
    height = one / (window * type(limit)(np.sqrt(2 * np.pi)))
    d = _distance(v * per_theta, limit)
    return height * per_theta * exp2_of_negative(-d * d * rate)
