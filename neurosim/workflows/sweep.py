"""Sweep both runtime knobs of a deployed net on an integer engine: its threshold, and the lead of
output spikes at which it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from joblib import delayed

from neurosim import engines, readout
from neurosim.energy import price
from neurosim.energy.course import Course
from neurosim.energy.cycles import clock_hz, per_step
from neurosim.errors import InputError
from neurosim.network import THRESHOLD_SCALES
from neurosim.processes import pool
from neurosim.readout import Rule
from neurosim.run import Run
from neurosim.workflows.run_data import calibration, windows_of
from neurosim.xylo import chips, specifications
from neurosim.xylo.mapping import plan
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

Row = dict[str, float]


def threshold_sweep(
    spec: XyloSpec,
    raster: np.ndarray,
    labels: np.ndarray,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    leads: Sequence[int] = (),
    engine: str = "brian2",
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Row]:
    """Measure accuracy, activity and estimated power at each threshold scale and lead.

    The engine runs once for each scale: all leads are read off the same spikes.

    Args:
        spec: the deployed net.
        raster: (samples, time, channels) event counts.
        labels: (samples,) classes.
        scales: factors on the hidden thresholds.
        leads: output spikes ahead of the second class at which a decision falls, beside decisions
            at the window's end.
        engine: an engine that runs a XyloSpec.
        workers: processes that share the scales; all cores when left out.
        progress: called with 1 after each scale.

    Returns:
        One row for each scale and lead, see `measure`.

    Raises:
        InputError: a scale, a lead or the raster is refused.
    """
    parallel = pool(workers)
    rules = readout.at_leads(leads)
    jobs = [(spec.with_threshold(scale), scale, raster, labels, engine, rules) for scale in scales]
    rows = measure(*jobs[0])  # made here, so that what is compiled is cached
    if progress:
        progress(1)
    for own in parallel(delayed(measure)(*job) for job in jobs[1:]):
        rows += own
        if progress:
            progress(1)
    return rows


def sweep_run(
    run: Run | str | Path,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    leads: Sequence[int] = (),
    chip: str | None = None,
    dataset: Dataset | None = None,
    workers: int | None = None,
) -> list[Row]:
    """Sweep a run's deployed net on the test windows of the data that it was trained on.

    The specification beside the run is used, and made where there is none; nothing is written.

    Args:
        run: a run of a layered net, or its folder.
        scales: factors on the hidden thresholds.
        leads: as for `threshold_sweep`.
        chip: whose specification; the default chip's, or the only one there, when None.
        dataset: looked for when None, see `run_data.dataset_of`.
        workers: as for `threshold_sweep`.

    Returns:
        As `threshold_sweep`.

    Raises:
        InputError: there is no such run, its data are not found, or it has no test windows.
    """
    run = Run.load(run)
    dataset = windows_of(run, dataset)
    if not len(dataset.test):
        raise InputError(f"{run.folder}: its split leaves no windows to test; nothing to sweep on")
    spec = specifications.load(run.folder, chip)
    if spec is None:
        events = calibration(dataset.train.raster)
        spec = plan(run.layered, chip or chips.DEFAULT, calibration=events).spec
    test = dataset.test
    return threshold_sweep(spec, test.raster, test.labels, scales, leads=leads, workers=workers)


def measure(
    spec: XyloSpec,
    scale: float,
    raster: np.ndarray,
    labels: np.ndarray,
    engine: str,
    rules: Sequence[Rule] = (readout.AT_END,),
) -> list[Row]:
    """Run a net once and return a row for each rule of decision.

    `threshold`; `lead` (inf at the window's end); `accuracy`; `silent`, the share of windows
    without a decision; and up to the decision: `window_used`, a share; `spikes_per_inference`,
    hidden and output; `input_events`; `input_bins` and `hidden_bins` (share with an event);
    `cycles_per_step`; `clock_mhz`, which finishes the busiest step that came up; and estimates of
    the mean power over the window, `power_uw` and two bounds, see `price.powers_uw`.
    """
    recording = engines.get(engine).run(spec, raster)
    course, output = Course.of(raster, recording), recording.spikes[1]
    return [_row(spec, scale, course, output, labels, rule) for rule in rules]


def _row(
    spec: XyloSpec,
    scale: float,
    course: Course,
    output: np.ndarray,
    labels: np.ndarray,
    rule: Rule,
) -> Row:
    classes, steps = readout.decisions(output, rule)
    spent = course.until(steps)
    active, used = spent.activity(), float(steps.mean()) / course.length
    cycles = float(per_step(spec, active.input_bins, active.hidden_bins))
    clock = clock_hz(spec, course.busiest(spec, steps).max())
    return {
        "threshold": scale,
        "lead": rule.lead_or_never,
        "accuracy": float(np.mean(classes == labels)),
        "silent": float(np.mean(classes == readout.SILENT)),
        "window_used": used,
        "spikes_per_inference": active.spikes,
        "input_events": float(spent.events.mean()),
        "input_bins": active.input_bins,
        "hidden_bins": active.hidden_bins,
        "cycles_per_step": cycles,
        "clock_mhz": 1e-6 * clock,
        **price.powers_uw(spec, cycles * used, used, clock),
    }


def by_threshold(rows: Sequence[Row]) -> dict[float, Row]:
    """Index the rows of one net, at one lead, by their threshold scale."""
    return {row["threshold"]: row for row in rows}
