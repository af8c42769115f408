"""Laplace transform of first-passage times of the Ornstein-Uhlenbeck process.

With y the potential in units of sqrt(2) std from its mean and times in units of tau, the time
from y0 to a boundary b >= y0 has E[exp(-k T)] = psi_k(y0) / psi_k(b), where psi_k is the
solution of psi'' = 2 y psi' + 2 k psi that decays to the left (Siegert 1951; Hermite function
H_{-k}(-y)). From psi_k' = 2 k psi_{k+1} (derived here):

    y < 0:   psi'/psi = 2 k R_k,  R_k = 1 / (-2 y + 2 (k + 1) R_{k+1}), a continued fraction;
    y > -2:  Taylor steps, stable because psi grows faster than the other solution.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurosim.analysis.arrays import Numbers, gauss_legendre
from neurosim.compiled import compiled

ComplexArray = npt.NDArray[np.complex128]

_START = -2.0
_ASYMPTOTIC = 100.0
_TERMS = 40


def log_ratio(
    start: Numbers, end: Numbers, rate: npt.ArrayLike
) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Return ln(psi(end)/psi(start)) and psi'/psi at start and at end.

    Args:
        start: y0.
        end: b >= y0; beyond 100 the ratio is given as infinite.
        rate: the complex k, in units of 1/tau, |k| > 0, real part not far below 0.
    """
    a, b, k = np.broadcast_arrays(
        np.asarray(start, dtype=np.float64),
        np.asarray(end, dtype=np.float64),
        np.asarray(rate, dtype=np.complex128),
    )
    out = np.empty((3, a.size), dtype=np.complex128)
    _all(a.ravel(), b.ravel(), k.ravel(), *gauss_legendre(32), out)
    return out[0].reshape(a.shape), out[1].reshape(a.shape), out[2].reshape(a.shape)


@compiled
def _all(a, b, k, nodes, weights, out):  # type: ignore[no-untyped-def]
    for i in range(a.size):
        out[0, i], out[1, i], out[2, i] = _one(a[i], b[i], k[i], nodes, weights)


@compiled
def _one(a, b, k, nodes, weights):  # type: ignore[no-untyped-def]
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(k.real) and np.isfinite(k.imag)):
        return complex(np.nan), complex(np.nan), complex(np.nan)
    log, slope_a = 0j, 0j
    if a > _ASYMPTOTIC:
        for j in range(nodes.size):
            log += weights[j] * (b - a) * _slope_right(a + (b - a) * nodes[j], k)
        return log, _slope_right(a, k), _slope_right(b, k)
    if a < _START:
        slope_a = _slope_left(a, k)
        stop = min(b, _START)
        span = np.log((1 - a) / (1 - stop))
        for j in range(nodes.size):
            x = (1 - stop) * np.exp(span * nodes[j])
            log += weights[j] * span * x * _slope_left(1 - x, k)
        if b <= _START:
            return log, slope_a, _slope_left(b, k)
        slope, y = _slope_left(_START, k), _START
    else:
        _, slope = _step_to(_START, a, k, _slope_left(_START, k))
        slope_a, y = slope, a
    if b > _ASYMPTOTIC:
        return complex(np.inf), slope_a, _slope_right(b, k)
    more, slope = _step_to(y, b, k, slope)
    return log + more, slope_a, slope


@compiled
def _slope_left(y, k):  # type: ignore[no-untyped-def]
    """Return psi'/psi at y <= -1 from the continued fraction, its tail in closed form."""
    x = -y
    terms = int(50 + 1200 / (x * x))
    r = 1 / (x + np.sqrt(x * x + 2 * (k + terms + 1)))
    for n in range(terms, 0, -1):
        r = 1 / (2 * x + 2 * (k + n) * r)
    return 2 * k * r


@compiled
def _slope_right(y, k):  # type: ignore[no-untyped-def]
    """Return psi'/psi = w at y >= 100 from w^2 = 2 y w + 2 k - w' (relative error 1e-8)."""
    root = np.sqrt(y * y + 2 * k)
    return y + np.sqrt(y * y + 2 * k - 1 - y / root)


@compiled
def _step_to(y, end, k, slope):  # type: ignore[no-untyped-def]
    """Advance psi'/psi from y to end; return the gain of ln psi as well."""
    log = 0j
    while y < end:
        h = min(0.5 / (1 + abs(y) + np.sqrt(abs(k))), end - y)
        before, now = 1 + 0j, slope  # Taylor coefficients n and n + 1
        growth, derivative, power = 0j, slope, 1.0
        for n in range(_TERMS):
            power *= h
            growth += now * power
            following = (2 * y * (n + 1) * now + (2 * n + 2 * k) * before) / ((n + 1) * (n + 2))
            derivative += (n + 2) * following * power
            before, now = now, following
        log += _log1p(growth)
        slope = derivative / (1 + growth)
        y = end if y + h >= end else y + h
    return log, slope


@compiled
def _log1p(z):  # type: ignore[no-untyped-def]
    return 0.5 * np.log1p(2 * z.real + abs(z) ** 2) + 1j * np.arctan2(z.imag, 1 + z.real)
