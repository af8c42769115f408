"""Estimated power on the integer chip against spikes and against active bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from neurosim.figures.panels import TRAINED, Panel, Sheet

TITLE = "Is power linear in the spikes? Estimates for the integer nets"
POWER = "estimated core power (µW)"
BINS = "share of neuron-steps with a spike"


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Add, as attributes, the range of R² of a line through each net's points."""
    lines = d.stack(line=("net", "seed")).transpose("line", "threshold")
    for name in ("spikes", "active_bins"):
        pairs = zip(lines[name], lines.power, strict=True)
        r2 = [np.corrcoef(x, y)[0, 1] ** 2 for x, y in pairs]
        d.attrs[f"r2_{name}"] = " to ".join(dict.fromkeys(f"{r:.3f}" for r in (min(r2), max(r2))))
    return d


SHEET = Sheet(
    "aspen_chip",
    (
        Panel("power", POWER, "Against spikes: R² of a line {r2_spikes}"),
        Panel(
            "power",
            POWER,
            "Against active neuron-steps: R² of a line {r2_active_bins}",
            x="active_bins",
            xlabel=BINS,
        ),
    ),
    kind="seeds",
    x="spikes",
    hue=replace(TRAINED, looks=({"ms": 3, "lw": 0.8},)),
    size=(4.2, 3.2),
    note="a line for each net and each of {seed} seeds, over runtime thresholds",
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
