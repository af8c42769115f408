"""Sweep the runtime threshold of a run's net in Loihi's integers, beside Xylo's and the floats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import engines, readout
from neurosim.engines import loihi
from neurosim.network import THRESHOLD_SCALES
from neurosim.run import Run
from neurosim.verify.rung import evenly_spread
from neurosim.workflows.run_data import calibration, windows_of
from neurosim.xylo import specifications

if TYPE_CHECKING:
    from neurosim.data import Dataset

WINDOWS = 256
"""Test windows of the sweep."""


def sweep_on_loihi(
    run: Run | str | Path,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    dataset: Dataset | None = None,
) -> list[dict[str, Any]]:
    """Return accuracy and spikes per window at each scale: floats, Loihi, and Xylo if deployed.

    Args:
        run: a run of a layered net, or its folder.
        scales: factors on the hidden thresholds.
        dataset: encoded windows that the run was trained on; looked for when None, see
            `run_data.dataset_of`. Loihi's exponents are chosen on some of its training windows.

    Raises:
        InputError: there is no such run, its data are not found, or Loihi cannot hold the net.
    """
    run = Run.load(run)
    network = run.layered
    dataset = windows_of(run, dataset)
    chosen = evenly_spread(dataset.test.raster, WINDOWS)
    raster, labels = dataset.test.raster[chosen], dataset.test.labels[chosen]
    models: dict[str, Any] = {"float": network}
    if (spec := specifications.load(run.folder)) is not None:
        models["xylo"] = spec
    models["loihi"] = loihi.from_network(
        network, calibration(dataset.train.raster), max_threshold_scale=max(scales)
    )
    rows = []
    for scale in scales:
        row: dict[str, Any] = {"scale": scale, "windows": len(raster)}
        for name, model in models.items():
            engine = engines.get("loihi" if name == "loihi" else "brian2")
            spikes = engine.run(model.with_threshold(scale), raster).spikes
            row[f"accuracy_{name}"] = readout.accuracy(spikes[-1], labels)
            row[f"spikes_{name}"] = sum(float(s.sum(dtype=np.int64)) for s in spikes) / len(raster)
        rows.append(row)
    return rows
