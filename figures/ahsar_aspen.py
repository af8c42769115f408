"""AHSAR and ASPEN alone and together, over the runtime threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.experiments.studies import results
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.figures.style import BLUE, GREEN, ORANGE, PINK, style

TITLE = "AHSAR and ASPEN, alone and together"
NETS = {
    "fixed": (BLUE, "o", "neither"),
    "AHSAR": (GREEN, "^", "AHSAR"),
    "ASPEN": (ORANGE, "s", "ASPEN, U(1, 1.5)"),
    "both": (PINK, "D", "both"),
}


def compute(source: str | Path = "ahsar_aspen") -> dict[str, Any]:
    """Return `accuracy` and `rate` over net and threshold.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {name: over_seeds(d[name]) for name in ("accuracy", "rate")}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy and activity against the runtime threshold."""
    with style():
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        accuracy, rate = figure.subplots(1, 2)
        for net, (colour, marker, label) in NETS.items():
            for axis, name in ((accuracy, "accuracy"), (rate, "rate")):
                found = arrays[name].sel(net=net)
                band(axis, found.threshold, found, colour, marker=marker, label=label)
        accuracy.set(title="Accuracy", ylabel=f"test accuracy\n({NOTE})", ylim=(0, 1))
        rate.set(title="Activity", ylabel="spikes per neuron and step", ylim=(0, None))
        for axis in (accuracy, rate):
            axis.set_xlabel("runtime threshold scale")
        accuracy.legend(title="trained with", fontsize=8)
    return figure
