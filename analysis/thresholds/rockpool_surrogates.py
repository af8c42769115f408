"""The two surrogate derivatives of rockpool, as its backward passes compute them.

They differ from the textbook forms that their names suggest: neither has unit mass.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from neurosim.analysis.arrays import FloatArray
from neurosim.analysis.thresholds.surrogates import SQRT2, half_laplace

_MOST_BUMPS = 20_000
_PAIRS = 1 << 15
"""Of membranes and bumps, about so many are computed at once."""


@dataclass(frozen=True)
class PeriodicExponential:
    """A Laplace bump exp(-|v - n threshold| / window) / threshold at every multiple n >= 1.

    Bump n reaches from (n - 1/2) to (n + 1/2) thresholds; the first one's left tail is infinite,
    and so is the right tail of the last, n = max_spikes. The gate is NaN where the membrane spans
    more than 20,000 bumps.
    """

    window: float = 0.5
    max_spikes: float = np.inf

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        n = np.clip(np.floor(v / threshold + 0.5), 1, self.max_spikes)
        return np.exp(-np.abs(v - n * threshold) / self.window) / threshold

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi'] as a sum over the bumps that the membrane reaches."""
        theta, mu, s = np.broadcast_arrays(threshold, mean, std)
        total = self._half(theta, np.full_like(theta, np.inf), theta, -mu + 2 * theta, s)
        most = np.minimum(np.maximum(np.ceil((mu + 9.5 * s) / theta), 1), self.max_spikes)
        first = np.clip(np.floor((mu - 9.5 * s) / theta), 1, most)
        spanned = most - first
        few = spanned <= _MOST_BUMPS
        bumps = np.where(few, spanned + 1, 0).astype(np.int64).ravel()
        theta, mu, s, first, most = (a.ravel() for a in (theta, mu, s, first, most))
        sums = np.zeros(bumps.size)
        group = np.cumsum(bumps) // _PAIRS
        edges = (*np.flatnonzero(np.diff(group, prepend=-1)), bumps.size)
        for start, end in pairwise(edges):
            own = slice(start, end)
            member = np.repeat(np.arange(end - start), bumps[own])
            before = np.cumsum(bumps[own]) - bumps[own]
            t, m, d = theta[own][member], mu[own][member], s[own][member]
            n = first[own][member] + (np.arange(member.size) - before[member])
            right = np.where(n == self.max_spikes, np.inf, t / 2)
            bump = self._half(n * t, right, t, m, d)
            mirrored = self._half(n * t, t / 2, t, 2 * n * t - m, d)
            both = bump + np.where(n > 1, mirrored, 0.0)
            sums[own] = np.bincount(member, both, minlength=end - start)
        return np.where(few, total + sums.reshape(total.shape), np.nan)

    def _half(
        self,
        centre: FloatArray,
        reach: FloatArray,
        threshold: FloatArray,
        mean: FloatArray,
        std: FloatArray,
    ) -> FloatArray:
        """Integrate the right half of a bump, cut at centre + reach, over the membrane."""
        r = std / (SQRT2 * self.window)
        whole = half_laplace((centre - mean) / (SQRT2 * std), r)
        end = np.where(np.isfinite(reach), reach, 0.0)
        rest = half_laplace((centre + end - mean) / (SQRT2 * std), r) * np.exp(-end / self.window)
        return np.asarray((whole - np.where(np.isfinite(reach), rest, 0.0)) / threshold)


@dataclass(frozen=True)
class StepPWL:
    """1 / threshold for every v >= threshold - window: a step, not a triangle."""

    window: float = 0.5

    def derivative(self, v: FloatArray, threshold: FloatArray) -> FloatArray:
        """Return psi' at the potential v."""
        return np.asarray(np.where(v >= threshold - self.window, 1.0, 0.0) / threshold)

    def gate(self, threshold: FloatArray, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return E[psi'] = P(v >= threshold - window) / threshold."""
        return np.asarray(ndtr((mean - threshold + self.window) / std) / threshold)
