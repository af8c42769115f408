"""Convolutional nets with and without AHSAR, however they are trained."""

from __future__ import annotations

from itertools import product

import xarray as xr
from matplotlib.axes import Axes

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE
from neurosim.figures.panels import METHODS, NOTE, Hue, Panel, Sheet
from neurosim.studies.ahsar.images import GAIN, against_none

TITLE = "Small VGG and ResNet: what AHSAR changes, against no homeostat"
CELLS = {
    (net, learning, mode): f"{net}, {METHODS.labels[learning]}, {mode}"
    for net, learning, mode in product(
        ("small-resnet", "small-vgg"), METHODS.labels, ("multi", "single")
    )
}
LARGEST = 2.35
"""Largest gain in AHSAR's table 1 (percent); its smallest is GAIN."""
PANELS = {
    "accuracy": ("gain of test accuracy\n(percentage points)", "After the last epoch", 100),
    "mean_accuracy": (
        "gain of validation accuracy, mean\nover epochs (percentage points)",
        "On the way",
        100,
    ),
    "epochs_to_target": (
        "change of the epochs to a target\naccuracy (below 0: sooner)",
        "Speed",
        1,
    ),
}
"""Label, title, and factor on the quantity."""


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return the paired differences that AHSAR makes, over cells of CELLS and numbers of steps.

    The last cell is "all", of "all" steps: the mean of all others, pooled within each seed.
    """
    gaps = xr.Dataset({k: unit * against_none(d[k]) for k, (*_, unit) in PANELS.items()})
    whole = gaps.mean(("net", "learning", "mode", "steps")).expand_dims(cell=["all"], steps=["all"])
    cells = gaps.stack(cell=("net", "learning", "mode"))
    names = [CELLS[cell] for cell in cells.cell.values]
    cells = cells.drop_vars(("cell", "net", "learning", "mode")).assign_coords(cell=names)
    return cells.assign_coords(steps=cells.steps.astype(str)).combine_first(whole)


def finish(axis: Axes, _: xr.Dataset) -> None:
    """Set the mean of all apart, and mark the gains that the paper reports."""
    axis.axhline(len(axis.get_yticks()) - 1.5, color=BLACK, lw=0.5)
    if "test accuracy" in axis.get_xlabel():
        text = "reported in table 1"
        axis.axvspan(100 * GAIN, LARGEST, color=BLACK, alpha=0.07, lw=0, label=text)


SMALL = {"ms": 3.5, "lw": 0.9, "capsize": 0}
SHEET = Sheet(
    "ahsar_nets",
    [
        Panel(y, label, f"{title}: {{shown}}", lines=(0,), also=finish)
        for y, (label, title, _) in PANELS.items()
    ],
    kind="points",
    flip=True,
    rows="shown",
    x="cell",
    xlabel="net, learning, step mode",
    ticks={name: name for name in (*CELLS.values(), "all")},
    hue=Hue(
        "steps",
        {"6": "T = 6", "8": "T = 8", "10": "T = 10", "all": "all, mean over settings"},
        colours=(BLUE, GREEN, ORANGE, BLACK),
        markers="os^D",
        looks=(SMALL, SMALL, SMALL, {"ms": 6, "lw": 1.5}),
    ),
    sides=(-0.22, 0, 0.22, 0),
    size=(3.6, 3.3),
    note=f"with AHSAR less without, paired; {NOTE}",
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
