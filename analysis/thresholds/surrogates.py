"""Surrogate derivatives and their mean over a Gaussian membrane: the gradient gate.

A surrogate psi' stands for the derivative of the spike in backpropagation. Its gate is
G = E[psi'(U - threshold)], U Gaussian with given mean and std. Widths are in units of U, gates in
1/unit. Notation of the formulas: d = threshold - mean, s = std, Q(z) = P(xi > z),
J(x) = int_x^inf Q(u/s) du. All were derived here and checked against quadrature; where a
formula cancels (narrow surrogates), Gauss-Legendre quadrature of the surrogate replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import erfc, erfcx, ndtr, wofz

from neurosim.analysis.arrays import FloatArray, gauss_legendre

SQRT2 = float(np.sqrt(2))

_ROWS = 1 << 9
"""Elements at once in quadratures of many nodes, so that a block stays in the cache."""


class Surrogate(Protocol):
    """A surrogate derivative."""

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        ...

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi'] for std > 0."""
        ...


def normal_density(x: FloatArray, std: FloatArray) -> FloatArray:
    """Return the density of N(0, std^2) at x."""
    return np.asarray(np.exp(-0.5 * (x / std) ** 2) / (np.sqrt(2 * np.pi) * std))


def upper_integral(x: FloatArray, std: FloatArray) -> FloatArray:
    """Return J(x) = int_x^inf Q(u / std) du = std [phi(z) - z Q(z)], z = x / std."""
    z = x / std
    far = np.maximum(z, 0.0)
    # for z > 0 factor exp(-z^2/2) out: both terms underflow together and nothing is lost early
    scaled = np.sqrt(2 / np.pi) - far * erfcx(far / SQRT2)
    tail = 0.5 * np.exp(-0.5 * far * far) * scaled
    near = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) - z * ndtr(-z)
    return np.asarray(std * np.where(z > 0, tail, near))


@dataclass(frozen=True)
class Gaussian:
    """Normal density of standard deviation `width`: G = N(d; 0, s^2 + width^2)."""

    width: float = 0.5

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        return normal_density(v - threshold, np.asarray(self.width))

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi']."""
        return normal_density(threshold - mean, np.hypot(std, self.width))


@dataclass(frozen=True)
class Laplace:
    """exp(-|x| / width) / (2 width), often called exponential.

    G = exp(-d^2/2s^2) [erfcx((s/w + d/s)/sqrt2) + erfcx((s/w - d/s)/sqrt2)] / 4w.
    """

    width: float = 0.5

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        return np.exp(-np.abs(v - threshold) / self.width) / (2 * self.width)

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi']."""
        x, r = (threshold - mean) / (SQRT2 * std), std / (SQRT2 * self.width)
        return (half_laplace(x, r) + half_laplace(-x, r)) / (2 * self.width)


@dataclass(frozen=True)
class Triangular:
    """Triangle of half base `width`: G = [J(d + w) - 2 J(d) + J(d - w)] / w^2."""

    width: float = 1.0

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        return np.maximum(1 - np.abs(v - threshold) / self.width, 0.0) / self.width

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi']."""
        d, w = threshold - mean, self.width
        ends = upper_integral(d + w, std) + upper_integral(d - w, std)
        wide = (ends - 2 * upper_integral(d, std)) / w**2
        nodes, weights = gauss_legendre(20)
        x = w * nodes
        pair = normal_density(d[..., None] + x, std[..., None])
        pair = pair + normal_density(d[..., None] - x, std[..., None])
        return np.where(w < 2 * std, pair @ (weights * (1 - nodes)), wide)


@dataclass(frozen=True)
class Box:
    """1 / (2 width) for |x| < width: G = [Q((d - w)/s) - Q((d + w)/s)] / 2w."""

    width: float = 0.5

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        return np.where(np.abs(v - threshold) < self.width, 1 / (2 * self.width), 0.0)

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi']."""
        d, w = np.abs(threshold - mean), self.width
        wide = (ndtr((w - d) / std) - ndtr((-w - d) / std)) / (2 * w)
        nodes, weights = gauss_legendre(20)
        x = w * (2 * nodes - 1)
        narrow = normal_density(d[..., None] + x, std[..., None]) @ weights
        return np.where(w < std, narrow, wide)


@dataclass(frozen=True)
class Atan:
    """Cauchy density of scale `width`: G = Re faddeeva((d + i w)/(s sqrt2)) / (s sqrt(2 pi))."""

    width: float = 0.5

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        x = v - threshold
        return self.width / (np.pi * (x * x + self.width**2))

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi']."""
        z = (threshold - mean + 1j * self.width) / (SQRT2 * std)
        return np.asarray(wofz(z).real / (np.sqrt(2 * np.pi) * std))


@dataclass(frozen=True)
class Sigmoid:
    """Derivative of the logistic function of that slope: k sig(k x) (1 - sig(k x)).

    No closed form. The trapezoidal rule converges exponentially; the narrower of the two
    densities (logistic, membrane) is taken as the measure.
    """

    slope: float = 4.0

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        e = np.exp(-np.abs(self.slope * (v - threshold)))
        return np.asarray(self.slope * e / (1 + e) ** 2)

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi']."""
        d, s = (a.ravel() for a in np.broadcast_arrays(threshold - mean, std))
        value = np.empty(d.size)
        narrow = self.slope * s < 3
        for rule, chosen in ((self._narrow, narrow), (self._wide, ~narrow)):
            rows = np.flatnonzero(chosen)
            for k in range(0, rows.size, _ROWS):
                own = rows[k : k + _ROWS]
                value[own] = rule(d[own, None], s[own, None])
        return value.reshape(np.broadcast_shapes(np.shape(threshold - mean), np.shape(std)))

    def _narrow(self, d: FloatArray, s: FloatArray) -> FloatArray:
        """Integrate over a membrane that is narrower than the surrogate; d, s (rows, 1)."""
        step = 0.17
        z = step * np.arange(-80, 81)
        values = self.derivative(s * z - d, np.zeros(()))
        return np.asarray(values @ (step / np.sqrt(2 * np.pi) * np.exp(-0.5 * z * z)))

    def _wide(self, d: FloatArray, s: FloatArray) -> FloatArray:
        """Integrate over a surrogate that is narrower than the membrane; d, s (rows, 1)."""
        x = np.asarray(0.5 / self.slope * np.arange(-84, 85), dtype=np.float64)
        weights = 0.5 / self.slope * self.derivative(x, np.zeros(()))
        return np.asarray(normal_density(d + x, s) @ weights)


def half_laplace(x: FloatArray, r: FloatArray | float) -> FloatArray:
    """Return int_0^inf exp(-u/w) N(a + u) du = exp(-x^2) erfcx(x + r) / 2, never overflowing.

    x = (a - mean)/(sqrt2 s), r = s/(sqrt2 w).
    """
    y = x + r
    left = np.exp(np.where(y < 0, r * (r + 2 * x), 0.0)) * erfc(np.minimum(y, 0.0))
    return np.where(y < 0, left, np.exp(-x * x) * erfcx(np.maximum(y, 0.0))) / 2
