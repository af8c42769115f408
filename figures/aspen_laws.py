"""Discrete against continuous thresholds in training, paired over seeds."""

from __future__ import annotations

import xarray as xr

from neurosim.figures.panels import Hue, Panel, Sheet

TITLE = "Discrete levels against a continuous law of the threshold"
LAWS = {
    "continuous": "continuous U(1, 2)",
    "levels": "1, 1.5, 2: equal range",
    "levels matched": "three levels, matched variance",
}


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Add `gain` and `sparing`, of accuracy and spikes against the continuous law."""
    rest, levels = d.sel(law="continuous", drop=True), d.drop_sel(law="continuous")
    return d.assign(gain=levels.accuracy - rest.accuracy, sparing=levels.spikes / rest.spikes - 1)


SHEET = Sheet(
    "aspen_laws",
    (
        Panel("accuracy", "test accuracy", "Accuracy", limits=(0, 1)),
        Panel("gain", "difference of accuracy, paired", "Against continuous", lines=(0,)),
        Panel("sparing", "relative difference, paired", "Spikes against continuous", lines=(0,)),
    ),
    x="threshold",
    hue=Hue("law", LAWS),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
