"""AHSAR and ASPEN alone and together, over the runtime threshold."""

from __future__ import annotations

import xarray as xr

from neurosim.drawing import BLUE, GREEN, ORANGE, PINK
from neurosim.figures.panels import Hue, Panel, Sheet

TITLE = "AHSAR and ASPEN, alone and together"
CONTROLS = {"fixed": "neither", "AHSAR": "AHSAR", "ASPEN": "ASPEN, U(1, 1.5)", "both": "both"}
GAINS = {"alone": ("AHSAR", "fixed"), "on top of ASPEN": ("both", "ASPEN")}
GAIN = Panel(
    "gain",
    "gain by AHSAR\n(paired, percentage points)",
    "{net}: gain",
    hue=Hue("on", {on: on for on in GAINS}, colours=(GREEN, PINK), markers="^D"),
    lines=(0,),
    legend={"title": "AHSAR"},
)


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Add the paired gains of accuracy by AHSAR, in percentage points."""
    accuracy = {str(c): 100 * d.accuracy.sel(control=c, drop=True) for c in d.control.values}
    gains = [accuracy[one] - accuracy[other] for one, other in GAINS.values()]
    return d.assign(gain=xr.concat(gains, xr.Variable("on", list(GAINS))))


SHEET = Sheet(
    "ahsar_aspen",
    (
        Panel("accuracy", "test accuracy", "{net}: accuracy", limits=(0, 1)),
        GAIN,
        Panel("rate", "spikes per neuron and step", "{net}: activity", limits=(0, None)),
    ),
    columns="net",
    down=True,
    x="threshold",
    hue=Hue("control", CONTROLS, colours=(BLUE, GREEN, ORANGE, PINK), markers="o^sD"),
    size=(3.4, 2.3),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
