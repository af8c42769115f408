"""Nets for single thresholds, switched as energy allows, against one net for all."""

from __future__ import annotations

from neurosim.drawing import BLUE, GREEN, ORANGE, SKY
from neurosim.figures.panels import Hue, Panel, Sheet, against_spikes

TITLE = "Model switching against a single model"
NETS = ("fixed at 1", "fixed at 1.6", "fixed at 2.2", "U(1, 2)")
LABELS = {net: f"trained {net}" for net in NETS}
SHEET = Sheet(
    "aspen_switching",
    (
        Panel("accuracy", "test accuracy", "Over the knob", limits=(0, 1)),
        against_spikes("At equal spikes"),
    ),
    x="threshold",
    hue=Hue("net", LABELS, colours=(BLUE, SKY, GREEN, ORANGE), markers="ov^s"),
    size=(4.2, 3.2),
)
compute, draw = SHEET.compute, SHEET.draw
