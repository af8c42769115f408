"""A network whose neurons keep their own rate, after changes: rates, thresholds, times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, SKY, style
from neurosim.studies import results
from neurosim.studies.estimates import interval, over
from neurosim.studies.networks import homeostasis as study

TITLE = "Neurons that keep their own rate, in a network that changes"
FINDING = """\
Each neuron of Brunel's network moves its threshold until it fires at 20 spikes/s. What all neurons
share, the whole network answers: inhibition follows, and thresholds have to go about twice as far
as those of one neuron alone would. So they take twice as long, as the linear theory with recurrence
says. After the input is halved they have less far to go than theory says and are there sooner.
Theory's thresholds are drawn from where the network's begin, 4 % lower than theory has it.
"""
COLOURS = dict(zip(study.CHANGES, (SKY, GREEN, BLUE, PINK, ORANGE), strict=True))


def compute(source: Path | None = None) -> xr.Dataset:
    """Return the study's results.

    Args:
        source: CSV file of the study's results; those stored without.

    Raises:
        InputError: they are not there.
    """
    return results.read(source or study.STUDY.name)


def draw(d: xr.Dataset) -> Figure:
    """Draw the courses of rates and thresholds, and the times they take."""
    with style():
        figure = Figure(figsize=(10.4, 3.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.15, 1.15, 1))
        _draw_course(left, d, "rate")
        left.set(yscale="log", ylabel="rate (spikes/s)", title="Rates come back")
        left.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
        left.minorticks_off()
        _draw_course(middle, d, "log_scale")
        middle.set(ylabel="mean log of the threshold scale", title="Thresholds follow")
        handles, labels = middle.get_legend_handles_labels()
        handles += middle.plot([], [], ":", color=BLACK, lw=1.2)
        middle.legend(handles, [*labels, "theory"], fontsize=7.5, loc="upper right", ncols=2)
        low, high = middle.get_ylim()
        middle.set_ylim(low, high + 0.35 * (high - low))
        _draw_times(right, d)
    return figure


def _draw_course(axes: Axes, d: xr.Dataset, what: str) -> None:
    """Draw a quantity in time after each change, and theory."""
    shown = d.sel(time=slice(-1.0, None))
    for change in d.change.values:
        colour = COLOURS[change]
        own = over(shown[what].sel(change=change))
        axes.plot(own.time, own["mean"], color=colour, lw=1.4, label=change)
        axes.fill_between(own.time, own.lower, own.upper, color=colour, alpha=0.2, lw=0)
        theory = shown[f"{what}_expected"].sel(change=change).mean("seed")
        if what == "log_scale":  # theory's resting scale is 4 % above that of the simulation
            theory = theory - float(theory.sel(time=slice(None, 1e-9)).mean())
            theory = theory + float(own["mean"].sel(time=slice(None, 1e-9)).mean())
        axes.plot(
            theory.time, np.maximum(theory, 1.2) if what == "rate" else theory, ":", color=colour
        )
    axes.axvline(0, color=BLACK, lw=0.6)
    axes.set(xlabel="time after the change (s)", xlim=(-1, None))


def _draw_times(axes: Axes, d: xr.Dataset) -> None:
    """Draw time constants of small changes and times of large ones against theory."""
    whole, alone = study.gains(500)
    rows = []
    for change in (c for c in study.SMALL if c in d.change):
        fitted = study.time_constants(d, change)
        rows.append((change, fitted, study.TAU / whole, "time constant"))
    for change in (c for c in study.LARGE if c in d.change):
        own = d.sel(change=change)
        theory = float(study.reach(own.log_scale_expected).mean())
        rows.append((change, study.reach(own.log_scale), theory, "time to 63 %"))
    for k, (change, values, theory, _) in enumerate(rows):
        e = interval(values)
        ends = np.nan_to_num([[e.mean - e.low], [e.high - e.mean]])
        axes.errorbar(e.mean, k, xerr=ends, fmt="o", ms=5, color=COLOURS[change], capsize=2)
        axes.plot(theory, k, "|", ms=15, mew=2, color=BLACK, label="_" if k else "theory")
    axes.plot(
        np.full(2, study.TAU / alone), [0, 1], "|", ms=15, mew=1, color="0.6",
        label="without recurrence",
    )  # fmt: skip
    axes.set_yticks(range(len(rows)), [f"{change}\n{kind}" for change, _, _, kind in rows])
    axes.invert_yaxis()
    axes.set(xlim=(0, None), xlabel="time (s)", ylabel="change", title="How long it takes")
    axes.legend(fontsize=7.5, loc=(0.02, 0.38), markerscale=0.6)
    axes.grid(axis="y", visible=False)
