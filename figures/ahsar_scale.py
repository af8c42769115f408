"""One constant factor on all thresholds: how fast, how steadily and how well nets learn."""

from __future__ import annotations

from dataclasses import replace

import xarray as xr
from matplotlib.axes import Axes

from neurosim.drawing import BLACK, GREEN
from neurosim.figures.panels import METHODS, Panel, Sheet
from neurosim.studies.ahsar.scale import predicted_band, productive

TITLE = "A constant factor on all thresholds: speed, accuracy, stability, activity"
PANELS = (
    ("mean_accuracy", "speed: validation accuracy,\nmean over epochs", "{net}"),
    ("accuracy", "validation accuracy,\nlast epoch", "End"),
    ("worst_fall", "largest fall of accuracy\nin an epoch", "Instability"),
    ("rate", "spikes per neuron and step", "Activity"),
)


def bands(axis: Axes, d: xr.Dataset) -> None:
    """Mark a net's scales within 5 % of the best speed, and those that theory calls productive."""
    _, *measured = productive(d.mean_accuracy.mean(("seed", "learning")))
    axis.axvspan(*measured, color=GREEN, alpha=0.13, lw=0, label="within 5 % of the best speed")
    if "without" not in d["net"].item():
        text = "productive in theory, behind BatchNorm"
        axis.axvspan(*predicted_band(), ymax=0.05, color=BLACK, alpha=0.5, lw=0, label=text)


SHEET = Sheet(
    "ahsar_scale",
    [Panel(*panel, limits=(0, None), also=bands) for panel in PANELS],
    rows="net",
    x="scale",
    xlabel="scale of all thresholds",
    hue=replace(METHODS, markers="", looks=({"ls": "-"}, {"ls": "--"})),
    size=(2.9, 2.4),
)
compute, draw = SHEET.compute, SHEET.draw
