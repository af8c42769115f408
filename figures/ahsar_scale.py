"""One constant factor on all thresholds: how fast and how well a net learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.experiments.studies import results
from neurosim.experiments.studies.readings import predicted_band
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.figures.style import BLACK, BLUE, ORANGE, style

TITLE = "A constant factor on all thresholds: speed, accuracy, stability"
METHODS = {"bptt": (BLUE, "through time"), "rate": (ORANGE, "rate-based")}
PANELS = {
    "mean_accuracy": ("Speed of learning", "validation accuracy,\nmean over epochs"),
    "accuracy": ("End of learning", "validation accuracy, last epoch"),
    "worst_fall": ("Instability", "largest fall of accuracy in an epoch"),
    "rate": ("Activity", "spikes per neuron and step"),
}


def compute(source: str | Path = "ahsar_scale") -> dict[str, Any]:
    """Return each panel's quantity over learning and scale, and `theory`, the ends of its band.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {**{name: over_seeds(d[name]) for name in PANELS}, "theory": predicted_band()}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw every quantity against the scale, for both methods."""
    with style():
        figure = Figure(figsize=(12.4, 3.1), layout="constrained")
        for axis, (name, (title, label)) in zip(figure.subplots(1, 4), PANELS.items(), strict=True):
            found = arrays[name]
            for method, (colour, text) in METHODS.items():
                band(axis, found.scale, found.sel(learning=method), colour, label=text)
            axis.set(title=title, ylabel=label, xlabel="scale of all thresholds", ylim=(0, None))
            axis.axvspan(*arrays["theory"], color=BLACK, alpha=0.06, lw=0, label="theory's band")
        axis.legend(fontsize=8)
        figure.supxlabel(NOTE, fontsize=8)
    return figure
