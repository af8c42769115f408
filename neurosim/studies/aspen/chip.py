"""ASPEN 5: on the integer chip: equal in two simulators; is power linear in the spikes?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim import engines
from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.claims import Finding, Verdict, claim
from neurosim.studies.estimates import interval
from neurosim.studies.study import Row, Study, Training
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
        (row,) = run_once(scaled, scale, data.test.raster, data.test.labels, "brian2")
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
    settings={**on_chip.FULL, "thresholds": THRESHOLD_SCALES, "compared": 2},
    seeds=5,
    fast={**on_chip.FAST, "thresholds": (0.6, 1.0, 2.4)},
)


@claim(
    "Power is linear in the spike count",
    "first experiments 3",
    "the sweep of thresholds, {seed} seeds, cycle model",
)
def linear(d: xr.Dataset) -> Finding:
    """How well a line relates estimated power to spikes."""
    from neurosim.energy import price

    within, bins, elasticity = [], [], []
    for net in d.net.values:
        for seed in d.seed.values:
            one = d.sel(net=net, seed=seed)
            within.append(np.corrcoef(one.spikes, one.power)[0, 1] ** 2)
            bins.append(np.corrcoef(one.active_bins, one.power)[0, 1] ** 2)
            dynamic = one.power - 1e6 * (price.anchor("imu").idle_w or 0.0)
            elasticity.append(np.polyfit(np.log(one.spikes), np.log(dynamic), 1)[0])
    text = (
        f"line through power and spikes: R² {min(within):.3f} to {max(within):.3f}, "
        f"d ln(dynamic power)/d ln(spikes) {interval(np.array(elasticity)):.2f} (proportion: 1); "
        f"in active bins R² {min(bins):.4f}; spikes differing between Brian2 and XyloSim: "
        f"{int(d.differing.sum())}"
    )
    return Finding(text, Verdict.HOLDS if min(within) > 0.98 else Verdict.FAILS)


CLAIMS = (linear,)
