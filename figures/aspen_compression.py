"""Pruning and fewer bits after fixed and after stochastic training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLUE, ORANGE, style
from neurosim.figures.intervals import NOTE, bars, over_seeds
from neurosim.studies import results

TITLE = "Pruning and quantisation, with fixed and with stochastic training"
NETS = {"fixed": (BLUE, "o"), "aspen": (ORANGE, "s")}


def compute(source: str | Path = "aspen_compression") -> dict[str, Any]:
    """Return `accuracy` over net, pruning, bits and threshold.

    Raises:
        InputError: the results are not there.
    """
    return {"accuracy": over_seeds(results.read(source).accuracy)}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a panel for each runtime threshold, bits along it, filled marks for pruned nets."""
    found = arrays["accuracy"]
    with style():
        count = found.sizes["threshold"]
        figure = Figure(figsize=(4.2 * count, 3.5), layout="constrained")
        panels = figure.subplots(1, count, squeeze=False)[0]
        for axis, threshold in zip(panels, found.threshold.values, strict=True):
            for net, (colour, marker) in NETS.items():
                for k, pruning in enumerate(found.pruning.values):
                    at = found.sel(net=net, pruning=pruning, threshold=threshold)
                    x = at.bits.values + (0.12 if net == "aspen" else -0.12) + 0.05 * k
                    fill = colour if k else "white"
                    text = f"{net}, {pruning:.0%} pruned"
                    bars(axis, x, at, colour, marker=marker, mfc=fill, lw=0.8, label=text)
            axis.set(title=f"Runtime scale {threshold:g}", xlabel="bits of a weight", ylim=(0, 1))
            axis.set(xticks=found.bits.values, ylabel=f"test accuracy\n({NOTE})")
        figure.legend(
            *axis.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4
        )
    return figure
