"""Braille letters on the audio chip: accuracy over the threshold, and against spikes."""

from __future__ import annotations

import numpy as np

from neurosim.drawing import BLUE, ORANGE, PINK, SKY
from neurosim.figures.panels import Hue, Panel, Sheet, against_spikes

TITLE = "Braille letters on the audio chip: both runtime knobs"
KNOBS = Hue(
    ("net", "lead"),
    {
        ("fixed", np.inf): "one threshold, whole sample",
        ("fixed", 10.0): "one threshold, lead 10",
        ("aspen", np.inf): "trained at U(1, 1.5), whole sample",
        ("aspen", 10.0): "trained at U(1, 1.5), lead 10",
    },
    colours=(BLUE, SKY, ORANGE, PINK),
)

SHEET = Sheet(
    "aspen_braille",
    (
        Panel("accuracy", "test accuracy", "Accuracy", limits=(0, 1), lines=(1 / 7, 0.96)),
        Panel("used", "share of the sample", "Until the decision", limits=(0, 1)),
        against_spikes("Trade-off", lines=(1 / 7,)),
    ),
    x="threshold",
    hue=KNOBS,
    size=(3.6, 3.1),
    note="mean and 95 % interval over {seed} draws of test samples; dotted: chance, published nets",
)
compute, draw = SHEET.compute, SHEET.draw
