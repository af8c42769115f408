"""Accuracy against time, and when decisions fall, over the runtime threshold."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurosim.figures.panels import TRAINED, Hue, Panel, Sheet
from neurosim.studies.aspen.latency import STUDY as LATENCY
from neurosim.studies.aspen.latency import settling_time

TITLE = "What higher thresholds cost in time"
SCALES = LATENCY.settings["thresholds"]


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return accuracy and share decided of ASPEN's nets, and when half of the decisions settle."""
    return d.sel(net="aspen", drop=True).assign(settling=settling_time(d))


SETTLING = Panel(
    "settling",
    "time (s)",
    "Half of the decisions are final",
    x="threshold",
    hue=replace(TRAINED, looks=({"ls": "-"},)),
    kind="points",
    limits=(0, None),
    legend={"loc": "lower right"},
)
SHEET = Sheet(
    "aspen_latency",
    (
        Panel("accuracy", "test accuracy", "Accuracy so far, ASPEN", limits=(0, 1)),
        Panel("decided", "share of windows", "Any output spike so far, ASPEN", limits=(0, 1)),
        SETTLING,
    ),
    x="time",
    xlabel="time since the window began (s)",
    hue=Hue(
        "threshold",
        {scale: f"runtime scale {scale:g}" for scale in SCALES},
        colours=list(mpl.colormaps["plasma"](np.linspace(0, 0.85, len(SCALES)))),
        markers="",
    ),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
