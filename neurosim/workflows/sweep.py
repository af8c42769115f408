"""Sweep the runtime threshold of a deployed net on an integer engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from joblib import delayed

from neurosim import engines, readout
from neurosim.energy import price
from neurosim.network import THRESHOLD_SCALES
from neurosim.processes import pool
from neurosim.xylo.spec import XyloSpec

Row = dict[str, float]


def threshold_sweep(
    spec: XyloSpec,
    raster: np.ndarray,
    labels: np.ndarray,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    engine: str = "brian2",
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Row]:
    """Measure accuracy, activity and estimated power at each threshold scale.

    Args:
        spec: the deployed net.
        raster: (samples, time, channels) event counts.
        labels: (samples,) classes.
        scales: factors on the hidden thresholds.
        engine: an engine that runs a XyloSpec.
        workers: processes that share the scales; all cores when left out.
        progress: called with 1 after each scale.

    Returns:
        One row for each scale, see `measure`.
    """
    parallel = pool(workers)
    jobs = [(spec.with_threshold(scale), scale, raster, labels, engine) for scale in scales]
    rows = [measure(*jobs[0])]  # made here, so that what is compiled is cached
    if progress:
        progress(1)
    for row in parallel(delayed(measure)(*job) for job in jobs[1:]):
        rows.append(row)
        if progress:
            progress(1)
    return rows


def measure(
    spec: XyloSpec, scale: float, raster: np.ndarray, labels: np.ndarray, engine: str
) -> Row:
    """Run a net once: `accuracy`, `silent` (share of windows without a decision),
    `spikes_per_inference`, `input_bins` and `hidden_bins` (share with an event), `cycles_per_step`,
    `power_uw` (an estimate, see `neurosim.energy.price`).
    """
    recording = engines.get(engine).run(spec, raster)
    output = recording.spikes[1]
    active = price.activity(raster, recording)
    cycles = price.per_step(spec, active.input_bins, active.hidden_bins)
    power_w = price.published_price(spec=spec).power_w(cycles, spec.dt)
    return {
        "threshold": scale,
        "accuracy": readout.accuracy(output, labels),
        "silent": float(np.mean(readout.decide(output) == readout.SILENT)),
        "spikes_per_inference": active.spikes,
        "input_bins": active.input_bins,
        "hidden_bins": active.hidden_bins,
        "cycles_per_step": cycles,
        "power_uw": 1e6 * float(power_w),
    }


def by_threshold(rows: Sequence[Row]) -> dict[float, Row]:
    """Index the rows of one net by their threshold scale."""
    return {row["threshold"]: row for row in rows}
