"""Put a net on a chip; the integer scales of a run's net are chosen on its training windows."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError
from neurosim.formats import nets
from neurosim.formats.nets import Net
from neurosim.readout import Rule
from neurosim.run import NETWORK_FILE, Run
from neurosim.workflows import fidelity
from neurosim.workflows.events import events
from neurosim.workflows.fidelity import LayerFidelity
from neurosim.workflows.run_data import calibration as calibration_of
from neurosim.workflows.run_data import windows_of
from neurosim.xylo import chips, idle, rules, specifications
from neurosim.xylo.mapping import Deployment, DeployWarning, plan
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

NIR_OPTIONS = ("dt", "source", "reset")
ON_COUNTS = ("counts", "early")
"""Losses whose evidence is a class's spikes, so that their log odds a spike make a posterior."""
MEASURED = 64
"""About so many test windows are compared with the float net."""


def deploy(form: Any, chip: str = chips.DEFAULT, **options: Any) -> XyloSpec:
    """Return the specification of a net for a chip, whatever form the net comes in.

    What the mapping changes is a DeployWarning. A run is deployed as by `deploy_run`, which also
    saves the specification beside its net; nothing else is written.

    Args:
        form: a net, see `neurosim.formats.nets`. A specification, whose integers are chosen
            already, is only checked against the chip's rules.
        chip: name of the chip.
        options: of `neurosim.xylo.plan` (calibration, quantiser, ...); `decision`, a
            `readout.Rule`; `dt`, `source` and `reset` of a NIR graph; `dataset` and `force` of a
            run, see `deploy_run`.

    Raises:
        InputError: it is no net, no Network can say it, or (RuleError) it does not fit the chip.
    """
    run = run_of(form)
    if run is not None:
        return deploy_run(run, chip, **options)[0]
    return _warned(report(form, chip, **options)).spec


def deploy_run(
    run: Run | str | Path,
    chip: str = chips.DEFAULT,
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
    return _warned(deployment).spec, path


def _warned(deployment: Deployment) -> Deployment:
    """Give what a mapping changes as warnings at the caller's caller."""
    for message in deployment.warnings:
        warnings.warn(message, DeployWarning, stacklevel=3)
    return deployment


def run_of(form: Any) -> Run | None:
    """Return the run that a Run or a run's folder is; None where it is another form of a net."""
    if isinstance(form, Run):
        return form
    if isinstance(form, str | os.PathLike) and (Path(form) / NETWORK_FILE).is_file():
        return Run.load(Path(form))
    return None


def report(
    form: Any,
    chip: str = chips.DEFAULT,
    *,
    dt: float | None = None,
    source: str | None = None,
    reset: str | None = None,
    decision: Rule | None = None,
    **options: Any,
) -> Deployment:
    """Do what `deploy` does with a net that is no run, and say what changed on the way."""
    net = nets.one(form, dt=dt, source=source, reset=reset)
    for name in ("dataset", "force"):
        if options.pop(name, None):
            raise InputError(f"{net.name}: {name} is for runs, and it is none; leave it out")
    if net.spec is not None:
        return _deciding(_checked(net, net.spec, chip, options), decision)
    if net.network is None:
        why = net.origin.get("no Network, since")
        raise InputError(f"{net.name} cannot be deployed: {why}")
    return _deciding(plan(net.network, chip, **options), decision)


def _deciding(deployment: Deployment, decision: Rule | None) -> Deployment:
    """Return the deployment with a rule of decision; its own where None is given."""
    if decision is None:
        return deployment
    return replace(deployment, spec=replace(deployment.spec, decision=decision))


def rule_of(run: Run | None, lead: int | None, posterior: float | None) -> Rule | None:
    """Return the rule of decision of `--lead` and `--posterior`; None where neither is given.

    What a spike is worth for a posterior is what the run was trained with.

    Raises:
        InputError: a limit is refused, or a posterior is asked of what was not trained on counts.
    """
    if posterior is None:
        return None if lead is None else Rule(lead=lead)
    settings = None if run is None else run.config
    if settings is None or settings.get("loss", "counts") not in ON_COUNTS:
        raise InputError(
            f"posterior is {posterior}: a run trained on spike counts says what a spike is worth; "
            "this is none: give --lead, or decision=Rule(posterior=..., logit_scale=...)"
        )
    from neurosim.training.config import LOGIT_SCALES

    scale = settings.get("logit_scale", LOGIT_SCALES["counts"])
    return Rule(lead=lead, posterior=posterior, logit_scale=scale)


def _checked(net: Net, spec: XyloSpec, chip: str, options: dict[str, Any]) -> Deployment:
    """Return the deployment of integers as they are."""
    changed = [name for name, value in options.items() if value is not None]
    if changed:
        raise InputError(
            f"{net.name} is a specification, whose integers are chosen already; leave out "
            f"{', '.join(changed)}, or deploy the net as floats"
        )
    spec = spec.on_chip(chips.get(chip).name)
    return Deployment(spec, [], rules.usage(spec), idle.find(spec), tuple(range(spec.hidden)), ())


def deploy_file(
    path: str | Path,
    chip: str = chips.DEFAULT,
    *,
    out: Path | None = None,
    raster: str | None = None,
    force: bool = False,
    lead: int | None = None,
    posterior: float | None = None,
    **options: Any,
) -> tuple[Deployment, Path, list[LayerFidelity]]:
    """Deploy the net of a file or folder and write its specification, as `neurosim deploy` does.

    Args:
        path: of a net, see `neurosim.formats.nets`.
        chip: name of the chip.
        out: file of the specification; `spec-CHIP.safetensors` in a run's folder, or
            `NAME-CHIP.safetensors` beside another net, when None.
        raster: events to choose integer scales on, see `neurosim.workflows.events`; a run has its
            own.
        force: replace a specification that differs.
        lead: output spikes ahead of the second class at which a microcontroller decides.
        posterior: of a class at which it decides, with the log odds a spike of a run's training.
        options: as for `deploy`; those that are None or False are as if left out.

    Returns:
        As `report_run`.
    """
    options = {n: value for n, value in options.items() if value is not None and value is not False}
    run = run_of(path)
    if (rule := rule_of(run, lead, posterior)) is not None:
        options["decision"] = rule
    if run is not None:
        for name, value in (("--raster", raster), ("--out", out), *_nir_options(options)):
            if value is not None:
                raise InputError(
                    f"{path}: a run is deployed on its own training windows into its own folder; "
                    f"leave {name} out"
                )
        return report_run(run, chip, force=force, **options)
    net = nets.one(path, **dict(_nir_options(options)))
    if raster is not None:
        options["calibration"] = events({net.name: net}, raster).raster
    chosen = {name: value for name, value in options.items() if name not in NIR_OPTIONS}
    made = report(net, chip, **chosen)
    place = Path(path) if Path(path).is_dir() else Path(path).parent
    name = f"{Path(path).stem}-{made.spec.chip}.safetensors"
    return made, specifications.write(made.spec, out or place / name, force=force), []


def _nir_options(options: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, options[name]) for name in NIR_OPTIONS if name in options]


def report_run(
    run: Run | str | Path,
    chip: str = chips.DEFAULT,
    *,
    dataset: Dataset | None = None,
    force: bool = False,
    measure: bool = True,
    calibration: np.ndarray | None = None,
    decision: Rule | None = None,
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
        calibration: must be None: scales are chosen on the run's own training windows.
        decision: when the microcontroller beside the chip decides; at the window's end when None.
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
    if calibration is not None:
        raise InputError(
            f"{run.folder}: a run's scales are chosen on its own training windows; leave the "
            "calibration out, or deploy its network"
        )
    dataset = windows_of(run, dataset)
    deployment = plan(network, chip, calibration=calibration_of(dataset.train.raster), **options)
    deployment = _deciding(deployment, decision)
    spec = replace(deployment.spec, front_end=run.front_end)
    path = specifications.save(spec, run.folder, force=force)
    layers = []
    if measure and sum(spec.layers) == sum(network.shape[1:-1]):
        test = dataset.test.raster
        layers = fidelity.measure(spec, network, test[:: max(len(test) // MEASURED, 1)])
    return replace(deployment, spec=spec), path, layers
