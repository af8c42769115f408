"""Fixed and stochastic training over the runtime threshold, several seeds and subject splits."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurosim.figures.panels import ONE, Panel, Sheet, against_spikes

TITLE = "Fixed and stochastic training over the runtime threshold"


def with_gain(d: xr.Dataset) -> xr.Dataset:
    """Add the paired `gain` of accuracy by stochastic training, and the accuracy of `chance`."""
    gain = d.accuracy.sel(net="aspen") - d.accuracy.sel(net="fixed")
    return d.assign(gain=gain, chance=1 / 7)


def name_chance(axis: Axes, d: xr.Dataset) -> None:
    """Write "chance" above its line."""
    axis.annotate("chance", (float(d.threshold[0]), float(d.chance)), va="bottom", fontsize=8)


CHANCE, GAIN = ("chance",), "difference of accuracy, paired"
SHEET = Sheet(
    "aspen_thresholds",
    (
        Panel(
            "accuracy", "test accuracy", "Accuracy", limits=(0, 1), lines=CHANCE, also=name_chance
        ),
        Panel("gain", GAIN, "Gain of stochastic training", hue=ONE, lines=(0,)),
        Panel("spikes", "spikes per window", "Spikes", scales=("linear", "counts")),
        against_spikes("Trade-off", lines=CHANCE),
    ),
    x="threshold",
    size=(3.1, 3.0),
    quantities=with_gain,
)
compute, draw = SHEET.compute, SHEET.draw
