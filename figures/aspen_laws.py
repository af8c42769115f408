"""Discrete against continuous thresholds in training, paired over seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results

TITLE = "Discrete levels against a continuous law of the threshold"
LAWS = {
    "continuous": (BLUE, "o", "continuous U(1, 2)"),
    "levels": (ORANGE, "s", "1, 1.5, 2: equal range"),
    "levels matched": (GREEN, "^", "three levels, matched variance"),
}


def compute(source: str | Path = "aspen_laws") -> dict[str, Any]:
    """Return `accuracy` and `spikes` of all laws, `gain` and `sparing` against the continuous one.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    rest = d.sel(law="continuous")
    return {
        "threshold": d.threshold.values,
        "accuracy": over_seeds(d.accuracy),
        "gain": over_seeds(d.accuracy - rest.accuracy),
        "sparing": over_seeds(d.spikes / rest.spikes - 1),
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracies, and differences of accuracy and spikes to the continuous law."""
    x = arrays["threshold"]
    with style():
        figure = Figure(figsize=(9.9, 3.1), layout="constrained")
        panels = figure.subplots(1, 3)
        for law, (colour, marker, label) in LAWS.items():
            for axis, name in zip(panels, ("accuracy", "gain", "sparing"), strict=True):
                if name == "accuracy" or law != "continuous":
                    found = arrays[name].sel(law=law)
                    band(axis, x, found, colour, marker=marker, label=label)
        panels[0].legend(fontsize=8)
        panels[0].set(title="Accuracy", ylabel=f"test accuracy\n({NOTE})", ylim=(0, 1))
        panels[1].set(title="Against continuous", ylabel="difference of accuracy, paired")
        panels[2].set(title="Spikes against continuous", ylabel="relative difference, paired")
        for axis in panels:
            axis.set_xlabel("runtime threshold scale")
        for axis in panels[1:]:
            axis.axhline(0, color=BLACK, lw=0.8, ls=":")
    return figure
