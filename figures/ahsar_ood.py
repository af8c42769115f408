"""Corrupted digits, and detection of others by predictive entropy, with and without AHSAR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.experiments.studies import results
from neurosim.figures.intervals import NOTE, bars, over_seeds
from neurosim.figures.style import BLACK, BLUE, ORANGE, style

TITLE = "Out of distribution: accuracy and detection, with and without AHSAR"
METHODS = {"bptt": (BLUE, "o", "through time"), "rate": (ORANGE, "s", "rate-based")}
PANELS = {"accuracy": "test accuracy", "auroc": "AUROC", "fpr95": "FPR at 95 % found"}


def compute(source: str | Path = "ahsar_ood") -> dict[str, Any]:
    """Return the paired difference that AHSAR makes to each of PANELS, over method and kind.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {
        name: over_seeds(d[name].sel(variant="full") - d[name].sel(variant="none"))
        for name in PANELS
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the differences of each measure, by kind of image."""
    with style():
        figure = Figure(figsize=(10.8, 3.3), layout="constrained")
        for axis, (name, title) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
            found = arrays[name]
            kinds = [
                str(k) for k in found.kind.values if bool(found["mean"].sel(kind=k).notnull().any())
            ]
            for side, method in zip((-0.1, 0.1), found.learning.values, strict=False):
                colour, marker, label = METHODS[str(method)]
                at = [k + side for k in range(len(kinds))]
                one = found.sel(learning=method, kind=kinds)
                bars(axis, at, one, colour, marker=marker, ls="", label=label)
            axis.axhline(0, color=BLACK, lw=0.8, ls=":")
            axis.set_xticks(range(len(kinds)), kinds, rotation=30, fontsize=8)
            axis.set(title=title, xlabel="test images", ylabel=f"difference, paired\n({NOTE})")
        handles = axis.get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2, fontsize=8)
    return figure
