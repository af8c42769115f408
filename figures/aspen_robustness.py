"""What a worse or turned sensor costs, with fixed and with stochastic training."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from neurosim.drawing import BLACK
from neurosim.figures.panels import Panel, Sheet
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
NAMES = {
    (kind, strength): f"{kind} {unit.format(SEVERITIES[kind][strength - 1])}"
    for kind, unit in UNITS.items()
    for strength in (1, 2, 3)
} | {("known people", 0): "known people"}


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return the `change` of accuracy against clean test windows, over named corruptions."""
    clean = d.accuracy.sel(corruption="none", strength=0, drop=True)
    change = (d.accuracy - clean).stack(point=("corruption", "strength"))
    known = [point for point in NAMES if point in change.indexes["point"]]
    change = change.sel(point=known).drop_vars(("point", "corruption", "strength"))
    return change.assign_coords(point=[NAMES[point] for point in known]).to_dataset(name="change")


def finish(axis: Axes, _: xr.Dataset) -> None:
    """Turn the names, and set the people apart, who are no corruption."""
    for name in axis.get_xticklabels():
        name.set(ha="right", rotation=60, rotation_mode="anchor", fontsize=8)
    axis.axvline(len(axis.get_xticks()) - 1.5, color=BLACK, lw=0.8, ls=":")


CHANGE = "change of test accuracy, paired"
SHEET = Sheet(
    "aspen_robustness",
    (Panel("change", CHANGE, "Runtime scale {threshold:g}", lines=(0,), also=finish),),
    kind="points",
    columns="threshold",
    x="point",
    xlabel="corruption and its strength",
    ticks={name: name for name in NAMES.values()},
    sides=(-0.12, 0.12),
    size=(5.2, 3.7),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
