"""Sweep the runtime threshold of a run's net in Loihi's integers, beside Xylo's and the floats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from neurosim import engines, readout
from neurosim.engines import loihi
from neurosim.errors import InputError
from neurosim.verify.rung import evenly_spread
from neurosim.workflows import targets
from neurosim.workflows.sweep import SCALES

WINDOWS, CALIBRATION = 256, 64
"""Test windows of the sweep; training windows that exponents are chosen on."""


def sweep_run(folder: Path, scales: Sequence[float] = SCALES) -> list[dict[str, Any]]:
    """Return accuracy and spikes per window at each scale, for floats, Xylo and Loihi.

    Raises:
        InputError: no trained net is there, or Loihi cannot hold it.
    """
    found = targets.load(folder)
    target = next(iter(found.values()))
    if target.network is None:
        raise InputError(f"{folder}: holds integers only; give a run with its trained net")
    events = targets.events(found, None)
    chosen = evenly_spread(events.raster, WINDOWS)
    raster = events.raster[chosen]
    labels = np.asarray(events.labels)[chosen]
    seen = events.raster if events.calibration is None else events.calibration
    mapped = loihi.from_network(
        target.network, seen[evenly_spread(seen, CALIBRATION)], max_threshold_scale=max(scales)
    )
    engine, rows = engines.get("brian2"), []
    for scale in scales:
        runs = {"float": engine.run(target.network.with_threshold(scale), raster).spikes}
        if target.spec is not None:
            runs["xylo"] = engine.run(target.spec.with_threshold(scale), raster).spikes
        runs["loihi"] = engines.get("loihi").run(mapped.with_threshold(scale), raster).spikes
        row: dict[str, Any] = {"scale": scale, "windows": len(raster)}
        for name, spikes in runs.items():
            row[f"accuracy_{name}"] = readout.accuracy(spikes[-1], labels)
            row[f"spikes_{name}"] = sum(float(s.sum(dtype=np.int64)) for s in spikes) / len(raster)
        rows.append(row)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return the sweep as a table."""
    names = [key.removeprefix("accuracy_") for key in rows[0] if key.startswith("accuracy_")]
    title = f"Threshold sweep, {rows[0]['windows']} test windows"
    out = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
    out.add_column("scale", justify="right")
    for what in ("accuracy", "spikes"):
        for name in names:
            out.add_column(f"{what}\n{name}", justify="right")
    for row in rows:
        accuracies = [f"{row[f'accuracy_{name}']:.3f}" for name in names]
        spikes = [f"{row[f'spikes_{name}']:,.0f}" for name in names]
        out.add_row(f"{row['scale']:.1f}", *accuracies, *spikes)
    return out
