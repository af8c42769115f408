"""What is read off results: means with intervals, paired differences, crossings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neurosim.analysis.intervals import LEVEL, student
from neurosim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


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


def interval(values: ArrayLike, level: float = LEVEL) -> Estimate:
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
    mean, low, high = student(kept, level=level)
    return Estimate(float(mean), float(low), float(high), len(kept))


def percent(estimate: Estimate) -> str:
    """Return a share with its interval in percent."""
    mean, low, high = (100 * value for value in (estimate.mean, estimate.low, estimate.high))
    return f"{mean:+.1f} % [{low:+.1f}, {high:+.1f}]"


def paired(first: xr.DataArray, second: xr.DataArray, level: float = LEVEL) -> Estimate:
    """Return the interval of first - second, seed by seed: what both share cancels.

    Args:
        first: (seed,) one value for each seed.
        second: (seed,) likewise; only seeds that both have count.
        level: of confidence.
    """
    return interval(first - second, level)


def over(values: xr.DataArray, axis: str = "seed") -> xr.Dataset:
    """Return `mean`, `lower` and `upper` over an axis, all three alike where one value is left."""
    import xarray as xr

    mean, *ends = student(values.values, axis=values.get_axis_num(axis))
    lower, upper = (np.where(np.isnan(end), mean, end) for end in ends)
    like = values.isel({axis: 0}, drop=True)
    parts = {"mean": mean, "lower": lower, "upper": upper}
    return xr.Dataset({name: like.copy(data=part) for name, part in parts.items()})


def crossing(
    target: float, values: ArrayLike, at: ArrayLike, *, never: float = float("nan")
) -> float:
    """Return where a curve that begins at (0, 0) first reaches a target.

    Args:
        target: above 0.
        values: (n,) of the curve, which is straight between them; what it falls again is ignored.
        at: (n,) where it has these values, rising, all above 0.
        never: what is returned of a curve that stays below.
    """
    risen, places = np.r_[0.0, np.maximum.accumulate(np.asarray(values))], np.r_[0.0, at]
    if not risen[-1] >= target:
        return never
    after = int(np.searchsorted(risen, target))
    around = slice(after - 1, after + 1)
    return float(np.interp(target, risen[around], places[around]))
