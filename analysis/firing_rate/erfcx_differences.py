"""Differences of erfcx(-y) and y erfcx(-y) between two limits, without cancellation.

They carry the derivatives of the Siegert rate. Mean-driven (both limits far below zero) both
functions are flat, and the plain difference loses all digits; there, from

    erfcx(x) = (x / pi) int exp(-t^2) / (t^2 + x^2) dt    (Abramowitz and Stegun 7.1.4),

the differences become integrals that the trapezoidal rule gives to machine precision:

    [erfcx(-y)]_a^b   = (w / pi) int exp(-t^2) (x1 x2 - t^2) / ((t^2 + x1^2)(t^2 + x2^2)) dt,
    [y erfcx(-y)]_a^b = (w / pi) int exp(-t^2) t^2 (x1 + x2) / ((t^2 + x1^2)(t^2 + x2^2)) dt,

with x1 = -b, x2 = -a, w = b - a. Close limits elsewhere: Gauss-Legendre on the derivative.
"""

from __future__ import annotations

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast, gauss_legendre
from neurosim.analysis.firing_rate.siegert_integral import scaled_erfcx

_DEEP = -2.0
_STEP = 0.25
_T = _STEP * np.arange(26)
_WEIGHT = np.where(_T == 0, 1.0, 2.0) * _STEP / np.pi * np.exp(-(_T**2))


def scaled_differences(upper: Numbers, width: Numbers) -> tuple[FloatArray, FloatArray]:
    """Return [erfcx(-y)] and [y erfcx(-y)] over [upper - width, upper], times exp(-b^2).

    b = max(upper, 0), the exponent that `scaled_integral` uses as well.
    """
    b, w = broadcast(upper, width)
    shape = b.shape
    b, w = b.ravel(), w.ravel()
    first, second = np.empty(b.size), np.empty(b.size)
    deep = b <= _DEEP
    close = ~deep & (w * np.maximum(np.abs(b), 1.0) < 0.5)
    direct = ~deep & ~close
    with np.errstate(all="ignore"):
        for where, route in ((deep, _trapezoid), (close, _quadrature), (direct, _direct)):
            if where.any():
                first[where], second[where] = route(b[where], w[where])
    return first.reshape(shape), second.reshape(shape)


def flat_part(y: FloatArray) -> FloatArray:
    """Return 1/sqrt(pi) + y erfcx(-y), half of erfcx(-y)'s derivative, times exp(-max(y, 0)^2)."""
    near = np.maximum(y, _DEEP)
    scale = np.maximum(y, 0.0)
    shallow = np.exp(-scale * scale) / np.sqrt(np.pi) + near * scaled_erfcx(near, scale)[1]
    square = np.minimum(y, _DEEP)[..., None] ** 2
    return np.where(y > _DEEP, shallow, (_T**2 / (_T**2 + square)) @ _WEIGHT)


def _trapezoid(b: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    near, far, t2 = -b[:, None], (w - b)[:, None], _T**2
    common = w[:, None] / (t2 + near * near) / (t2 + far * far)
    return (common * (near * far - t2)) @ _WEIGHT, (common * t2 * (near + far)) @ _WEIGHT


def _quadrature(b: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    nodes, weights = gauss_legendre(12)
    y = b[:, None] - w[:, None] * nodes
    scale = np.maximum(b, 0.0)[:, None]
    e = scaled_erfcx(y, scale)[1]
    flat = np.exp(-scale * scale) / np.sqrt(np.pi)
    slope = 2 * flat + 2 * y * e
    return w * (slope @ weights), w * ((e + y * slope) @ weights)


def _direct(b: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    scale = np.maximum(b, 0.0)
    top, bottom = (scaled_erfcx(y, scale)[1] for y in (b, b - w))
    return top - bottom, b * top - (b - w) * bottom
