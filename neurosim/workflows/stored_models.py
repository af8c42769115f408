"""Stored models, measured at every threshold on windows of people they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim import data, engines, readout, store
from neurosim.data import cache
from neurosim.energy import price as energy
from neurosim.energy.neurobench_measures import footprint_bytes
from neurosim.energy.operating_points import Setting, Table
from neurosim.energy.price import Price
from neurosim.energy.wear import Outcomes
from neurosim.errors import InputError
from neurosim.frozen import Frozen
from neurosim.network import THRESHOLD_SCALES
from neurosim.run import Run
from neurosim.workflows.deployment import deploy_run
from neurosim.workflows.run_data import windows_of
from neurosim.xylo import chips, specifications
from neurosim.xylo.spec import XyloSpec


@dataclass(frozen=True, eq=False)
class Sample(Frozen):
    """What a net did on some windows, at K thresholds."""

    correct: np.ndarray
    """(K, windows) bool."""
    silent: np.ndarray
    """(K, windows) bool: no output spike."""
    spikes: np.ndarray
    """(K, windows) spikes of hidden and output neurons."""
    hidden_bins: np.ndarray
    """(K, windows) share of (step, neuron) with a spike."""
    cycles: np.ndarray
    """(K, windows) clock cycles of a step."""


@dataclass(frozen=True, eq=False)
class Model(Frozen):
    """A stored net, measured on all windows of people it was not trained on."""

    name: str
    spec: XyloSpec
    scales: tuple[float, ...]
    sample: Sample
    people: np.ndarray
    """(windows,) subject of each window, of validation and test."""
    wearers: tuple[int, ...]
    """Test subjects: who wears the device. The table is calibrated on all others of `people`."""
    input_bins: float
    """Share of (window, step, channel) with an event."""

    @property
    def footprint(self) -> int:
        """Bytes of the stored net."""
        return footprint_bytes(self.spec)


def measure_model(
    run: Run | str | Path,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
    engine: str = "brian2",
    dataset: data.Dataset | None = None,
    chip: str | None = None,
) -> Model:
    """Run a run's deployed net at every threshold on the windows of people it has not seen.

    The specification beside the run is used, and made where there is none. Results are cached.

    Args:
        run: a run of a layered net, or its folder.
        scales: thresholds, 1 among them.
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
    return measure(run.folder.name, spec, dataset, scales, engine=engine)


def measure(
    name: str,
    spec: XyloSpec,
    dataset: data.Dataset,
    scales: Sequence[float] = THRESHOLD_SCALES,
    *,
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
    measured = sample(spec, raster, labels, scales, engine)
    active = float(np.count_nonzero(raster) / raster.size)
    return Model(name, spec, tuple(scales), measured, people, wearers, active)


def sample(
    spec: XyloSpec,
    raster: np.ndarray,
    labels: np.ndarray,
    scales: Sequence[float],
    engine: str = "brian2",
) -> Sample:
    """Run a net at every threshold; one value for each threshold and window."""

    def run() -> cache.Arrays:
        rows = [_one(spec.with_threshold(scale), raster, labels, engine) for scale in scales]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    key = {
        "what": "operating points 2",
        "spec": spec.digest(),
        "scales": [float(scale) for scale in scales],
        "engine": engine,
        "windows": store.content({"raster": raster, "labels": labels}),
    }
    shape = (len(scales), len(labels))
    kinds = {"correct": "b", "silent": "b", "spikes": "i", "hidden_bins": "f", "cycles": "f"}
    return Sample(**cache.cached(key, run, {name: (kind, shape) for name, kind in kinds.items()}))


def _one(spec: XyloSpec, raster: np.ndarray, labels: np.ndarray, engine: str) -> cache.Arrays:
    hidden, output = engines.get(engine).run(spec, raster).spikes
    decided = readout.decide(output)
    input_bins = (raster > 0).mean(axis=(1, 2))
    hidden_bins = (hidden > 0).mean(axis=(1, 2))
    cycles = [energy.per_step(spec, *bins) for bins in zip(input_bins, hidden_bins, strict=True)]
    return {
        "correct": decided == labels,
        "silent": decided == readout.SILENT,
        "spikes": hidden.sum(axis=(1, 2), dtype=np.int64) + output.sum(axis=(1, 2), dtype=np.int64),
        "hidden_bins": hidden_bins,
        "cycles": np.array(cycles),
    }


def table_of(models: Sequence[Model], price: Price, wearer: int | None = None) -> Table:
    """Return the table of all models and thresholds, calibrated on everybody but the wearer."""
    rows = []
    for model in models:
        others = model.people != wearer
        for k, scale in enumerate(model.scales):
            cycles = model.sample.cycles[k, others].mean()
            rows.append(
                Setting(
                    model.name,
                    scale,
                    accuracy=float(model.sample.correct[k, others].mean()),
                    silent=float(model.sample.silent[k, others].mean()),
                    power_w=float(price.power_w(cycles, model.spec.dt)),
                )
            )
    return tuple(rows)


def outcomes_of(models: Sequence[Model], price: Price) -> dict[tuple[str, float], Outcomes]:
    """Return what each model and threshold does on every window."""
    return {
        (model.name, scale): Outcomes(
            correct=model.sample.correct[k],
            power_w=np.asarray(price.power_w(model.sample.cycles[k], model.spec.dt)),
            resting_w=float(price.power_w(energy.per_step(model.spec, 0.0, 0.0), model.spec.dt)),
        )
        for model in models
        for k, scale in enumerate(model.scales)
    }
