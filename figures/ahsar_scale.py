"""One constant factor on all thresholds: how fast, how steadily and how well nets learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results
from neurosim.studies.readings import predicted_band, productive

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

TITLE = "A constant factor on all thresholds: speed, accuracy, stability, activity"
METHODS = {"bptt": (BLUE, "-", "through time"), "rate": (ORANGE, "--", "rate-based")}
PANELS = {
    "mean_accuracy": ("Speed", "speed: validation accuracy,\nmean over epochs"),
    "accuracy": ("End", "validation accuracy,\nlast epoch"),
    "worst_fall": ("Instability", "largest fall of accuracy\nin an epoch"),
    "rate": ("Activity", "spikes per neuron and step"),
}


def compute(source: str | Path = "ahsar_scale") -> dict[str, Any]:
    """Return each panel's quantity over net, learning and scale, and two kinds of bands.

    `measured`, by net: the ends of the scales within 5 % of the best mean accuracy over epochs;
    `theory`: the ends of the band that theory predicts behind BatchNorm.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    speed = d.mean_accuracy.mean(("seed", "learning"))
    measured = {str(net): productive(speed.sel(net=net))[1:] for net in d.net.values}
    values = {name: over_seeds(d[name]) for name in PANELS}
    return {**values, "theory": predicted_band(), "measured": measured}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a row of panels for each net: every quantity against the scale, for both methods."""
    nets = [str(net) for net in arrays["rate"].net.values]
    with style():
        figure = Figure(figsize=(11.6, 2.4 * len(nets) + 0.5), layout="constrained")
        panels = figure.subplots(len(nets), len(PANELS), squeeze=False, sharex=True, sharey="col")
        for line, net in zip(panels, nets, strict=True):
            for axis, (name, (title, label)) in zip(line, PANELS.items(), strict=True):
                _panel(axis, arrays[name].sel(net=net), arrays["measured"][net])
                if "without" not in net:
                    ends, text = arrays["theory"], "productive in theory, behind BatchNorm"
                    axis.axvspan(*ends, ymax=0.05, color=BLACK, alpha=0.5, lw=0, label=text)
                axis.set_ylabel(label)
                axis.set_title(net if name == "mean_accuracy" else title)
        for axis in panels[-1]:
            axis.set(xlabel="scale of all thresholds", ylim=(0, None))
        handles = panels[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=8)
        figure.suptitle(NOTE, fontsize=8, x=0.01, ha="left")
    return figure


def _panel(axis: Axes, found: xr.Dataset, measured: tuple[float, float]) -> None:
    """Draw one quantity of a net for both methods, and its band of good scales."""
    for method in found.learning.values:
        colour, ls, text = METHODS[str(method)]
        band(axis, found.scale, found.sel(learning=method), colour, ls=ls, label=text)
    axis.axvspan(*measured, color=GREEN, alpha=0.13, lw=0, label="within 5 % of the best speed")
