"""Convolutional nets with and without AHSAR, however they are trained."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.figures.intervals import over_seeds
from neurosim.studies import results
from neurosim.studies.ahsar._judges_learning import GAIN, against_none
from neurosim.studies.pooling import pool

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

TITLE = "Small VGG and ResNet: what AHSAR changes, against no homeostat"
METHODS = {"bptt": "through time", "rate": "rate-based"}
PANELS = {
    "accuracy": ("After the last epoch", "gain of test accuracy\n(percentage points)", 100),
    "mean_accuracy": (
        "On the way",
        "gain of validation accuracy, mean\nover epochs (percentage points)",
        100,
    ),
    "epochs_to_target": (
        "Speed",
        "change of the epochs to a target\naccuracy (below 0: sooner)",
        1,
    ),
}
LARGEST = 2.35
"""Largest gain in AHSAR's table 1 (percent); its smallest is GAIN."""
COLOURS, MARKERS = (BLUE, GREEN, ORANGE), ("o", "s", "^")
"""Of the numbers of steps."""
ROWS = ("net", "learning", "mode")


def compute(source: str | Path = "ahsar_nets") -> dict[str, Any]:
    """Return the paired difference that AHSAR makes to each of PANELS, in their units.

    `accuracy`, `mean_accuracy` and `epochs_to_target` over shown, net, learning, mode and steps;
    `pooled`, the Estimates of their means over all but shown, by panel and input.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    gaps = {name: scale * against_none(d[name]) for name, (*_, scale) in PANELS.items()}
    pooled = {
        name: {str(s): pool(gap.sel(shown=s)).overall for s in gap.shown.values}
        for name, gap in gaps.items()
    }
    return {**{name: over_seeds(gap) for name, gap in gaps.items()}, "pooled": pooled}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a row of panels for each input, in them a line for each net, method and step mode."""
    shown = [str(s) for s in arrays["accuracy"].shown.values]
    with style():
        figure = Figure(figsize=(10.8, 3.3 * len(shown) + 0.6), layout="constrained")
        panels = figure.subplots(len(shown), len(PANELS), squeeze=False, sharey=True)
        for line, what in zip(panels, shown, strict=True):
            for axis, (name, (title, label, _)) in zip(line, PANELS.items(), strict=True):
                _panel(axis, arrays[name].sel(shown=what), arrays["pooled"][name][what])
                axis.set_title(f"{title}: {what}")
                axis.set_xlabel(label)
            line[0].axvspan(
                100 * GAIN, LARGEST, color=BLACK, alpha=0.07, lw=0, label="reported in table 1"
            )
        handles = panels[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=5, fontsize=8)
    return figure


def _panel(axis: Axes, found: xr.Dataset, pooled: Any) -> None:
    """Draw points with intervals for each number of steps, and the mean of all below them."""
    points = list(product(*(found[row].values for row in ROWS)))
    sides = np.linspace(-0.22, 0.22, found.sizes["steps"])
    for steps, side, colour, marker in zip(
        found.steps.values, sides, COLOURS, MARKERS, strict=False
    ):
        cells = [
            found.sel(dict(zip(ROWS, point, strict=True)), drop=True).sel(steps=steps)
            for point in points
        ]
        middle = np.array([float(c["mean"]) for c in cells])
        ends = np.array([[float(c.lower), float(c.upper)] for c in cells]).T
        axis.errorbar(
            middle,
            np.arange(len(points)) + side,
            xerr=np.abs(ends - middle),
            color=colour,
            marker=marker,
            ms=3.5,
            lw=0.9,
            capsize=0,
            ls="",
            label=f"T = {steps}",
        )
    error = np.nan_to_num([[pooled.mean - pooled.low], [pooled.high - pooled.mean]])
    below = len(points) + 0.2
    axis.errorbar(
        [pooled.mean],
        [below],
        xerr=error,
        color=BLACK,
        marker="D",
        capsize=3,
        ls="",
        label="all, mean and 95 % interval over seeds",
    )
    axis.axvline(0, color=BLACK, lw=0.8, ls=":")
    axis.axhline(len(points) - 0.4, color=BLACK, lw=0.5)
    names = [f"{net}, {METHODS[str(learning)]}, {mode}" for net, learning, mode in points]
    axis.set_yticks([*range(len(points)), below], [*names, "all"])
    axis.set_ylim(below + 0.5, -0.6)
    place = axis.get_subplotspec()
    first = place is not None and place.is_first_col()
    axis.set_ylabel("net, learning, step mode" if first else "")
