"""From thresholds far too low or too high: what AHSAR makes of them, and what a set rate does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results

TITLE = "Thresholds that start too low or too high, with and without AHSAR"
CONTROLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "none": (BLUE, {"marker": "o", "ms": 8, "lw": 3}, "no homeostat"),
    "AHSAR": (ORANGE, {"marker": "s", "ls": "--"}, "AHSAR"),
    "AHSAR to a rate": (GREEN, {"marker": "^"}, "AHSAR held to a rate of 0.2"),
}
PANELS = {
    "mean_accuracy": ("speed", "validation accuracy,\nmean over epochs"),
    "rate": ("activity", "spikes per neuron and step,\nlast epoch"),
}


def compute(source: str | Path = "ahsar_start") -> dict[str, Any]:
    """Return `mean_accuracy` and `rate` over net, start and control.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {name: over_seeds(d[name]) for name in PANELS}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy and activity against the starting factor, a column for each net."""
    nets = arrays["rate"].net.values
    with style():
        figure = Figure(figsize=(4.2 * len(nets), 5.6), layout="constrained")
        lines = figure.subplots(len(PANELS), len(nets), squeeze=False, sharex=True, sharey="row")
        for line, (name, (title, label)) in zip(lines, PANELS.items(), strict=True):
            for axis, net in zip(line, nets, strict=True):
                for control, (colour, line_style, text) in CONTROLS.items():
                    found = arrays[name].sel(net=net, control=control)
                    band(axis, found.start, found, colour, label=text, **line_style)
                axis.axvline(1, color=BLACK, lw=0.8, ls=":")
                axis.set_title(f"{net}: {title}")
            line[0].set_ylabel(label)
            line[0].set_ylim(0, 1 if name == "mean_accuracy" else None)
        for axis in lines[-1]:
            axis.set_xlabel("factor on all thresholds at the start")
        handles = lines[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=3, fontsize=8)
        figure.suptitle(NOTE, fontsize=8, x=0.01, ha="left")
    return figure
