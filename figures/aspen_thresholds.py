"""Fixed and stochastic training over the runtime threshold, several seeds and subject splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.experiments.studies import results
from neurosim.figures.intervals import NOTE, band, over_seeds, spikes_axis
from neurosim.figures.style import BLACK, BLUE, ORANGE, style

TITLE = "Fixed and stochastic training over the runtime threshold"
NETS = {
    "fixed": (BLUE, "o", "trained at one threshold"),
    "aspen": (ORANGE, "s", "trained at U(1, 1.5)"),
}
CHANCE = 1 / 7


def compute(source: str | Path = "aspen_thresholds") -> dict[str, Any]:
    """Return `accuracy`, `spikes`, `undecided`, `gain` (ASPEN less fixed, paired) over thresholds.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    found: dict[str, Any] = {k: over_seeds(d[k]) for k in ("accuracy", "spikes", "undecided")}
    found["gain"] = over_seeds(d.accuracy.sel(net="aspen") - d.accuracy.sel(net="fixed"))
    return {**found, "threshold": d.threshold.values, "seeds": d.sizes["seed"]}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy, its paired gain, spikes, and accuracy against spikes."""
    x = arrays["threshold"]
    with style():
        figure = Figure(figsize=(12.4, 3.1), layout="constrained")
        accuracy, gain, spikes, trade = figure.subplots(1, 4)
        for net, (colour, marker, label) in NETS.items():
            at = {k: arrays[k].sel(net=net) for k in ("accuracy", "spikes")}
            band(accuracy, x, at["accuracy"], colour, marker=marker, label=label)
            band(spikes, x, at["spikes"], colour, marker=marker)
            trade.plot(at["spikes"]["mean"], at["accuracy"]["mean"], color=colour, marker=marker)
        band(gain, x, arrays["gain"], BLACK, marker="o")
        gain.axhline(0, color=BLACK, lw=0.8, ls=":")
        accuracy.axhline(CHANCE, color=BLACK, lw=0.8, ls=":")
        accuracy.annotate("chance", (x[0], CHANCE), va="bottom", fontsize=8)
        accuracy.legend(loc="lower left", bbox_to_anchor=(0, 0.2), fontsize=8)
        accuracy.set(title="Accuracy", ylabel=f"test accuracy\n({NOTE})", ylim=(0, 1))
        gain.set(title="Gain of stochastic training", ylabel="difference of accuracy, paired")
        spikes.set(title="Spikes", ylabel="spikes per window")
        spikes_axis(spikes, "y")
        trade.set(title="Trade-off", ylabel="test accuracy", ylim=(0, 1))
        spikes_axis(trade)
        trade.set_xlabel("spikes per window")
        for axis in (accuracy, gain, spikes):
            axis.set_xlabel("runtime threshold scale")
    return figure
