"""Means over seeds with their confidence intervals, and how they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from scipy import stats

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

LEVEL = 0.95
NOTE = "mean and 95 % interval over seeds"


def over_seeds(values: xr.DataArray) -> xr.Dataset:
    """Return mean, lower and upper over "seed" (Student's interval); one seed has no interval."""
    n = values.notnull().sum("seed")
    mean = values.mean("seed")
    quantile = stats.t.ppf(0.5 + LEVEL / 2, np.maximum(n - 1, 1))
    half = (values.std("seed", ddof=1) / np.sqrt(n) * quantile).where(n > 1, 0.0)
    found = mean.to_dataset(name="mean")
    found["lower"], found["upper"] = mean - half, mean + half
    found.attrs["units"] = values.attrs.get("units", "")
    return found


def band(axis: Axes, x: Any, found: xr.Dataset, colour: str, **line: Any) -> None:
    """Draw a line with its interval as a band."""
    axis.fill_between(x, found.lower, found.upper, color=colour, alpha=0.15, lw=0)
    axis.plot(x, found["mean"], color=colour, **line)


def bars(axis: Axes, x: Any, found: xr.Dataset, colour: str, **marks: Any) -> None:
    """Draw points with their intervals as bars."""
    middle = found["mean"].values
    errors = np.stack([middle - found.lower.values, found.upper.values - middle])
    axis.errorbar(x, middle, yerr=errors, color=colour, capsize=2, **marks)


def spikes_axis(axis: Axes, which: str = "x") -> None:
    """Make an axis of spike counts logarithmic, with ticks at 1, 2 and 5 in plain numbers."""
    getattr(axis, f"set_{which}scale")("log")
    line = getattr(axis, f"{which}axis")
    line.set_major_locator(LogLocator(subs=(1, 2, 5)))
    line.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    line.set_minor_formatter(NullFormatter())
