"""ASPEN 5: on the integer chip: equal in two simulators; is power linear in the spikes?"""

from __future__ import annotations

import numpy as np

from neurosim import engines
from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training
from neurosim.workflows.sweep import measure as run_once


def measure(
    net: str,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    compared: int,
) -> list[Row]:
    """Measure activity, cycles and estimated power; compare some windows with XyloSim."""
    data, _, spec = on_chip.wrist(net, seed, every=every, training=training)
    rows = []
    for scale in thresholds:
        scaled = spec.with_threshold(scale)
        row = run_once(scaled, scale, data.test.raster, data.test.labels, "brian2")
        rows.append(
            {
                "threshold": scale,
                "accuracy": row["accuracy"],
                "spikes": row["spikes_per_inference"],
                "active_bins": row["hidden_bins"],
                "cycles": row["cycles_per_step"],
                "power": row["power_uw"],
                "differing": _differing(scaled, data.test.raster[:compared]),
            }
        )
    return rows


def _differing(spec: on_chip.XyloSpec, raster: np.ndarray) -> int:
    """Count the spike values in which the Brian2 engine and XyloSim differ."""
    first, second = (engines.get(name).run(spec, raster) for name in ("brian2", "xylosim"))
    return sum(
        int(np.count_nonzero(a != b)) for a, b in zip(first.spikes, second.spikes, strict=True)
    )


STUDY = Study(
    name="aspen_chip",
    title="Spikes, cycles and estimated power on the integer chip",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "seed", "threshold"),
    units={
        "accuracy": "share of test windows",
        "spikes": "spikes per window",
        "active_bins": "share of neuron-steps with a spike",
        "cycles": "clock cycles per step",
        "power": "µW (estimated)",
        "differing": "values",
    },
    settings={"training": trained.FULL, "every": 1, "thresholds": THRESHOLD_SCALES, "compared": 2},
    seeds=5,
    fast={**trained.FAST, "thresholds": (0.6, 1.0, 2.4)},
)
