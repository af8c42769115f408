"""Learning curves with and without AHSAR: how fast, how far, how steadily."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from neurosim.drawing import BLUE, GREEN, ORANGE, PINK, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results

TITLE = "Learning curves with and without AHSAR"
STUDY = "ahsar_homeostat"
LINES: dict[tuple[str, str], tuple[str, dict[str, Any], str]] = {
    ("bptt", "none"): (BLUE, {"lw": 3}, "through time, no homeostat"),
    ("bptt", "full"): (ORANGE, {"ls": "--"}, "through time, AHSAR"),
    ("rate", "none"): (GREEN, {"lw": 3}, "rate-based, no homeostat"),
    ("rate", "full"): (PINK, {"ls": "--"}, "rate-based, AHSAR"),
}
QUANTITIES = {"accuracy": "validation accuracy", "loss": "validation loss (nat)"}


def compute(source: str | Path = "ahsar_homeostat") -> dict[str, Any]:
    """Return `accuracy` and `loss` over net, shown, learning, variant and epoch.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source).sel(variant=["none", "full"])
    return {name: over_seeds(d[name]) for name in QUANTITIES}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a column for each net, and for each input accuracy above loss."""
    nets, inputs = (arrays["loss"][axis].values for axis in ("net", "shown"))
    rows = list(product(inputs, QUANTITIES))
    with style():
        size = (3.5 * len(nets) + 0.3, 2.0 * len(rows) + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(rows), len(nets), squeeze=False, sharex=True, sharey="row")
        for line, (shown, name) in zip(panels, rows, strict=True):
            for axis, net in zip(line, nets, strict=True):
                found = arrays[name].sel(net=net, shown=shown)
                for (learning, variant), (colour, look, text) in LINES.items():
                    if learning in found.learning.values:
                        one = found.sel(learning=learning, variant=variant)
                        band(axis, found.epoch, one, colour, label=text, **look)
                axis.set_title(f"{net}: {shown}")
            line[0].set_ylabel(QUANTITIES[name])
            if name == "accuracy":
                line[0].set_ylim(max(0.0, line[0].get_ylim()[0]), 1)
            else:
                line[0].set_yscale("log")
                line[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                line[0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                line[0].yaxis.set_minor_formatter(NullFormatter())
        for axis in panels[-1]:
            axis.set_xlabel("epoch")
        handles = panels[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=8)
        figure.suptitle(NOTE, fontsize=8, x=0.01, ha="left")
    return figure
