"""The integral of erfcx(-u), in which the rate of a leaky integrate-and-fire neuron is written.

    I(lower, upper) = int_lower^upper erfcx(-u) du,    erfcx(x) = exp(x^2) erfc(x).

With Dawson's function D and erfcx(-u) = 2 exp(u^2) - erfcx(u) all signs of the limits are one
formula,

    I = 2 exp(y^2) D(y) [y > 0] |_lower^upper  -  int_|lower|^|upper| erfcx(x) dx,

whose last integral is smooth in x, and over wide intervals in t = log(1 + x). Only two positive
limits close together cancel; there the scaled integrand erfc(-u) exp(u^2 - upper^2) is integrated
directly. Beyond x = 50 the asymptotic series of erfcx is integrated term by term. Derived here;
checked against mpmath. Intervals get as many Gauss-Legendre nodes as their width needs for an error
of 1e-16 (found with mpmath; the worst position counts).

Values are pairs (exponent, mantissa) that mean mantissa * exp(exponent), so nothing overflows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import dawsn, erfc, erfcx

from neurosim.analysis.arrays import FloatArray, Numbers, broadcast, gauss_legendre

Nodes = tuple[tuple[float, int], ...]

_SERIES_FROM = 50.0
_NODES = 20
_DAWSON_ONLY = 6.2  # from here exp(-upper^2) hides the second integral
_CHUNK = 1 << 14

_ERFCX_NODES = ((0.09, 5), (0.18, 6), (0.3, 7), (0.44, 8), (0.8, 10), (1.8, 14))
"""Up to which width in units of 1 + lower limit how many nodes integrate erfcx, from 0 to 50."""

_CLOSE_NODES = ((0.2, 6), (0.5, 8), (1.0, 10), (np.inf, 14))
"""Up to which width * max(upper, 1) how many nodes integrate between close positive limits."""


def scaled_integral(upper: Numbers, width: Numbers) -> tuple[FloatArray, FloatArray]:
    """Return exponent and mantissa of the integral of erfcx(-u) over [upper - width, upper].

    Args:
        upper: upper limit y, any size.
        width: length of the interval, > 0. It is asked for, rather than the lower limit, because
            the difference of two large limits would lose its digits.

    Returns:
        exponent, max(upper, 0)^2, and mantissa; relative error below 1e-14.
    """
    upper, width = broadcast(upper, width)
    b, w = upper.ravel(), width.ravel()
    mantissa = np.empty(b.size)
    with np.errstate(all="ignore"):
        for k in range(0, b.size, _CHUNK):
            mantissa[k : k + _CHUNK] = _mantissa(b[k : k + _CHUNK], w[k : k + _CHUNK])
        return np.maximum(upper, 0.0) ** 2, mantissa.reshape(upper.shape)


def scaled_erfcx(y: Numbers, scale: Numbers | None = None) -> tuple[FloatArray, FloatArray]:
    """Return exponent scale^2 and mantissa of erfcx(-y); scale >= y, by default max(y, 0)."""
    y = np.asarray(y, dtype=np.float64)
    s = np.maximum(y, 0.0) if scale is None else np.asarray(scale, dtype=np.float64)
    with np.errstate(all="ignore"):
        positive = np.exp(np.where(y == s, 0.0, (y - s) * (y + s))) * erfc(-y)
        other = np.exp(-s * s) * erfcx(-np.minimum(y, 0.0))
        return s**2, np.where(y > 0, positive, other)


def exp_square_integral(upper: Numbers, width: Numbers) -> FloatArray:
    """Return the integral of exp(u^2) over [upper - width, upper], times exp(-upper^2).

    For limits of one sign with |lower| > |upper| this may overflow to infinity.
    """
    b, w = broadcast(upper, width)
    a = b - w
    gap = w * (a + b)  # upper^2 - lower^2
    with np.errstate(all="ignore"):
        direct = dawsn(b) - np.exp(-gap) * dawsn(a)
        nodes, weights = gauss_legendre(_NODES)
        v = w[..., None] * nodes  # distance below the upper limit
        near = w * (np.exp(-v * (2 * b[..., None] - v)) @ weights)
    return np.where((np.abs(gap) < 2) & (w < 1), near, direct)


def _mantissa(b: FloatArray, w: FloatArray) -> FloatArray:
    a = b - w
    gap = w * (a + b)
    value = np.zeros_like(b)
    positive = b > 0
    if positive.any():
        close = positive & (a > 0) & (gap < 2)
        value[close] = _close(b[close], w[close])
        apart = positive & ~close
        bp, ap, gp = b[apart], a[apart], gap[apart]
        value[apart] = 2 * (dawsn(bp) - np.where(ap > 0, np.exp(-gp) * dawsn(ap), 0.0))
        kept = bp < _DAWSON_ONLY
        tail = _signed_erfcx_integral(ap[kept], bp[kept], w[apart][kept])
        value[np.flatnonzero(apart)[kept]] -= np.exp(-(bp[kept] ** 2)) * tail
    value[~positive] = -_signed_erfcx_integral(a[~positive], b[~positive], w[~positive])
    return value


def _close(b: FloatArray, w: FloatArray) -> FloatArray:
    """Two positive limits with upper^2 - lower^2 < 2: the scaled integrand itself."""
    value = np.full_like(b, np.nan)
    for where, order in _by_width(w * np.maximum(b, 1.0), _CLOSE_NODES):
        nodes, weights = gauss_legendre(order)
        upper, width = b[where], w[where]
        v = width[:, None] * nodes
        upper = upper[:, None]
        value[where] = width * ((erfc(v - upper) * np.exp(-v * (2 * upper - v))) @ weights)
    return value


def _by_width(width: FloatArray, table: Nodes) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the indices of the widths up to each limit of a table, with its number of nodes."""
    group = np.searchsorted([limit for limit, _ in table], width)
    for k, (_, order) in enumerate(table):
        where = np.flatnonzero(group == k)
        if where.size:
            yield where, order


def _signed_erfcx_integral(a: FloatArray, b: FloatArray, w: FloatArray) -> FloatArray:
    """Return int_|a|^|b| erfcx(x) dx; w = b - a is passed for its digits."""
    below, above = np.abs(a), np.abs(b)
    low = np.minimum(below, above)
    span = np.where((a < 0) & (b > 0), np.abs(below - above), w)
    value = np.zeros_like(low)
    smooth = np.flatnonzero(low < _SERIES_FROM)
    x0 = low[smooth]
    value[smooth] = _erfcx_integral(x0, np.minimum(span[smooth], _SERIES_FROM - x0))
    far = low + span > _SERIES_FROM
    if far.any():
        x0 = np.maximum(low[far], _SERIES_FROM)
        value[far] += _series(x0, span[far] - (x0 - low[far]))
    return np.where(above >= below, value, -value)


def _erfcx_integral(x: FloatArray, span: FloatArray) -> FloatArray:
    """Return int_x^(x + span) erfcx where 0 <= x and x + span <= 50.

    In ascending order of x: erfcx branches on its argument, and takes half the time where
    neighbours take the same branch.
    """
    ascending = np.argsort(x)
    x, span = x[ascending], span[ascending]
    ratio = span / (1 + x)
    value = np.full_like(x, np.nan)
    for where, order in _by_width(ratio, (*_ERFCX_NODES, (np.inf, 0))):
        start = x[where]
        if order:
            nodes, weights = gauss_legendre(order)
            width = span[where]
            integral = weights @ erfcx(start + nodes[:, None] * width)
        else:  # in t = log(1 + x)
            nodes, weights = gauss_legendre(_NODES)
            width = np.log1p(ratio[where])
            stretch = (1 + start) * np.exp(nodes[:, None] * width)  # 1 + x
            integral = weights @ (erfcx(stretch - 1) * stretch)
        value[ascending[where]] = width * integral
    return value


def _series(x: FloatArray, span: FloatArray) -> FloatArray:
    """Return int_x^(x + span) erfcx for x >= 50 from the asymptotic series."""
    ratio = np.log1p(span / x)
    value = ratio.copy()
    coefficient = 1.0
    for n in range(1, 6):
        coefficient *= -(2 * n - 1) / 2
        value -= coefficient / (2 * n) * x ** (-2.0 * n) * np.expm1(-2 * n * ratio)
    return np.asarray(value / np.sqrt(np.pi))
