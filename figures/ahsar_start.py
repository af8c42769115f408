"""From thresholds far too low or too high: what AHSAR makes of them, and what a set rate does."""

from __future__ import annotations

from neurosim.drawing import BLUE, GREEN, ORANGE
from neurosim.figures.panels import Hue, Panel, Sheet

TITLE = "Thresholds that start too low or too high, with and without AHSAR"
SPEED = "validation accuracy,\nmean over epochs"
RATE = "spikes per neuron and step,\nlast epoch"
CONTROLS = {
    "none": "no homeostat",
    "AHSAR": "AHSAR",
    "AHSAR to a rate": "AHSAR held to a rate of 0.2",
}
SHEET = Sheet(
    "ahsar_start",
    (
        Panel("mean_accuracy", SPEED, "{net}: speed", limits=(0, 1)),
        Panel("rate", RATE, "{net}: activity", limits=(0, None)),
    ),
    columns="net",
    down=True,
    x="start",
    xlabel="factor on all thresholds at the start",
    marks=(1,),
    hue=Hue(
        "control",
        CONTROLS,
        colours=(BLUE, ORANGE, GREEN),
        looks=({"ms": 8, "lw": 3}, {"ls": "--"}, {}),
    ),
    size=(4.2, 2.6),
)
compute, draw = SHEET.compute, SHEET.draw
