"""Estimated power on the integer chip against spikes and against active bins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLUE, ORANGE, style
from neurosim.studies import results

TITLE = "Is power linear in the spikes? Estimates for the integer nets"
NETS = {"fixed": (BLUE, "o"), "aspen": (ORANGE, "s")}
AXES = {
    "spikes": ("Against spikes", "spikes per window"),
    "active_bins": ("Against active neuron-steps", "share of neuron-steps with a spike"),
}


def compute(source: str | Path = "aspen_chip") -> dict[str, Any]:
    """Return the results, and `r2` of a line through each net's points, by axis.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    stacked = d.stack(one=("net", "seed")).transpose("one", "threshold")
    r2 = {
        name: np.array(
            [
                np.corrcoef(x, y)[0, 1] ** 2
                for x, y in zip(stacked[name], stacked.power, strict=True)
            ]
        )
        for name in AXES
    }
    return {"results": d, "r2": r2}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw power against both, a line for each net and seed."""
    d = arrays["results"]
    with style():
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        for axis, (name, (title, label)) in zip(figure.subplots(1, 2), AXES.items(), strict=True):
            for net, (colour, marker) in NETS.items():
                for k, seed in enumerate(d.seed.values):
                    one = d.sel(net=net, seed=seed)
                    text = f"{net}, {d.sizes['seed']} seeds" if not k else None
                    axis.plot(
                        one[name], one.power, color=colour, marker=marker, ms=3, lw=0.8, label=text
                    )
            low, high = arrays["r2"][name].min(), arrays["r2"][name].max()
            span = f"{low:.3f}" if f"{low:.3f}" == f"{high:.3f}" else f"{low:.3f} to {high:.3f}"
            axis.set(title=f"{title}: R² of a line {span}", xlabel=label)
            axis.set_ylabel("estimated core power (µW)")
            if name == "spikes":
                axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.legend(fontsize=8)
    return figure
