"""Corrupted digits, and detection of others by predictive entropy, with and without AHSAR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.figures.intervals import bars, over_seeds
from neurosim.studies import results
from neurosim.studies.ahsar._judges_learning import against_none

TITLE = "Out of distribution: accuracy and detection, with and without AHSAR"
KINDS = ("clean", "noise", "rotation", "gain", "MNIST", "uniform")
METHODS = {"bptt": (BLUE, "o", "through time"), "rate": (ORANGE, "s", "rate-based")}
PANELS = {
    "accuracy": ("accuracy", "change of test accuracy"),
    "auroc": ("AUROC", "change of AUROC\n(above 0: found better)"),
    "fpr95": ("false alarms", "change of FPR at 95 % found\n(below 0: fewer false alarms)"),
}


def compute(source: str | Path = "ahsar_ood") -> dict[str, Any]:
    """Return the paired difference that AHSAR makes to each of PANELS, over net, method and kind.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {name: over_seeds(against_none(d[name])) for name in PANELS}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a row of panels for each net: the differences of each measure, by kind of image."""
    nets = [str(net) for net in arrays["accuracy"].net.values]
    with style():
        figure = Figure(figsize=(10.8, 2.5 * len(nets) + 0.7), layout="constrained")
        panels = figure.subplots(len(nets), len(PANELS), squeeze=False, sharex="col", sharey="col")
        for line, net in zip(panels, nets, strict=True):
            for axis, (name, (title, label)) in zip(line, PANELS.items(), strict=True):
                found = arrays[name]
                known = found["mean"].notnull().any(("net", "learning"))
                kinds = [k for k in KINDS if bool(known.sel(kind=k))]
                for side, method in zip((-0.1, 0.1), found.learning.values, strict=False):
                    colour, marker, text = METHODS[str(method)]
                    at = [k + side for k in range(len(kinds))]
                    one = found.sel(net=net, learning=method, kind=kinds)
                    bars(axis, at, one, colour, marker=marker, ls="", lw=1, label=text)
                axis.axhline(0, color=BLACK, lw=0.8, ls=":")
                axis.set_xticks(range(len(kinds)), kinds)
                axis.set(title=f"{net}: {title}", ylabel=label)
                axis.set_xlabel("test images" if net == nets[-1] else "")
        handles = panels[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2, fontsize=8)
        note = "with AHSAR less without, paired; mean and 95 % interval over seeds"
        figure.suptitle(note, fontsize=8, x=0.01, ha="left")
    return figure
