"""Corrupted digits, and detection of others by predictive entropy, with and without AHSAR."""

from __future__ import annotations

from neurosim.figures.panels import METHODS, NOTE, Panel, Sheet
from neurosim.studies.ahsar.images import against_none

TITLE = "Out of distribution: accuracy and detection, with and without AHSAR"
PANELS = (
    ("accuracy", "change of test accuracy", "{net}: accuracy"),
    ("auroc", "change of AUROC\n(above 0: found better)", "{net}: AUROC"),
    ("fpr95", "change of FPR at 95 % found\n(below 0: fewer false alarms)", "{net}: false alarms"),
)
SHEET = Sheet(
    "ahsar_ood",
    [Panel(*panel, lines=(0,)) for panel in PANELS],
    kind="points",
    rows="net",
    x="kind",
    xlabel="test images",
    ticks={kind: kind for kind in ("clean", "noise", "rotation", "gain", "MNIST", "uniform")},
    hue=METHODS,
    sides=(-0.1, 0.1),
    size=(3.6, 2.5),
    note=f"with AHSAR less without, paired; {NOTE}",
    quantities=against_none,
)
compute, draw = SHEET.compute, SHEET.draw
