"""ASPEN 1: nets trained at a fixed and at a stochastic threshold, over the runtime threshold."""

from __future__ import annotations

import numpy as np

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training


def measure(
    net: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Sweep one net on the integer chip and as the float net that was trained."""
    from neurosim.workflows.float_sweep import sweep

    data, network, spec = on_chip.wrist(net, seed, every=every, training=training)
    rows = on_chip.sweep(spec, data.test, thresholds)
    floats = sweep(network, data.test.raster, data.test.labels, thresholds)
    sizes = data.test.raster.shape[1] * np.array(network.shape[1:])
    for row, accuracy, rates in zip(rows, floats.accuracy, floats.rates, strict=True):
        row.update(accuracy_float=float(accuracy), spikes_float=float(rates @ sizes))
    return rows


STUDY = Study(
    name="aspen_thresholds",
    title="Accuracy and spikes against the runtime threshold: fixed and stochastic training",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "seed", "threshold"),
    units={
        **on_chip.UNITS,
        "accuracy_float": "share of test windows",
        "spikes_float": "spikes per window",
    },
    settings={"training": trained.FULL, "every": 1, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={**trained.FAST, "thresholds": (0.6, 1.0, 2.4)},
)
