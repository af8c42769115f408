"""Put a run's net on a chip, with integer scales chosen on its own training windows."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table

from neurosim import data
from neurosim.run import Run
from neurosim.workflows import fidelity
from neurosim.workflows.fidelity import LayerFidelity
from neurosim.workflows.verification import SPEC_FILE
from neurosim.xylo.mapping import Deployment, DeployWarning, plan
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

CALIBRATION = 64
"""Training windows that the integer scales are chosen on."""
SAME_TAU = 0.005
"""Relative change of a time constant from which on it is listed."""


def deploy_run(
    folder: Path, chip: str = "xylo-imu", *, dataset: Dataset | None = None, **options: Any
) -> tuple[XyloSpec, Path]:
    """Map and quantise a run's net, calibrated on its training windows; save it beside the net."""
    deployment, path, _ = report_run(folder, chip, dataset=dataset, measure=False, **options)
    for message in deployment.warnings:
        warnings.warn(message, DeployWarning, stacklevel=2)
    return deployment.spec, path


def report_run(
    folder: Path,
    chip: str = "xylo-imu",
    *,
    dataset: Dataset | None = None,
    measure: bool = True,
    **options: Any,
) -> tuple[Deployment, Path, list[LayerFidelity]]:
    """Do what `deploy_run` does and say what changed on the way.

    Args:
        folder: of a run.
        chip: name of the chip.
        dataset: encoded windows; those that the run was trained on when left out.
        measure: compare the spike counts with the float net's, on test windows.
        options: of `neurosim.xylo.plan`: quantiser, prune, residuals, ...

    Returns:
        The deployment, the file of its specification, and how far each layer follows the float
        net (empty where it was not measured or neurons were pruned).
    """
    run = Run.load(folder)
    network = run.layered
    if dataset is None:
        dataset = data.wrist_imu(
            data.Split(**run.provenance["split"]), front_end=data.FrontEnd.from_dict(run.front_end)
        )
    rng = np.random.default_rng(0)
    train = dataset.train.raster
    chosen = rng.choice(len(train), size=min(CALIBRATION, len(train)), replace=False)
    deployment = plan(network, chip, calibration=train[np.sort(chosen)], **options)
    spec = replace(deployment.spec, front_end=run.front_end)
    path = spec.save(Path(folder) / SPEC_FILE)
    layers = []
    if measure and sum(spec.layers) == sum(network.shape[1:-1]):
        every = max(len(dataset.test.raster) // CALIBRATION, 1)
        layers = fidelity.measure(spec, network, dataset.test.raster[::every])
    return replace(deployment, spec=spec), path, layers


def tables(deployment: Deployment, layers: list[LayerFidelity]) -> list[Table]:
    """Return what changed as tables: time constants, the chip's numbers, fidelity by layer."""
    found = [_usage(deployment)]
    if any(abs(row.change) > SAME_TAU for row in deployment.time_constants):
        found.insert(0, _time_constants(deployment))
    if layers:
        found.append(_fidelity(layers))
    return found


def summary(deployment: Deployment) -> list[str]:
    """Return a line on idle neurons, and one on time constants where none changes."""
    idle = deployment.idle
    pruned = sum(i not in set(deployment.kept) for i in idle.ids)
    lines = [
        f"idle neurons: {len(idle.dead)} cannot fire, {len(idle.unread)} are heard by nobody, "
        f"{pruned} pruned"
    ]
    if idle.ids and not pruned:
        lines[0] += " (--prune leaves them out; no output spike changes)"
    if all(abs(row.change) <= SAME_TAU for row in deployment.time_constants):
        lines.append(f"time constants: all kept to {SAME_TAU:.1%}")
    return lines


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k else "left")
    return table


def _time_constants(deployment: Deployment) -> Table:
    columns = ("layer", "name", "neurons", "wished [ms]", "given [ms]", "shift", "change")
    table = _table("time constants become bit shifts", *columns)
    for row in deployment.time_constants:
        if abs(row.change) > SAME_TAU:
            times = f"{1e3 * row.requested:.4g}", f"{1e3 * row.actual:.4g}"
            cells = (str(row.layer), row.name, str(row.neurons), *times, str(row.shift))
            table.add_row(*cells, f"{row.change:+.1%}")
    return table


def _usage(deployment: Deployment) -> Table:
    table = _table(f"used of {deployment.spec.chip}", "", "used", "of")
    for resource in deployment.usage:
        table.add_row(resource.what, f"{resource.used:,}", f"{resource.limit:,}")
    return table


def _fidelity(layers: list[LayerFidelity]) -> Table:
    title = "integer against float net: spike counts on test windows"
    table = _table(
        title, "layer", "correlation", "float rate", "chip rate", "saturated", "weights lost"
    )
    for row in layers:
        rates = f"{row.rate:.4f}", f"{row.integer_rate:.4f}"
        shares = f"{row.saturated:.1%}", f"{row.lost:.1%}"
        table.add_row(str(row.layer), f"{row.correlation:.4f}", *rates, *shares)
    return table
