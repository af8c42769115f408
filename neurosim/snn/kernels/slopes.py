"""Slopes that stand for the derivative of a spike, in numba; `surrogates` states the formulas."""

from __future__ import annotations

import numpy as np

from neurosim.snn.kernels.floats import exp2_of_negative, part

HANDED_IN, PERIODIC_EXPONENTIAL, STEP_PWL, SIGMOID, ATAN, TRIANGULAR, GAUSSIAN = range(7)
"""How a spike passes a gradient on: by slopes handed in, or by a surrogate evaluated here."""

LOG2_E = float(np.log2(np.e))


@part
def slopes(surrogate, v, theta, limit, window, to):
    """Write the derivative (N,) of the spikes by the membrane v (N,)."""
    if surrogate == PERIODIC_EXPONENTIAL:
        _periodic_exponential(v, theta, limit, window, to)
    elif surrogate == STEP_PWL:
        _step_pwl(v, theta, window, to)
    elif surrogate == SIGMOID:
        _sigmoid(v, theta, limit, window, to)
    elif surrogate == ATAN:
        _atan(v, theta, limit, window, to)
    elif surrogate == TRIANGULAR:
        _triangular(v, theta, limit, window, to)
    else:
        _gaussian(v, theta, limit, window, to)


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
def _distance(r, limit, half, one):
    """Return how far the membrane r = v/theta is from the nearest spike: 1, 2, ... limit."""
    u = r - half
    nearest = min(np.floor(u), limit - one)
    nearest = nearest if u >= half else half - half
    return abs(u - nearest - half)


@part
def exponential_slope(v, theta, limit, rate):
    """Return PeriodicExponential's slope of a neuron; rate is log2(e) / window."""
    half, one = type(rate)(0.5), type(rate)(1)
    per_theta = one / theta
    d = _distance(v * per_theta, limit, half, one) * theta
    return exp2_of_negative(-d * rate) * per_theta


@part
def _periodic_exponential(v, theta, limit, window, to):
    rate = v.dtype.type(LOG2_E) / window
    for n in range(v.size):
        to[n] = exponential_slope(v[n], theta[n], limit, rate)


@part
def _step_pwl(v, theta, window, to):
    one, zero = v.dtype.type(1), v.dtype.type(0)
    for n in range(v.size):
        slope = one / theta[n]
        to[n] = slope if v[n] >= theta[n] - window else zero


@part
def _sigmoid(v, theta, limit, window, to):
    half, one = v.dtype.type(0.5), v.dtype.type(1)
    rate, height = v.dtype.type(LOG2_E) / window, one / window
    for n in range(v.size):
        per_theta = one / theta[n]
        e = exp2_of_negative(-_distance(v[n] * per_theta, limit, half, one) * rate)
        to[n] = height * per_theta * e / ((one + e) * (one + e))


@part
def _atan(v, theta, limit, window, to):
    half, one = v.dtype.type(0.5), v.dtype.type(1)
    height = one / (window * v.dtype.type(np.pi))
    for n in range(v.size):
        per_theta = one / theta[n]
        y = _distance(v[n] * per_theta, limit, half, one) / window
        to[n] = height * per_theta / (one + y * y)


@part
def _triangular(v, theta, limit, window, to):
    half, one, zero = v.dtype.type(0.5), v.dtype.type(1), v.dtype.type(0)
    height = one / window
    for n in range(v.size):
        per_theta = one / theta[n]
        y = _distance(v[n] * per_theta, limit, half, one) * height
        to[n] = height * per_theta * max(one - y, zero)


@part
def _gaussian(v, theta, limit, window, to):
    half, one = v.dtype.type(0.5), v.dtype.type(1)
    rate = v.dtype.type(LOG2_E / 2) / (window * window)
    height = one / (window * v.dtype.type(np.sqrt(2 * np.pi)))
    for n in range(v.size):
        per_theta = one / theta[n]
        d = _distance(v[n] * per_theta, limit, half, one)
        to[n] = height * per_theta * exp2_of_negative(-d * d * rate)
