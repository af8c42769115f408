"""Laws from which a threshold is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from neurosim.analysis.arrays import FloatArray, Numbers, panels
from neurosim.errors import InputError

_TAIL = 1e-17
_MOST_PANELS = 400


class Law(Protocol):
    """What every law offers."""

    @property
    def mean(self) -> float:
        """Expectation."""
        ...

    @property
    def variance(self) -> float:
        """Variance."""
        ...

    @property
    def support(self) -> tuple[float, float]:
        """Interval that holds all but 1e-17 of the probability."""
        ...

    @property
    def kinks(self) -> FloatArray:
        """Where the survival function is not smooth."""
        ...

    def survival(self, v: Numbers) -> FloatArray:
        """Return P(threshold > v)."""
        ...

    def nodes(self, scale: float) -> tuple[FloatArray, FloatArray]:
        """Return points and probabilities that average functions smooth on that scale."""
        ...


@dataclass(frozen=True)
class Levels:
    """Finitely many levels, equally likely unless probabilities are given."""

    values: Sequence[float]
    probabilities: Sequence[float] | None = None
    _points: FloatArray = field(init=False, repr=False, compare=False)
    _shares: FloatArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        points = np.atleast_1d(np.asarray(self.values, dtype=np.float64))
        if points.ndim != 1 or points.size == 0 or not np.isfinite(points).all():
            raise InputError(f"Levels.values is {self.values}; give finite levels")
        shares = np.full(points.size, 1.0 / points.size)
        if self.probabilities is not None:
            shares = np.asarray(self.probabilities, dtype=np.float64)
            if shares.shape != points.shape or (shares < 0).any() or not shares.sum() > 0:
                raise InputError(
                    f"Levels.probabilities is {self.probabilities}; give one >= 0 for each of the "
                    f"{points.size} levels, not all 0"
                )
            shares = shares / shares.sum()
        order = np.argsort(points)
        object.__setattr__(self, "_points", points[order])
        object.__setattr__(self, "_shares", shares[order])

    @property
    def mean(self) -> float:
        """Expectation."""
        return float(self._points @ self._shares)

    @property
    def variance(self) -> float:
        """Variance."""
        return float((self._points - self.mean) ** 2 @ self._shares)

    @property
    def support(self) -> tuple[float, float]:
        """Lowest and highest level."""
        return float(self._points[0]), float(self._points[-1])

    @property
    def kinks(self) -> FloatArray:
        """Every level."""
        return self._points

    def survival(self, v: Numbers) -> FloatArray:
        """Return P(threshold > v)."""
        above = np.concatenate((np.cumsum(self._shares[::-1])[::-1], [0.0]))
        above[0] = 1.0
        return np.asarray(above[np.searchsorted(self._points, v, side="right")])

    def nodes(self, scale: float) -> tuple[FloatArray, FloatArray]:
        """Return the levels and their probabilities."""
        return self._points, self._shares


@dataclass(frozen=True)
class Uniform:
    """Uniform between two thresholds, ASPEN's continuous law."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InputError(f"Uniform({self.low}, {self.high}): low must lie below high")

    @property
    def mean(self) -> float:
        """Expectation."""
        return (self.low + self.high) / 2

    @property
    def variance(self) -> float:
        """Variance."""
        return (self.high - self.low) ** 2 / 12

    @property
    def support(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high

    @property
    def kinks(self) -> FloatArray:
        """Both ends."""
        return np.array([self.low, self.high])

    def survival(self, v: Numbers) -> FloatArray:
        """Return P(threshold > v)."""
        return np.clip((self.high - np.asarray(v)) / (self.high - self.low), 0.0, 1.0)

    def nodes(self, scale: float) -> tuple[FloatArray, FloatArray]:
        """Return Gauss-Legendre nodes on panels of at most 2.5 scales."""
        edges = _edges(self.low, self.high, 2.5 * scale)
        points, weights = panels(edges, 12)
        return points, weights / (self.high - self.low)


@dataclass(frozen=True)
class Gaussian:
    """Normal law of a threshold."""

    mean: float
    std: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.mean, self.std]).all() and self.std > 0):
            raise InputError(f"Gaussian({self.mean}, {self.std}): std must be positive")

    @property
    def variance(self) -> float:
        """Variance."""
        return self.std**2

    @property
    def support(self) -> tuple[float, float]:
        """Mean and 8.5 standard deviations to either side."""
        reach = -float(ndtri(_TAIL)) * self.std
        return self.mean - reach, self.mean + reach

    @property
    def kinks(self) -> FloatArray:
        """None but the ends of the support."""
        return np.array(self.support)

    def survival(self, v: Numbers) -> FloatArray:
        """Return P(threshold > v)."""
        return np.asarray(ndtr((self.mean - np.asarray(v)) / self.std))

    def nodes(self, scale: float) -> tuple[FloatArray, FloatArray]:
        """Return Gauss-Legendre nodes on panels that resolve the law and the scale."""
        points, weights = panels(_edges(*self.support, min(1.5 * self.std, 2.5 * scale)), 12)
        shares = weights * np.exp(-0.5 * ((points - self.mean) / self.std) ** 2)
        return points, shares / shares.sum()


@dataclass(frozen=True)
class Frozen:
    """Any frozen continuous law of scipy.stats."""

    law: Any

    @property
    def mean(self) -> float:
        """Expectation."""
        return float(self.law.mean())

    @property
    def variance(self) -> float:
        """Variance."""
        return float(self.law.var())

    @property
    def support(self) -> tuple[float, float]:
        """Interval that holds all but 1e-17 of the probability on either side."""
        low, high = self.law.support()
        return (
            float(low if np.isfinite(low) else self.law.ppf(_TAIL)),
            float(high if np.isfinite(high) else self.law.isf(_TAIL)),
        )

    @property
    def kinks(self) -> FloatArray:
        """Ends of the support."""
        return np.array(self.support)

    def survival(self, v: Numbers) -> FloatArray:
        """Return P(threshold > v)."""
        return np.asarray(self.law.sf(v), dtype=np.float64)

    def nodes(self, scale: float) -> tuple[FloatArray, FloatArray]:
        """Return Gauss-Legendre nodes between quantiles, on panels of at most 2.5 scales."""
        tails = np.array([1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.2, 0.35, 0.5])
        inner = np.concatenate((self.law.ppf(tails), self.law.isf(tails)))
        marks = np.unique(np.concatenate((self.kinks, inner)))
        pieces = [_edges(a, b, 2.5 * scale)[:-1] for a, b in itertools.pairwise(marks)]
        points, weights = panels(np.concatenate([*pieces, marks[-1:]]), 12)
        shares = weights * self.law.pdf(points)
        return points, shares / shares.sum()


def as_law(law: Any) -> Law:
    """Return one of this module's laws; numbers are one level, scipy's frozen laws are wrapped.

    Raises:
        InputError: it is neither.
    """
    if isinstance(law, Levels | Uniform | Gaussian | Frozen):
        return law
    if isinstance(law, int | float):
        return Levels([float(law)])
    if hasattr(law, "dist") and hasattr(law, "ppf"):
        if not hasattr(law, "pdf") or not hasattr(law.dist, "pdf"):
            low, high = law.ppf(_TAIL), law.isf(_TAIL)
            values = np.arange(low, high + 1)
            return Levels(list(values), list(law.pmf(values)))
        return Frozen(law)
    raise InputError(
        f"law {law!r} is no threshold law; give Uniform, Levels, Gaussian or scipy.stats' frozen"
    )


def _edges(low: float, high: float, length: float) -> FloatArray:
    """Cut an interval into equal panels of at most that length, and at most 400."""
    count = np.ceil((high - low) / length) if length > 0 else _MOST_PANELS
    return np.linspace(low, high, int(min(max(count, 1), _MOST_PANELS)) + 1)
