"""Accuracy against time, and when decisions fall, over the runtime threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from neurosim.drawing import BLUE, ORANGE, style
from neurosim.figures.intervals import NOTE, bars, over_seeds
from neurosim.studies import results
from neurosim.studies.readings import settling_time

TITLE = "What higher thresholds cost in time"
NETS = {"fixed": (BLUE, "o"), "aspen": (ORANGE, "s")}


def compute(source: str | Path = "aspen_latency") -> dict[str, Any]:
    """Return `accuracy` and `decided` over time, and `settling`, when half are final [s].

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    found = {name: over_seeds(d[name]) for name in ("accuracy", "decided")}
    return {**found, "settling": over_seeds(settling_time(d)), "time": d.time.values}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw ASPEN's accuracy and decided share in time, and settling times of both trainings."""
    time, colours = arrays["time"], mpl.colormaps["plasma"]
    with style():
        figure = Figure(figsize=(10.8, 3.2), layout="constrained")
        panels = figure.subplots(1, 3)
        thresholds = arrays["accuracy"].threshold.values
        for axis, name in zip(panels, ("accuracy", "decided"), strict=False):
            for k, threshold in enumerate(thresholds):
                at = arrays[name].sel(net="aspen", threshold=threshold)
                shade = colours(0.85 * k / max(1, len(thresholds) - 1))
                axis.fill_between(time, at.lower, at.upper, color=shade, alpha=0.15, lw=0)
                axis.plot(time, at["mean"], color=shade, label=f"{threshold:g}")
            axis.set(xlabel="time since the window began (s)", ylim=(0, 1))
        panels[0].legend(title="runtime scale", fontsize=8)
        panels[0].set(title="Accuracy so far, ASPEN", ylabel=f"test accuracy\n({NOTE})")
        panels[1].set(title="Any output spike so far, ASPEN", ylabel="share of windows")
        for net, (colour, marker) in NETS.items():
            at = arrays["settling"].sel(net=net)
            bars(panels[2], thresholds, at, colour, marker=marker, label=net)
        panels[2].legend(fontsize=8)
        panels[2].set(title="Half of the decisions are final", xlabel="runtime threshold scale")
        panels[2].set(ylabel="time (s)", ylim=(0, None))
    return figure
