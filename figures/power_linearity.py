"""Is power linear in spikes? Estimated dynamic power of four deployed nets over the thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim import store
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, SKY, style
from neurosim.energy import price
from neurosim.energy.linearity import fit
from neurosim.errors import InputError
from neurosim.workflows import power, stored_models

TITLE = "Power against spikes: a curve; against active bins: a line with an offset"
FINDING = """\
ASPEN takes power to be proportional to spikes. By the chip's cycle model it is not: over thresholds
0.6 to 2.4 a fall of the spikes by 92 % lowers the dynamic power by 45 % (elasticity .15 to .25
instead of 1), and a straight line through the points, though it explains 93 to 95 % of the
variance, misses by up to 12 % of the range, with a curvature far from zero. Two reasons: a core
without any event spends 42 to 50 % of its cycles, and a step in which a neuron fires many times
costs as much as one spike, so that the first spikes saved are the cheapest. In the share of active
bins power is a line, by construction of the model. What a cycle costs differs sevenfold between
the two published measurements with an idle power, and idle power dominates in both."""

TABLE = "energy.csv"
NETS = {
    "aspen": (ORANGE, "s", "48-48-48, U(1, 1.5)"),
    "fixed": (BLUE, "o", "48-48-48"),
    "fixed24": (GREEN, "^", "24-24-24"),
    "fixed12": (PINK, "v", "12-12"),
}
SMALLER = {"fixed24": (24, 24, 24), "fixed12": (12, 12)}
"""Hidden layers of the nets that are not the demo's."""
SHOWN = {"imu": "Xylo IMU", "audio-scenes": "first Xylo"}
"""Published measurements with an idle power, by the name of the anchor."""


def demo_nets(folder: Path = Path("runs/demo")) -> list[Path]:
    """Return the folders of the demo's nets, and of two smaller ones that are trained if missing.

    Raises:
        InputError: the folder holds no demo.
    """
    if not (folder / "sweep.csv").is_file():
        raise InputError(f"{folder}: no demo; run `neurosim demo --out {folder}` first")
    from neurosim.training.loop import train

    for name, hidden in SMALLER.items():
        if not (folder / name / "network.safetensors").is_file():
            train("fixed", folder=folder / name, hidden=hidden, resume=True, progress=False)
    return [folder / name for name in NETS]


def measure() -> list[dict[str, object]]:
    """Return accuracy, spikes, cycles and dynamic power of the nets at every threshold."""
    return power.rows([stored_models.measure_model(folder) for folder in demo_nets()])


def compute(table: Path | None = None) -> dict[str, Any]:
    """Read a table of `measure`; the one stored with the figures when None.

    Returns:
        For each net the columns `threshold`, `spikes`, `hidden_bins`, `cycles`, `silent_cycles`,
        `dynamic_uw` (K,) and `line`, the fit of power against spikes; `anchors`: name, idle and
        dynamic microwatts of the net `aspen` at scale 1 for each anchor with an idle power.

    Raises:
        InputError: there is no table.
    """
    path = table or store.shipped() / TABLE
    rows = store.read_table(path, remedy="neurosim figures power_linearity --recompute")
    by_net: dict[str, Any] = {}
    for net in NETS:
        own = {name: column[rows["net"] == net] for name, column in rows.items()}
        by_net[net] = {**own, "line": fit(own["spikes"], own["dynamic_uw"])}
    at_one = by_net["aspen"]["dynamic_uw"][by_net["aspen"]["threshold"] == 1.0][0]
    unit = price.anchor("imu").cycle_j
    by_net["anchors"] = [
        (a.name, 1e6 * a.idle_w, at_one * a.cycle_j / unit)
        for a in price.ANCHORS
        if a.idle_w is not None
    ]
    return by_net


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw dynamic power against spikes and against active bins, and the anchors' totals."""
    with style():
        figure = Figure(figsize=(9.6, 3.2), layout="constrained")
        spikes, bins, total = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 0.8))
        for net, (colour, marker, label) in NETS.items():
            a = arrays[net]
            spikes.plot(a["spikes"] / 1e3, a["dynamic_uw"], color=colour, marker=marker, ls="")
            ends = np.array([0, a["spikes"].max()])
            line = a["line"].intercept + a["line"].slope * ends
            spikes.plot(ends / 1e3, line, color=colour, lw=0.8, ls="--")
            active = 100 * a["hidden_bins"]
            bins.plot(active, a["dynamic_uw"], color=colour, marker=marker, lw=0.8, label=label)
        label_y = "estimated dynamic power (µW)"
        spikes.set(title="Against spikes", xlabel="thousand spikes per inference", ylabel=label_y)
        spikes.set_ylim(bottom=0)
        bins.set(
            title="Against active bins", xlabel="active (neuron, step) bins (%)", ylabel=label_y
        )
        bins.set_ylim(bottom=0)
        bins.set_xlim(left=0)
        bins.legend(loc="upper right", bbox_to_anchor=(1.02, 0.78), fontsize=7)
        _totals(total, arrays["anchors"])
    return figure


def _totals(axis: Axes, anchors: list[tuple[str, float, float]]) -> None:
    names = [SHOWN[name] for name, _, _ in anchors]
    idle, dynamic = ([a[k] for a in anchors] for k in (1, 2))
    axis.bar(names, idle, color=SKY, label="idle, published", width=0.6)
    axis.bar(names, dynamic, bottom=idle, color=ORANGE, label="dynamic, estimated", width=0.6)
    claimed = 1e6 * (price.anchor("aspen").total_w or 0.0)
    axis.axhline(claimed, color=BLACK, lw=1, ls=":", label=f"ASPEN's claim: {claimed:.0f}")
    axis.set(title="Total, by measurement", ylabel="power at threshold 1 (µW)", ylim=(0, 370))
    axis.legend(loc="upper left", fontsize=7)
