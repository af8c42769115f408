"""Pruning and fewer bits after fixed and after stochastic training."""

from __future__ import annotations

from itertools import product

from neurosim.drawing import BLUE, ORANGE
from neurosim.figures.panels import TRAINED, Hue, Panel, Sheet

TITLE = "Pruning and quantisation, with fixed and with stochastic training"
NETS = {
    (net, share): f"{TRAINED.labels[net]}, {100 * share:.0f} % pruned"
    for net, share in product(("fixed", "aspen"), (0.0, 0.5))
}
PLAIN = {"ls": "-", "lw": 0.8}
SHEET = Sheet(
    "aspen_compression",
    (Panel("accuracy", "test accuracy", "Runtime scale {threshold:g}", limits=(0, 1)),),
    kind="points",
    columns="threshold",
    x="bits",
    xlabel="bits of a weight",
    ticks={bits: str(bits) for bits in (4, 6, 8)},
    hue=Hue(
        ("net", "pruning"),
        NETS,
        colours=(BLUE, BLUE, ORANGE, ORANGE),
        markers="ooss",
        looks=(PLAIN | {"mfc": "white"}, PLAIN),
    ),
    sides=(-0.09, -0.03, 0.03, 0.09),
    size=(4.2, 3.3),
)
compute, draw = SHEET.compute, SHEET.draw
