"""Nets for single thresholds, switched as energy allows, against one net for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLUE, GREEN, ORANGE, SKY, style
from neurosim.figures.intervals import NOTE, band, over_seeds, spikes_axis
from neurosim.studies import results

TITLE = "Model switching against a single model"
NETS = {
    "fixed at 1": (BLUE, "o"),
    "fixed at 1.6": (SKY, "v"),
    "fixed at 2.2": (GREEN, "^"),
    "U(1, 2)": (ORANGE, "s"),
}


def compute(source: str | Path = "aspen_switching") -> dict[str, Any]:
    """Return `accuracy` and `spikes` over net and threshold.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {name: over_seeds(d[name]) for name in ("accuracy", "spikes")}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy against threshold and against spikes."""
    with style():
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        knob, trade = figure.subplots(1, 2)
        for net in arrays["accuracy"].net.values:
            colour, marker = NETS[str(net)]
            accuracy, spikes = (arrays[n].sel(net=net) for n in ("accuracy", "spikes"))
            band(knob, accuracy.threshold, accuracy, colour, marker=marker, label=str(net))
            trade.plot(spikes["mean"], accuracy["mean"], color=colour, marker=marker)
        knob.legend(title="trained", fontsize=8)
        knob.set(title="Over the knob", xlabel="runtime threshold scale", ylim=(0, 1))
        knob.set_ylabel(f"test accuracy\n({NOTE})")
        trade.set(title="At equal spikes", xlabel="spikes per window", ylim=(0, 1))
        spikes_axis(trade)
        trade.set_ylabel("test accuracy (mean over seeds)")
    return figure
