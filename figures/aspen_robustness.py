"""What a worse or turned sensor costs, with fixed and with stochastic training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.figures.intervals import NOTE, bars, over_seeds
from neurosim.studies import results
from neurosim.studies.aspen.robustness import SEVERITIES

TITLE = "Robustness to the sensor and to other people"
UNITS = {
    "noise": "{:g} g",
    "gain": "±{:.0%}",
    "drift": "{:g} g",
    "rotation": "{:g}°",
    "dropped": "{:.0%}",
}
"""How the strength of each corruption is written."""
NETS = {"fixed": (BLUE, "o"), "aspen": (ORANGE, "s")}


def compute(source: str | Path = "aspen_robustness") -> dict[str, Any]:
    """Return the `change` of accuracy against clean test windows, by corruption and strength.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    clean = d.accuracy.sel(corruption="none", strength=0, drop=True)
    return {"change": over_seeds(d.accuracy - clean)}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a panel for each runtime threshold, the corruptions along it."""
    change = arrays["change"]
    kinds = [
        (kind, int(strength))
        for kind in (*SEVERITIES, "known people")
        for strength in change.strength.values
        if kind in change.corruption.values
        and bool(strength) == (kind in SEVERITIES)
        and bool(change["mean"].sel(corruption=kind, strength=strength).notnull().any())
    ]
    with style():
        count = change.sizes["threshold"]
        figure = Figure(figsize=(5.2 * count, 3.6), layout="constrained")
        panels = figure.subplots(1, count, squeeze=False, sharey=True)[0]
        for axis, threshold in zip(panels, change.threshold.values, strict=True):
            for side, (net, (colour, marker)) in zip((-0.12, 0.12), NETS.items(), strict=True):
                for k, (kind, strength) in enumerate(kinds):
                    at = change.sel(
                        net=net, threshold=threshold, corruption=[kind], strength=strength
                    )
                    text = net if not k else None
                    bars(axis, [k + side], at, colour, marker=marker, ls="", label=text)
            axis.axhline(0, color=BLACK, lw=0.8, ls=":")
            names = [f"{k} {UNITS[k].format(SEVERITIES[k][s - 1])}" if s else k for k, s in kinds]
            axis.set_xticks(range(len(kinds)), names, rotation=60, ha="right", fontsize=8)
            axis.axvline(len(kinds) - 1.5, color=BLACK, lw=0.8, ls=":")
            axis.set(title=f"Runtime scale {threshold:g}", xlabel="corruption and its strength")
        panels[0].set_ylabel(f"change of test accuracy, paired\n({NOTE})")
        panels[0].legend(fontsize=8, loc="lower center")
    return figure
