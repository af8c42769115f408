"""Numbers read off results between their points: times, and accuracies at equal spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.studies.statistics import Estimate, interval

if TYPE_CHECKING:
    import xarray as xr

NEAR = 0.95
"""Share of the best that still counts as productive."""


def crossing(curve: xr.DataArray, share: float = 0.5) -> xr.DataArray:
    """Return the time at which a curve that rises with time from 0 reaches a share [s].

    Between checkpoints it is taken as straight; nan if it stays below.
    """
    import xarray as xr

    time = np.r_[0.0, curve.time.values]

    def one(values: np.ndarray) -> float:
        rising = np.r_[0.0, values]
        return float(np.interp(share, rising, time)) if rising[-1] >= share else np.nan

    return xr.apply_ufunc(one, curve, input_core_dims=[["time"]], vectorize=True)


def settling_time(d: xr.Dataset) -> xr.DataArray:
    """Return the time at which half of the windows that ever decide have settled [s]."""
    return crossing(d.settled / d.settled.isel(time=-1))


def at_spikes(net: xr.Dataset, spikes: np.ndarray) -> np.ndarray:
    """Return the accuracies of a swept net at numbers of spikes, 0 below its fewest."""
    order = np.argsort(net.spikes.values)
    return np.interp(spikes, net.spikes.values[order], net.accuracy.values[order], left=0.0)


def predicted_band(decay: float = 0.2) -> tuple[float, float]:
    """Return the threshold scales that theory calls productive behind BatchNorm.

    Currents of mean 0 and variance 1 give a free membrane of variance 1/(1 - decay^2); the band is
    where gate times rate exceeds half its maximum, without reset (`analysis.stationary`).
    """
    from neurosim.analysis.thresholds import stationary

    low, high = stationary.productive_band(0.0, (1 - decay**2) ** -0.5)
    return max(float(low), 0.0), float(high)


def productive(speed: xr.DataArray) -> tuple[float, float, float]:
    """Return the best scale, and the ends of the scales around it that come near it.

    Args:
        speed: (scale,) the higher the better.
    """
    best = int(speed.argmax("scale"))
    near = speed.values >= NEAR * float(speed.max())
    low = best - int(np.argmin(np.r_[near[best::-1], False])) + 1
    high = best + int(np.argmin(np.r_[near[best:], False])) - 1
    scale = speed.scale.values
    return float(scale[best]), float(scale[low]), float(scale[high])


def ahead(speed: xr.DataArray, end: float) -> Estimate:
    """Return by how much the best scale is ahead of another one.

    The best is chosen on the other seeds: chosen on those that it is judged by, it would be ahead
    by luck alone.

    Args:
        speed: (scale, seed).
        end: the other scale.
    """
    seeds = speed.seed.values
    gaps = []
    for seed in seeds:
        others = speed.sel(seed=seeds[seeds != seed] if len(seeds) > 1 else seeds)
        best = float(others.mean("seed").idxmax("scale"))
        gaps.append(float(speed.sel(seed=seed, scale=best) - speed.sel(seed=seed, scale=end)))
    return interval(np.array(gaps))
