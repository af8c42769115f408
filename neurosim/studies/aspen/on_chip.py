"""What most of ASPEN's studies measure: a net that was trained on wrist recordings, put on the
integer chip and swept over runtime thresholds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.data import WRIST_SPLIT, Split, at_random, wrist_imu
from neurosim.data.splits import PARTS
from neurosim.network import THRESHOLD_SCALES, Network
from neurosim.studies import trained
from neurosim.studies.study import Row, Training
from neurosim.workflows.run_data import calibration
from neurosim.workflows.sweep import threshold_sweep
from neurosim.xylo import DeployWarning, XyloSpec, deploy

if TYPE_CHECKING:
    import xarray as xr

    from neurosim.data import Dataset
    from neurosim.data.windows import Windows

SUBJECTS = range(1, 11)

FULL: dict[str, Any] = {"training": {}, "every": 1}
"""The demo's nets: 40 epochs."""
SHORT: dict[str, Any] = {"training": {"epochs": 16, "batch_size": 64}, "every": 2}
"""For grids of many nets, all trained alike in a fifth of the time: every second window, so that
none overlap, and half the batch. Less accurate, most so for wide laws."""
FAST = {
    "training": {
        "epochs": 12,
        "batch_size": 8,
        "learning_rate": 0.003,
        "hidden": (16, 16),
        "weight_gain": 0.6,
    },
    "every": 32,
    "seeds": 2,
}
"""What fast studies train: a moment's work, and spikes in all layers."""
UNITS = {
    "accuracy": "share of test windows",
    "undecided": "share of test windows",
    "spikes": "spikes per window",
    "power": "µW (estimated)",
}
"""Of the columns of `sweep`."""
TESTED = "integer chip, {seed} seeds with {seed} subject splits, paired"
"""How claims on `sweep` are tested."""
HIGH = 2.4
"""End of ASPEN's open-loop sweep."""
RELEVANT = 0.02
"""Smallest difference of accuracy that matters in use: some 20 of 1000 windows."""


def split(seed: int) -> Split:
    """Return the subject split of a seed: the published one for 0, else 3 of 10 drawn to test."""
    return WRIST_SPLIT if seed == 0 else at_random(SUBJECTS, test=3, validation=1, seed=seed)


@lru_cache(maxsize=2)
def dataset(seed: int, every: int = 1) -> Dataset:
    """Return the wrist recordings in the split of a seed, its front end chosen on its training.

    Args:
        seed: of the split.
        every: keep only every n-th window, for fast runs.
    """
    return thinned(wrist_imu(split(seed)), every)


def thinned(whole: Dataset, every: int) -> Dataset:
    """Return a data set with every n-th window of each part."""
    parts = {
        name: (part := getattr(whole, name)).select(np.arange(len(part)) % every == 0)
        for name in PARTS
    }
    return replace(whole, **parts) if every > 1 else whole


def wrist_net(preset: str, seed: int, *, every: int, training: Training, **changes: Any) -> Network:
    """Return the net of a preset and seed (weights, batches, draws and subject split).

    Args:
        preset: "fixed" or "aspen".
        seed: of the net and of its split.
        every: train on every n-th window.
        training: settings that the study changes for all its nets.
        changes: settings that differ from the preset.
    """
    from neurosim.training import config

    settings = config.load(preset, seed=seed, **training, **changes)
    data = dataset(seed, every)
    key = {
        "split": [data.split.train, data.split.validation],
        "front end": data.front_end.to_dict(),
        **({"every": every} if every > 1 else {}),
    }
    return trained.kept(settings, data, key).layered


def wrist(
    preset: str, seed: int, *, every: int, training: Training, **changes: Any
) -> tuple[Dataset, Network, XyloSpec]:
    """Return a seed's wrist recordings, a net trained on them, and that net on the chip.

    Args: as for `wrist_net`.
    """
    data = dataset(seed, every)
    network = wrist_net(preset, seed, every=every, training=training, **changes)
    return data, network, put(network, data)


def put(network: Network, dataset: Dataset) -> XyloSpec:
    """Return the net on the Xylo IMU, integer scales chosen on some of its training windows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeployWarning)  # nets that are spoilt on purpose
        return deploy(network, calibration=calibration(dataset.train.raster))


def sweep(
    spec: XyloSpec, windows: Windows, thresholds: Sequence[float] = THRESHOLD_SCALES
) -> list[Row]:
    """Return a row for each threshold scale: `threshold`, and the columns of UNITS."""
    rows = threshold_sweep(spec, windows.raster, windows.labels, thresholds, workers=1)
    return [
        {
            "threshold": row["threshold"],
            "accuracy": row["accuracy"],
            "undecided": row["silent"],
            "spikes": row["spikes_per_inference"],
            "power": row["power_uw"],
        }
        for row in rows
    ]


def swept(preset: str, thresholds: Sequence[float], **net: Any) -> list[Row]:
    """Return what `sweep` does of a net that `wrist` trains, on its test windows."""
    data, _, spec = wrist(preset, **net)
    return sweep(spec, data.test, thresholds)


def over_sweep(d: xr.Dataset) -> xr.DataArray:
    """Return accuracies, means over runtime scales from 1 to HIGH."""
    return d.accuracy.sel(threshold=slice(0.99, None)).mean("threshold")
