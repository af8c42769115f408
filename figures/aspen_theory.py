"""Spikes and accuracy that theory predicts from the weights, against the integer nets."""

from __future__ import annotations

from dataclasses import replace

import xarray as xr
from matplotlib.axes import Axes

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK
from neurosim.figures.panels import TRAINED, Hue, Panel, Sheet

TITLE = "Spikes and accuracy predicted from the weights"
LAYERS = ("hidden 1", "hidden 2", "hidden 3", "output")


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Set the accuracies apart, and drop layers without a spike: the axes are logarithmic."""
    accuracy, counts = d.sel(quantity="accuracy", drop=True), d.drop_sel(quantity="accuracy")
    counts = counts.where((counts.measured > 0) & (counts.predicted > 0))
    return counts.assign({f"accuracy_{name}": accuracy[name] for name in accuracy})


def diagonal(axis: Axes, _: xr.Dataset) -> None:
    """Mark where the prediction is right, from 0 or 1 on."""
    ends = (1, axis.get_xlim()[1]) if axis.get_xscale() == "log" else (0, 1)
    axis.plot(ends, ends, color=BLACK, lw=0.8, ls=":")
    if axis.get_xscale() == "linear":
        axis.set_xlim(ends)


SPIKES = Panel(
    "predicted",
    "predicted (spikes per window)",
    "Spikes of a layer",
    scales=("log", "log"),
    also=diagonal,
)
ACCURACY = Panel(
    "accuracy_predicted",
    "predicted (share of windows)",
    "Accuracy",
    x="accuracy_measured",
    xlabel="measured (share of windows)",
    hue=replace(TRAINED, colours=(BLACK,), looks=({"mfc": "none", "ls": "", "ms": 4},)),
    limits=(0, 1),
    also=diagonal,
)
SHEET = Sheet(
    "aspen_theory",
    (SPIKES, ACCURACY),
    kind="seeds",
    x="measured",
    xlabel="measured (spikes per window)",
    hue=Hue(
        "quantity",
        {layer: layer for layer in LAYERS},
        colours=(BLUE, GREEN, PINK, ORANGE),
        markers=".",
        looks=({"ls": ""},),
    ),
    size=(4.2, 3.6),
    note="a point for each net, seed and runtime threshold",
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
