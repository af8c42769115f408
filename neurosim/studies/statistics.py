"""Intervals of means and of paired differences over seeds: never one lucky run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from neurosim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval."""

    mean: float
    low: float
    high: float
    n: int
    """Independent values behind it."""

    @property
    def above(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.low > 0

    @property
    def below(self) -> bool:
        """Whether the whole interval is below zero."""
        return self.high < 0

    def __format__(self, spec: str) -> str:
        spec = spec or ".3f"
        if not np.isfinite(self.low):
            return f"{self.mean:{spec}} (n = {self.n})"
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def interval(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """Return the mean of independent values with Student's interval; of one value with none.

    Args:
        values: (n,) e.g. one for each seed; nan are left out.
        level: of confidence.

    Raises:
        InputError: no value is left.
    """
    kept = np.asarray(values, dtype=float).ravel()
    kept = kept[np.isfinite(kept)]
    if not len(kept):
        raise InputError("interval: there are no values; the study has no finished case for this")
    mean, half = float(kept.mean()), float("nan")
    if len(kept) > 1:
        error = kept.std(ddof=1) / np.sqrt(len(kept))
        half = float(stats.t.ppf(0.5 + level / 2, len(kept) - 1) * error)
    return Estimate(mean, mean - half, mean + half, len(kept))


def paired(first: xr.DataArray, second: xr.DataArray, level: float = LEVEL) -> Estimate:
    """Return the interval of first - second, seed by seed: what both share cancels.

    Args:
        first: (seed,) one value for each seed.
        second: (seed,) likewise; only seeds that both have count.
        level: of confidence.
    """
    return interval((first - second).values, level)


def bootstrap(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    draws: int = 2000,
) -> Estimate:
    """Return a statistic of many independent values with its percentile bootstrap interval.

    For samples, subjects or windows; a handful of seeds is too few to resample: use `interval`.

    Args:
        values: (n, ...) resampled along the first axis.
        statistic: maps such an array to a number.
        rng: draws the resamples.
        level: of confidence.
        draws: number of resamples.
    """
    values = np.asarray(values)
    index = rng.integers(0, len(values), (draws, len(values)))
    found = np.array([statistic(values[i]) for i in index])
    low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(float(statistic(values)), float(low), float(high), len(values))
