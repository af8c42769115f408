"""Firing rate of the leaky integrate-and-fire neuron in white noise, and what follows from it.

    dV = -(V - mean)/tau dt + std sqrt(2/tau) dW;  at V = threshold a spike, then V = reset for
    the time `refractory`.

`std` is the standard deviation that V would have without a threshold; Siegert (1951), Brunel
(2000) and NNMT write sigma = sqrt(2) std. With y = (V - mean)/(sqrt(2) std) the rate is

    1/nu = refractory + tau sqrt(pi) int_{y_reset}^{y_threshold} erfcx(-u) du.

Voltages in one unit of the user's choice, times in seconds, rates in Hz. All arguments broadcast.
An element outside the model (std < 0, tau <= 0, reset >= threshold) gives NaN, never an error.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast
from neurosim.analysis.firing_rate.erfcx_differences import scaled_differences
from neurosim.analysis.firing_rate.siegert_integral import scaled_erfcx, scaled_integral

__all__ = ["Gradient", "gradient", "log_gradient", "log_siegert", "siegert"]


class Gradient(NamedTuple):
    """Derivatives with respect to three parameters."""

    threshold: FloatArray
    mean: FloatArray
    std: FloatArray


def siegert(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
) -> FloatArray:
    """Return the firing rate in Hz (Siegert 1951, Phys. Rev. 81:617; Brunel 2000, eq. 21).

    Args:
        mean: stationary mean of the free membrane potential.
        std: its standard deviation; 0 is the noiseless neuron.
        threshold: above `reset`.
        reset: potential after a spike.
        tau: membrane time constant [s].
        refractory: dead time after a spike [s].

    Returns:
        Rate [Hz], relative error below 1e-12; 0 where it underflows (see `log_siegert`).
    """
    return np.asarray(np.exp(_log_rate(mean, std, threshold, reset, tau, refractory)))[()]


def log_siegert(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
) -> FloatArray:
    """Return the natural logarithm of `siegert`, finite where the rate itself underflows."""
    return _log_rate(mean, std, threshold, reset, tau, refractory)[()]


def log_gradient(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
) -> Gradient:
    """Return the derivatives of ln(rate) with respect to threshold, mean and std.

    With free = 1 - nu refractory, I the integral of the module's formula and e(y) = erfcx(-y),

        d ln nu / d threshold = -free e(y_threshold) / (I sqrt(2) std)
        d ln nu / d mean      =  free [e(y)] / (I sqrt(2) std)
        d ln nu / d std       =  free [y e(y)] / (I std),

    brackets being the difference between threshold and reset. Derived here by differentiating
    the limits of the integral. Relative error below 1e-11, mean-driven as well.
    """
    values = broadcast(mean, std, threshold, reset, tau, refractory)
    mu, s, theta, v_reset, tau_m, dead = _valid(*values)
    noiseless = s == 0
    with np.errstate(all="ignore"):
        scale = np.sqrt(2) * np.where(noiseless, 1.0, s)
        y, width = (theta - mu) / scale, (theta - v_reset) / scale
        exponent, integral = scaled_integral(y, width)
        free = integral / (integral + dead / (tau_m * np.sqrt(np.pi)) * np.exp(-exponent))
        top = scaled_erfcx(y)[1]
        first, second = scaled_differences(y, width)
        gain = free / (integral * scale)
        noisy = Gradient(-gain * top, gain * first, np.sqrt(2) * gain * second)
        drift = np.where(mu > theta, mu - theta, np.nan)
        passage = np.log1p((theta - v_reset) / drift)
        gain = 1 / (passage + dead / tau_m)
        limit = (-gain / drift, gain / drift - gain / (mu - v_reset), np.zeros_like(s))
        parts = (np.where(noiseless, a, b)[()] for a, b in zip(limit, noisy, strict=True))
    return Gradient(*parts)


def gradient(
    mean: Numbers,
    std: Numbers,
    *,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers = 0.0,
) -> Gradient:
    """Return the derivatives of the rate [Hz per unit] with respect to threshold, mean and std."""
    arguments = {"threshold": threshold, "reset": reset, "tau": tau, "refractory": refractory}
    rate = siegert(mean, std, **arguments)
    logs = log_gradient(mean, std, **arguments)
    return Gradient(*(np.where(rate == 0, 0.0, rate * part)[()] for part in logs))


def _log_rate(
    mean: Numbers,
    std: Numbers,
    threshold: Numbers,
    reset: Numbers,
    tau: Numbers,
    refractory: Numbers,
) -> FloatArray:
    values = broadcast(mean, std, threshold, reset, tau, refractory)
    mu, s, theta, v_reset, tau_m, dead = _valid(*values)
    noiseless = s == 0
    with np.errstate(all="ignore"):
        scale = np.sqrt(2) * np.where(noiseless, 1.0, s)
        exponent, integral = scaled_integral((theta - mu) / scale, (theta - v_reset) / scale)
        passage = tau_m * np.sqrt(np.pi) * integral
        noisy = -exponent - np.log(dead * np.exp(-exponent) + passage)
        if not noiseless.any():
            return np.asarray(noisy)
        drift = np.where(mu > theta, mu - theta, 0.0)
        limit = -np.log(dead + tau_m * np.log1p((theta - v_reset) / drift))
        return np.where(noiseless, limit, noisy)


def _valid(*values: FloatArray) -> tuple[FloatArray, ...]:
    """Replace by NaN what the model has no rate for."""
    _, std, threshold, reset, tau, refractory = values
    bad = ~((std >= 0) & (threshold > reset) & (tau > 0) & (refractory >= 0))
    if not bad.any():
        return values
    return tuple(np.where(bad, np.nan, value) for value in values)
