"""Accuracy, spikes and estimated power of the demo's nets against the runtime threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from neurosim import store
from neurosim.drawing import BLACK, BLUE, ORANGE, style

TITLE = "The threshold as a runtime knob: accuracy, spikes and estimated power"
NETS = {
    "fixed": (BLUE, "o", "trained at one threshold"),
    "aspen": (ORANGE, "s", "trained at U(1, 1.5)"),
}
COLUMNS = ("threshold", "accuracy", "spikes_per_inference", "hidden_bins", "power_uw")
Z95 = 1.96
DEMO = Path("runs/demo")
TABLE, COMMAND = "threshold_sweep.csv", "neurosim demo"


def measure(folder: Path = DEMO) -> list[dict[str, object]]:
    """Return the rows of a demo's sweep: run `neurosim demo` anew to measure them anew.

    Raises:
        InputError: the folder holds no sweep.
    """
    return store.rows_of(store.read_table(folder / "sweep.csv", remedy="neurosim demo"))


def compute(source: Path | None = None) -> dict[str, Any]:
    """Read a table, or a demo folder's sweep.csv; the table stored with the figures when None.

    Returns:
        `nets`: for each net a dict of arrays (thresholds,) named as in COLUMNS; `windows`: number
        of test windows behind each accuracy.

    Raises:
        InputError: there is no sweep.
    """
    path = source or store.shipped() / TABLE
    if path.is_dir():
        path /= "sweep.csv"
    table = store.read_table(path, remedy="neurosim demo")
    nets = {net: {c: table[c][table["net"] == net] for c in COLUMNS} for net in NETS}
    return {"nets": nets, "windows": int(table["windows"][0])}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy (with 95 % binomial intervals), spikes, and accuracy against power."""
    with style():
        figure = Figure(figsize=(9.6, 3.1), layout="constrained")
        accuracy, spikes, trade = figure.subplots(1, 3)
        for net, (colour, marker, label) in NETS.items():
            a = arrays["nets"][net]
            independent = arrays["windows"] / 2  # neighbouring windows overlap by half
            half = Z95 * np.sqrt(a["accuracy"] * (1 - a["accuracy"]) / independent)
            accuracy.fill_between(
                a["threshold"],
                a["accuracy"] - half,
                a["accuracy"] + half,
                color=colour,
                alpha=0.15,
                lw=0,
            )
            accuracy.plot(a["threshold"], a["accuracy"], color=colour, marker=marker)
            spikes.plot(
                a["threshold"], a["spikes_per_inference"], color=colour, marker=marker, label=label
            )
            trade.plot(a["power_uw"], a["accuracy"], color=colour, marker=marker)
        accuracy.axhline(1 / 7, color=BLACK, lw=0.8, ls=":")
        accuracy.annotate("chance", (0.6, 1 / 7), ha="left", va="bottom", fontsize=8)
        accuracy.set(title="Accuracy", xlabel="runtime threshold scale", ylim=(0, 1))
        accuracy.set_ylabel("test accuracy (band: 95 % interval)")
        spikes.set(title="Spikes", xlabel="runtime threshold scale", ylabel="spikes per inference")
        spikes.set_ylim(bottom=0)
        spikes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        spikes.legend(loc="upper right")
        trade.set(
            title="Trade-off (power axis zoomed)",
            xlabel="estimated core power (µW)",
            ylabel="test accuracy",
            ylim=(0, 1),
        )
    return figure
