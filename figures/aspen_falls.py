"""A fall detector: what the runtime threshold and the lead make of recall and false alarms."""

from __future__ import annotations

from neurosim.drawing import BLUE, GREEN, ORANGE
from neurosim.figures.panels import Hue, Panel, Sheet

TITLE = "A fall detector with two knobs: recall of falls against false alarms"
LEADS = Hue(
    "lead",
    {1: "alarm at a lead of 1", 10: "of 10", 80: "of 80"},
    colours=(BLUE, ORANGE, GREEN),
)

SHEET = Sheet(
    "aspen_falls",
    (
        Panel("recall", "share of falls that are caught", "{net}: falls", limits=(0, 1)),
        Panel(
            "false_alarms",
            "false alarms in 24 h of exercises",
            "{net}: false alarms, old people",
            limits=(0, None),
        ),
        Panel("delay", "s from impact to alarm, median", "{net}: delay", limits=(0, None)),
    ),
    x="threshold",
    rows="net",
    hue=LEADS,
    size=(3.8, 3.0),
    note="mean and 95 % interval over {seed} draws of young people: their falls, old people's days",
)
compute, draw = SHEET.compute, SHEET.draw
