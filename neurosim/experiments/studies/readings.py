"""Numbers read off results between their points: times, and accuracies at equal spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


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
    from neurosim.analysis import stationary

    low, high = stationary.productive_band(0.0, (1 - decay**2) ** -0.5)
    return max(float(low), 0.0), float(high)
