"""Put a run's net on a chip, with integer scales chosen on its own training windows."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.run import Run
from neurosim.workflows import fidelity, specifications
from neurosim.workflows.fidelity import LayerFidelity
from neurosim.workflows.run_data import calibration, windows_of
from neurosim.xylo.mapping import Deployment, DeployWarning, plan
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

MEASURED = 64
"""About so many test windows are compared with the float net."""


def deploy_run(
    run: Run | str | Path,
    chip: str = "xylo-imu",
    *,
    dataset: Dataset | None = None,
    force: bool = False,
    **options: Any,
) -> tuple[XyloSpec, Path]:
    """Map and quantise a run's net, calibrated on its training windows; save it beside the net.

    Arguments and errors as for `report_run`. What the mapping changes is a DeployWarning.

    Returns:
        The specification and its file.
    """
    deployment, path, _ = report_run(
        run, chip, dataset=dataset, force=force, measure=False, **options
    )
    for message in deployment.warnings:
        warnings.warn(message, DeployWarning, stacklevel=2)
    return deployment.spec, path


def report_run(
    run: Run | str | Path,
    chip: str = "xylo-imu",
    *,
    dataset: Dataset | None = None,
    force: bool = False,
    measure: bool = True,
    **options: Any,
) -> tuple[Deployment, Path, list[LayerFidelity]]:
    """Do what `deploy_run` does and say what changed on the way.

    Args:
        run: a run of a layered net, or its folder.
        chip: name of the chip.
        dataset: encoded windows that the run was trained on; looked for when None, see
            `run_data.dataset_of`.
        force: replace a specification for this chip that differs.
        measure: compare the spike counts with the float net's, on test windows.
        options: of `neurosim.xylo.plan`: quantiser, prune, residuals, ...

    Returns:
        The deployment, the file of its specification, and how far each layer follows the float
        net (empty where it was not measured or neurons were pruned).

    Raises:
        InputError: there is no such run, its data are not found, the net does not fit the chip, or
            another specification for it lies there.
    """
    run = Run.load(run)
    network = run.layered
    dataset = windows_of(run, dataset)
    deployment = plan(network, chip, calibration=calibration(dataset.train.raster), **options)
    spec = replace(deployment.spec, front_end=run.front_end)
    path = specifications.save(spec, run.folder, force=force)
    layers = []
    if measure and sum(spec.layers) == sum(network.shape[1:-1]):
        test = dataset.test.raster
        layers = fidelity.measure(spec, network, test[:: max(len(test) // MEASURED, 1)])
    return replace(deployment, spec=spec), path, layers
