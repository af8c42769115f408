"""Learning curves with and without AHSAR: how fast, how far, how steadily."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurosim.drawing import BLUE, GREEN, ORANGE, PINK
from neurosim.figures.panels import METHODS, Hue, Panel, Sheet

TITLE = "Learning curves with and without AHSAR"
STUDY = "ahsar_homeostat"
LINES = {
    (learning, variant): f"{method}, {homeostat}"
    for learning, method in METHODS.labels.items()
    for variant, homeostat in (("none", "no homeostat"), ("full", "AHSAR"))
}


def only_shares(axis: Axes, _: xr.Dataset) -> None:
    """End an axis of shares at 0 and 1."""
    axis.set_ylim(max(0.0, axis.get_ylim()[0]), 1)


SHEET = Sheet(
    STUDY,
    (
        Panel("accuracy", "validation accuracy", "{net}: {shown}", also=only_shares),
        Panel("loss", "validation loss (nat)", "{net}: {shown}", scales=("linear", "counts")),
    ),
    rows="shown",
    columns="net",
    down=True,
    x="epoch",
    xlabel="epoch",
    hue=Hue(
        ("learning", "variant"),
        LINES,
        colours=(BLUE, ORANGE, GREEN, PINK),
        markers="",
        looks=({"lw": 3}, {"ls": "--"}),
    ),
    size=(3.5, 2.0),
)
compute, draw = SHEET.compute, SHEET.draw
