"""Stored models, measured at every threshold on windows of people they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neurosim import data, engines, readout, store
from neurosim.data import cache
from neurosim.energy.course import Course
from neurosim.energy.cycles import per_step
from neurosim.energy.neurobench_measures import footprint_bytes
from neurosim.energy.operating_points import Key, Setting, Table
from neurosim.energy.price import Price
from neurosim.energy.wear import Outcomes
from neurosim.errors import InputError
from neurosim.frozen import Frozen
from neurosim.network import THRESHOLD_SCALES
from neurosim.readout import Rule
from neurosim.run import Run
from neurosim.workflows.deployment import deploy_run
from neurosim.workflows.run_data import windows_of
from neurosim.xylo import chips, specifications
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True, eq=False)
class Sample(Frozen):
    """What a net did on some windows up to its decisions, at K settings of threshold and lead."""

    correct: np.ndarray
    """(K, windows) bool."""
    silent: np.ndarray
    """(K, windows) bool: no output spike."""
    spikes: np.ndarray
    """(K, windows) spikes of hidden and output neurons."""
    hidden_bins: np.ndarray
    """(K, windows) share of (step, neuron) of the window with a spike."""
    cycles: np.ndarray
    """(K, windows) clock cycles of a step, mean over the window: none after the decision."""
    used: np.ndarray
    """(K, windows) share of the window up to the decision."""
    busiest: np.ndarray
    """(K, windows) most clock cycles of a step up to the decision."""


@dataclass(frozen=True, eq=False)
class Model(Frozen):
    """A stored net, measured on all windows of people it was not trained on."""

    name: str
    spec: XyloSpec
    scales: tuple[float, ...]
    """(K,) thresholds; the first of each decide at the window's end."""
    leads: tuple[float, ...]
    """(K,) leads at which decisions fall, `readout.NEVER` at the window's end."""
    sample: Sample
    people: np.ndarray
    """(windows,) subject of each window, of validation and test."""
    wearers: tuple[int, ...]
    """Test subjects: who wears the device. The table is calibrated on all others of `people`."""
    input_bins: float
    """Share of (window, step, channel) with an event."""

    @property
    def at_end(self) -> Model:
        """The same net with decisions at the window's end alone."""
        kept = [k for k, lead in enumerate(self.leads) if lead == readout.NEVER]
        scales, leads = (tuple(own[k] for k in kept) for own in (self.scales, self.leads))
        sample = Sample(**{name: values[kept] for name, values in vars(self.sample).items()})
        return replace(self, scales=scales, leads=leads, sample=sample)

    @property
    def footprint(self) -> int:
        """Bytes of the stored net."""
        return footprint_bytes(self.spec)


def measure_model(
    run: Run | str | Path,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    leads: Sequence[int] = (),
    engine: str = "brian2",
    dataset: data.Dataset | None = None,
    chip: str | None = None,
) -> Model:
    """Run a run's deployed net at every threshold on the windows of people it has not seen.

    The specification beside the run is used, and made where there is none. Results are cached.

    Args:
        run: a run of a layered net, or its folder.
        scales: thresholds, 1 among them.
        leads: output spikes ahead at which a decision falls, at each threshold, beside decisions
            at the window's end.
        engine: an engine that runs a XyloSpec.
        dataset: encoded windows that the run was trained on; looked for when None, see
            `run_data.dataset_of`.
        chip: whose specification is used; the default chip's, or the only one there, when None.

    Raises:
        InputError: there is no such run, its data are not found, or its split leaves no windows.
    """
    run = Run.load(run)
    dataset = windows_of(run, dataset)
    spec = specifications.load(run.folder, chip)
    if spec is None:
        spec, _ = deploy_run(run, chip or chips.DEFAULT, dataset=dataset)
    return measure(run.folder.name, spec, dataset, scales, leads=leads, engine=engine)


def measure(
    name: str,
    spec: XyloSpec,
    dataset: data.Dataset,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    leads: Sequence[int] = (),
    engine: str = "brian2",
) -> Model:
    """Run a deployed net at every threshold on the validation and test windows of a data set.

    Raises:
        InputError: there is no test subject, or nobody else to calibrate on.
    """
    wearers = tuple(sorted({int(subject) for subject in dataset.test.subjects}))
    parts = (dataset.validation, dataset.test)
    raster, labels, people = (
        np.concatenate([getattr(part, values) for part in parts])
        for values in ("raster", "labels", "subjects")
    )
    if not wearers or len(np.unique(people)) < 2:
        raise InputError(
            f"{name}: the split has {len(wearers)} test subjects; the governor needs one to wear "
            "the device and another, of test or validation, to calibrate on: train with such a "
            "split"
        )
    measured = sample(spec, raster, labels, scales, engine, leads)
    active = float(np.count_nonzero(raster) / raster.size)
    points = settings(scales, leads)
    return Model(name, spec, *points, measured, people, wearers, active)


def settings(
    scales: Sequence[float], leads: Sequence[int] = ()
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return threshold and lead of all settings (K,), those at the window's end first."""
    rules = readout.at_leads(leads)
    points = [(float(scale), rule.lead_or_never) for rule in rules for scale in scales]
    thresholds, own = zip(*points, strict=True)
    return thresholds, own


def sample(
    spec: XyloSpec,
    raster: np.ndarray,
    labels: np.ndarray,
    scales: Sequence[float],
    engine: str = "brian2",
    leads: Sequence[int] = (),
) -> Sample:
    """Run a net once at every threshold; one value for each of `settings` and window."""
    rules = readout.at_leads(leads)

    def run() -> cache.Arrays:
        by_scale = [_one(spec.with_threshold(s), raster, labels, engine, rules) for s in scales]
        rows = [own[k] for k in range(len(rules)) for own in by_scale]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    key = {
        "what": "operating points 3",
        "spec": spec.digest(),
        "scales": [float(scale) for scale in scales],
        "leads": [int(lead) for lead in leads],
        "engine": engine,
        "windows": store.content({"raster": raster, "labels": labels}),
    }
    shape = (len(scales) * len(rules), len(labels))
    kinds = {"correct": "b", "silent": "b", "spikes": "i"}
    kinds |= dict.fromkeys(("hidden_bins", "cycles", "used", "busiest"), "f")
    return Sample(**cache.cached(key, run, {name: (kind, shape) for name, kind in kinds.items()}))


def _one(
    spec: XyloSpec, raster: np.ndarray, labels: np.ndarray, engine: str, rules: Sequence[Rule]
) -> list[cache.Arrays]:
    recording = engines.get(engine).run(spec, raster)
    course, rows = Course.of(raster, recording), []
    for rule in rules:
        classes, steps = readout.decisions(recording.spikes[1], rule)
        spent, used = course.until(steps), steps / course.length
        row = {
            "correct": classes == labels,
            "silent": classes == readout.SILENT,
            "spikes": spent.spikes,
            "hidden_bins": spent.hidden_bins * used,
            "cycles": per_step(spec, spent.input_bins, spent.hidden_bins) * used,
            "used": used,
            "busiest": course.busiest(spec, steps),
        }
        rows.append(row)
    return rows


def table_of(models: Sequence[Model], price: Price, wearer: int | None = None) -> Table:
    """Return the table of all models and settings, calibrated on everybody but the wearer."""
    rows = []
    for model in models:
        others = model.people != wearer
        for k, scale in enumerate(model.scales):
            cycles = model.sample.cycles[k, others].mean()
            used = float(model.sample.used[k, others].mean())
            rows.append(
                Setting(
                    model.name,
                    scale,
                    accuracy=float(model.sample.correct[k, others].mean()),
                    silent=float(model.sample.silent[k, others].mean()),
                    power_w=float(price.power_w(cycles, model.spec.dt, used)),
                    lead=model.leads[k],
                )
            )
    return tuple(rows)


def outcomes_of(models: Sequence[Model], price: Price) -> dict[Key, Outcomes]:
    """Return what each model does at each threshold and lead on every window."""
    found = {}
    for model in models:
        sample, dt = model.sample, model.spec.dt
        rest = float(price.power_w(per_step(model.spec, 0.0, 0.0), dt))
        for k, setting in enumerate(zip(model.scales, model.leads, strict=True)):
            power = np.asarray(price.power_w(sample.cycles[k], dt, sample.used[k]))
            found[(model.name, *setting)] = Outcomes(sample.correct[k], power, rest)
    return found
