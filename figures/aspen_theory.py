"""Spikes and accuracy that theory predicts from the weights, against the integer nets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style
from neurosim.studies import results

TITLE = "Spikes and accuracy predicted from the weights"
_COLOURS = (BLUE, GREEN, PINK, ORANGE)


def compute(source: str | Path = "aspen_theory") -> dict[str, Any]:
    """Return `predicted` and `measured` over net, seed, threshold and quantity.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {"predicted": d.predicted, "measured": d.measured}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw each layer's spikes and the accuracies against the diagonal; each net is a mark."""
    predicted, measured = arrays["predicted"], arrays["measured"]
    with style():
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        spikes, accuracy = figure.subplots(1, 2)
        layers = [str(q) for q in predicted["quantity"].values if q != "accuracy"]
        for layer, colour in zip(layers, _COLOURS, strict=False):
            x, y = (a.sel(quantity=layer).values.ravel() for a in (measured, predicted))
            some = (x > 0) & (y > 0)
            spikes.plot(x[some], y[some], ".", color=colour, label=layer)
        for net, marker in (("fixed", "o"), ("aspen", "s")):
            x, y = (
                a.sel(quantity="accuracy", net=net).values.ravel() for a in (measured, predicted)
            )
            accuracy.plot(x, y, marker, color=BLACK, mfc="none", ms=4, label=net)
        ends = np.array(spikes.get_xlim())
        spikes.plot(ends.clip(1), ends.clip(1), color=BLACK, lw=0.8, ls=":")
        accuracy.plot([0, 1], [0, 1], color=BLACK, lw=0.8, ls=":")
        spikes.set(title="Spikes of a layer", xscale="log", yscale="log")
        spikes.set(xlabel="measured (spikes per window)", ylabel="predicted (spikes per window)")
        accuracy.set(
            title="Accuracy", xlabel="measured (share of windows)", xlim=(0, 1), ylim=(0, 1)
        )
        accuracy.set_ylabel("predicted (share of windows)")
        spikes.legend(fontsize=8)
        accuracy.legend(fontsize=8)
    return figure
