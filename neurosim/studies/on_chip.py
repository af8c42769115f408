"""What most studies measure: a trained net on the integer chip, at many runtime thresholds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neurosim.network import THRESHOLD_SCALES, Network
from neurosim.studies import trained
from neurosim.studies.study import Row
from neurosim.studies.trained import Training
from neurosim.workflows.run_data import calibration
from neurosim.workflows.sweep import threshold_sweep
from neurosim.xylo import DeployWarning, XyloSpec, deploy

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.data.windows import Windows

UNITS = {
    "accuracy": "share of test windows",
    "undecided": "share of test windows",
    "spikes": "spikes per window",
    "power": "µW (estimated)",
}
"""Of the columns of `sweep`."""


def wrist(
    preset: str, seed: int, *, every: int, training: Training, **changes: Any
) -> tuple[Dataset, Network, XyloSpec]:
    """Return a seed's wrist recordings, a net trained on them, and that net on the chip.

    Args: as for `trained.wrist_net`.
    """
    data = trained.dataset(seed, every)
    network = trained.wrist_net(preset, seed, every=every, training=training, **changes)
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
    found = threshold_sweep(spec, windows.raster, windows.labels, thresholds, workers=1)
    return [
        {
            "threshold": row["threshold"],
            "accuracy": row["accuracy"],
            "undecided": row["silent"],
            "spikes": row["spikes_per_inference"],
            "power": row["power_uw"],
        }
        for row in found
    ]
