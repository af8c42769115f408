"""Fixed and stochastic training over the runtime threshold, several seeds and subject splits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds, spikes_axis
from neurosim.studies import results

if TYPE_CHECKING:
    import xarray as xr

TITLE = "Fixed and stochastic training over the runtime threshold"
NETS = {
    "fixed": (BLUE, "o", "trained at one threshold"),
    "aspen": (ORANGE, "s", "trained at U(1, 1.5)"),
}
CHANCE = 1 / 7
LEGEND = {"loc": "lower left", "bbox_to_anchor": (0, 0.2), "fontsize": 8}
"""Where curves that fall leave room, in panels of accuracy."""


def compute(source: str | Path = "aspen_thresholds") -> dict[str, Any]:
    """Return `accuracy`, `spikes`, `undecided`, `gain` (ASPEN less fixed, paired) over thresholds.

    Raises:
        InputError: the results are not there.
    """
    return curves(results.read(source))


def curves(d: xr.Dataset) -> dict[str, Any]:
    """Return what `compute` does of results over net, threshold and seed."""
    found: dict[str, Any] = {k: over_seeds(d[k]) for k in ("accuracy", "spikes", "undecided")}
    found["gain"] = over_seeds(d.accuracy.sel(net="aspen") - d.accuracy.sel(net="fixed"))
    return {**found, "threshold": d.threshold.values, "seeds": d.sizes["seed"]}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy, its paired gain, spikes, and accuracy against spikes."""
    with style():
        figure = Figure(figsize=(12.4, 3.1), layout="constrained")
        axes = figure.subplots(1, 4)
        panels(axes, arrays, CHANCE)
        axes[0].legend(**LEGEND)
        titles = ("Accuracy", "Gain of stochastic training", "Spikes", "Trade-off")
        for axis, title in zip(axes, titles, strict=True):
            axis.set_title(title)
    return figure


def panels(axes: Any, arrays: dict[str, Any], chance: float) -> None:
    """Draw the four panels of one data set into a row of axes."""
    accuracy, gain, spikes, trade = axes
    x = arrays["threshold"]
    for net, (colour, marker, label) in NETS.items():
        at = {k: arrays[k].sel(net=net) for k in ("accuracy", "spikes")}
        band(accuracy, x, at["accuracy"], colour, marker=marker, label=label)
        band(spikes, x, at["spikes"], colour, marker=marker)
        trade.plot(at["spikes"]["mean"], at["accuracy"]["mean"], color=colour, marker=marker)
    band(gain, x, arrays["gain"], BLACK, marker="o")
    gain.axhline(0, color=BLACK, lw=0.8, ls=":")
    for axis in (accuracy, trade):
        axis.axhline(chance, color=BLACK, lw=0.8, ls=":")
        axis.set_ylim(0, 1)
    accuracy.annotate("chance", (x[0], chance), va="bottom", fontsize=8)
    accuracy.set_ylabel(f"test accuracy\n({NOTE})")
    gain.set_ylabel("difference of accuracy, paired")
    spikes.set_ylabel("spikes per window")
    trade.set(ylabel="test accuracy", xlabel="spikes per window")
    spikes_axis(spikes, "y")
    spikes_axis(trade)
    for axis in (accuracy, gain, spikes):
        axis.set_xlabel("runtime threshold scale")
