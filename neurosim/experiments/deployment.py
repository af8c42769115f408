"""Put a run's net on a chip, with integer scales chosen on its own training windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim import data
from neurosim.experiments.verification import SPEC_FILE
from neurosim.run import Run
from neurosim.xylo.mapping import deploy
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

CALIBRATION = 64
"""Training windows that the integer scales are chosen on."""


def deploy_run(
    folder: Path, chip: str = "xylo-imu", *, dataset: Dataset | None = None
) -> tuple[XyloSpec, Path]:
    """Map and quantise a run's net, calibrated on its training windows; save it beside the net."""
    run = Run.load(folder)
    if dataset is None:
        dataset = data.wrist_imu(
            data.Split(**run.provenance["split"]), front_end=data.FrontEnd.from_dict(run.front_end)
        )
    rng = np.random.default_rng(0)
    train = dataset.train.raster
    chosen = rng.choice(len(train), size=min(CALIBRATION, len(train)), replace=False)
    spec = deploy(run.network, chip, calibration=train[np.sort(chosen)])
    spec = replace(spec, front_end=run.front_end)
    return spec, spec.save(folder / SPEC_FILE)
