"""How wide the law of the thresholds should be: the front of accuracy against spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds, spikes_axis
from neurosim.studies import results

TITLE = "Laws of the threshold from U(1, 1.2) to U(1, 3): the front of accuracy against energy"
SHOWN = ((1.0, BLUE), (1.6, GREEN), (2.4, ORANGE))
"""Runtime thresholds of the first panel."""


def front(spikes: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Return the indices of the points that none beats in both, by rising spikes."""
    order = np.argsort(spikes)
    best = np.maximum.accumulate(accuracy[order])
    first = np.r_[True, best[1:] > best[:-1]]
    return np.asarray(order[first])


def compute(source: str | Path = "aspen_widths") -> dict[str, Any]:
    """Return `accuracy`, `spikes`, `power` over high and threshold, and the Pareto `front`.

    The front holds spikes, accuracy and high of its points, means over seeds.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    found: dict[str, Any] = {k: over_seeds(d[k]) for k in ("accuracy", "spikes", "power")}
    spikes, accuracy = (found[k]["mean"].values for k in ("spikes", "accuracy"))
    chosen = front(spikes.ravel(), accuracy.ravel())
    high = np.broadcast_to(d.high.values[:, None], spikes.shape).ravel()
    points = np.stack([spikes.ravel()[chosen], accuracy.ravel()[chosen], high[chosen]])
    return {**found, "high": d.high.values, "threshold": d.threshold.values, "front": points}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy against width, and all points with the front."""
    high = arrays["high"]
    with style():
        figure = Figure(figsize=(9.6, 3.3), layout="constrained")
        widths, trade = figure.subplots(1, 2)
        for threshold, colour in SHOWN:
            if threshold in arrays["threshold"]:
                at = arrays["accuracy"].sel(threshold=threshold)
                band(widths, high, at, colour, marker="o", label=f"at {threshold:g}")
        widths.legend(title="runtime scale", fontsize=8)
        widths.set(title="Accuracy against width", xlabel="b of the law U(1, b); 1 is fixed")
        widths.set(ylabel=f"test accuracy\n({NOTE})", ylim=(0, 1))
        colours = mpl.colormaps["viridis"]
        for k, value in enumerate(high):
            one = {n: arrays[n]["mean"].sel(high=value) for n in ("spikes", "accuracy")}
            shade = colours(k / max(1, len(high) - 1))
            trade.plot(one["spikes"], one["accuracy"], color=shade, lw=0.8, marker=".")
        trade.plot(*arrays["front"][:2], color=BLACK, lw=1.6, label="front of all")
        scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(high[0], high[-1]), colours)
        figure.colorbar(scale, ax=trade, label="b of the law U(1, b)", ticks=high[::2])
        trade.set(title="Accuracy against spikes", xlabel="spikes per window")
        spikes_axis(trade)
        trade.set(ylabel="test accuracy (mean over seeds)", ylim=(0, 1))
        trade.legend(loc="lower right", fontsize=8)
    return figure
