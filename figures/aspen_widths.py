"""How wide the law of the thresholds should be: the front of accuracy against spikes."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE
from neurosim.energy.operating_points import front
from neurosim.figures.panels import Hue, Panel, Sheet, against_spikes
from neurosim.studies.aspen.widths import STUDY as WIDTHS

TITLE = "Laws of the threshold from U(1, 1.2) to U(1, 3): the front of accuracy against energy"
HIGH = WIDTHS.grid["high"]
SHADES = mpl.colormaps["viridis"]
LAWS = Hue(
    "high",
    {high: f"_U(1, {high:g})" for high in HIGH},
    colours=list(SHADES(np.linspace(0, 1, len(HIGH)))),
    markers=".",
    looks=({"lw": 0.8},),
)


def draw_front(axis: Axes, d: xr.Dataset) -> None:
    """Draw the front of all nets and thresholds, and say which shade is which law."""
    spikes, accuracy = (d[name].mean("seed").values.ravel() for name in ("spikes", "accuracy"))
    chosen = front(spikes, accuracy)
    axis.plot(spikes[chosen], accuracy[chosen], color=BLACK, lw=1.6, label="front of all")
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(HIGH[0], HIGH[-1]), SHADES)
    axis.figure.colorbar(scale, ax=axis, label="b of the law U(1, b)", ticks=HIGH[::2])


SHEET = Sheet(
    "aspen_widths",
    (
        Panel("accuracy", "test accuracy", "Accuracy against width", limits=(0, 1)),
        against_spikes("Accuracy against spikes", hue=LAWS, also=draw_front),
    ),
    x="high",
    xlabel="b of the law U(1, b); 1 is fixed",
    hue=Hue(
        "threshold",
        {scale: f"at runtime scale {scale:g}" for scale in (1.0, 1.6, 2.4)},
        colours=(BLUE, GREEN, ORANGE),
        markers="o",
    ),
    size=(4.6, 3.2),
)
compute, draw = SHEET.compute, SHEET.draw
