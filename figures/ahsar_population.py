"""The homeostat on layers of noisy neurons in Brian2: do their rates come together?"""

from __future__ import annotations

from itertools import product

import xarray as xr

from neurosim.drawing import BLACK, BLUE, ORANGE
from neurosim.figures.panels import Hue, Panel, Sheet

TITLE = "The homeostat on layers of noisy neurons in Brian2"
LAYERS = ("busiest", "calmest")
SCALES = Hue(
    ("beta", "layer"),
    dict.fromkeys(product((0.02, 0.1), LAYERS), "_"),
    colours=(BLUE, BLUE, ORANGE, ORANGE),
    markers="",
    looks=({"ls": "-"}, {"ls": "--"}),
)


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Add the closed loops' scales of the busiest and of the calmest layer, as one quantity."""
    return d.assign(
        scale=xr.concat([d.scale_high, d.scale_low], xr.Variable("layer", list(LAYERS)))
    )


TEXT = "Scales of busiest (—) and calmest (- -)"
SHEET = Sheet(
    "ahsar_population",
    (
        Panel("spread", "spread of ln rate over layers", "Do the layers agree?", limits=(0, None)),
        Panel("scale", "threshold scale", TEXT, hue=SCALES),
    ),
    x="time",
    hue=Hue(
        "beta",
        {0.0: "open loop", 0.02: "beta 0.02", 0.1: "beta 0.1"},
        colours=(BLACK, BLUE, ORANGE),
        markers="",
    ),
    size=(4.2, 3.0),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
