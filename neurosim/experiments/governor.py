"""The governor's days: stored models and thresholds on real windows, policies on simulated wear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim import data, engines, readout
from neurosim.data import cache
from neurosim.errors import InputError
from neurosim.experiments.deployment import deploy_run
from neurosim.experiments.sweep import SCALES
from neurosim.experiments.targets import SPEC_FILE
from neurosim.run import Run
from neurosim.xylo import energy
from neurosim.xylo.governor import Governor, Policy, fixed, selecting
from neurosim.xylo.neurobench_measures import footprint_bytes
from neurosim.xylo.operating_points import Setting, Table, allowed, best_models, frontier
from neurosim.xylo.spec import XyloSpec
from neurosim.xylo.wear import DAY_S, Battery, Days, Life, Outcomes, live, schedule

MEMORY_BYTES = 8192
"""Of the stored models together, by default: the demo's net and a small one."""

MAX_SILENT = 0.05

LOSS = 0.1
"""Settings more than this below the best calibrated accuracy are not used."""


@dataclass(frozen=True, eq=False)
class Sample:
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
class Model:
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


@dataclass(frozen=True)
class Price:
    """What a core pays: idle power and energy of a clock cycle; both estimates."""

    idle_w: float
    cycle_j: float

    def power_w(self, cycles: np.ndarray | float, dt: float) -> np.ndarray | float:
        """Return the power at so many cycles a step of dt seconds."""
        return self.idle_w + self.cycle_j * cycles / dt


def measure_model(
    folder: Path,
    scales: Sequence[float] = SCALES,
    *,
    engine: str = "brian2",
    dataset: data.Dataset | None = None,
) -> Model:
    """Run a run's deployed net at every threshold on the windows of people it has not seen.

    The specification beside the run is used, and made where there is none. Results are cached.

    Args:
        folder: of a run.
        scales: thresholds, 1 among them.
        engine: an engine that runs a XyloSpec.
        dataset: what the run was trained on; found by its hash when None.

    Raises:
        InputError: the folder holds no run, or the run's split leaves no windows.
    """
    run = Run.load(folder)
    dataset = dataset or data.trained_on(run.provenance, run.front_end)
    path = folder / SPEC_FILE
    spec = XyloSpec.load(path) if path.is_file() else deploy_run(folder, dataset=dataset)[0]
    return measure(folder.name, spec, dataset, scales, engine=engine)


def measure(
    name: str,
    spec: XyloSpec,
    dataset: data.Dataset,
    scales: Sequence[float] = SCALES,
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
            "the device and another, of test or validation, to calibrate on"
        )
    found = sample(spec, raster, labels, scales, engine)
    active = float(np.count_nonzero(raster) / raster.size)
    return Model(name, spec, tuple(scales), found, people, wearers, active)


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
        "what": "operating points 1",
        "spec": spec.digest(),
        "scales": [float(scale) for scale in scales],
        "windows": [cache.checksum({"raster": raster, "labels": labels}), list(raster.shape)],
    }
    return Sample(**cache.cached(key, run))


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


def published_price(name: str = "imu") -> Price:
    """Return idle power and energy of a cycle by an anchor of `energy.ANCHORS`.

    Raises:
        InputError: the anchor has no idle or dynamic power.
    """
    found = energy.anchor(name)
    if found.idle_w is None:
        raise InputError(f"anchor {name!r} gives no idle power ({found.source}); use another")
    return Price(found.idle_w, found.cycle_j)


def price_at(share: float, model: Model, *, scale: float = 1.0) -> Price:
    """Return a price at which a share of a model's power at work is dynamic; total as published.

    Raises:
        InputError: a share beyond 0..1, or a scale that was not measured.
    """
    if not 0 < share <= 1:
        raise InputError(f"share is {share}; dynamic power is a share in (0, 1] of the total")
    if scale not in model.scales:
        raise InputError(f"scale {scale} was not measured; there are {model.scales}")
    published = published_price()
    cycles = model.sample.cycles[model.scales.index(scale)].mean()
    total = float(published.power_w(cycles, model.spec.dt))
    return Price(total * (1 - share), total * share * model.spec.dt / cycles)


def dynamic_share(model: Model, price: Price, *, scale: float = 1.0) -> float:
    """Return the dynamic share of a model's power at work."""
    cycles = model.sample.cycles[model.scales.index(scale)].mean()
    power = price.power_w(cycles, model.spec.dt)
    return float(1 - price.idle_w / power)


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


def policies(
    models: Sequence[Model],
    table: Table,
    *,
    memory_bytes: int = MEMORY_BYTES,
    max_silent: float = MAX_SILENT,
) -> dict[str, Policy]:
    """Return the policies that are compared, fresh; the first model is the one modulated.

    "fixed": the first model at scale 1. "calibrated": its most accurate threshold, always: what a
    table gives without a governor. "frugal": its cheapest allowed threshold, always. "select": its
    thresholds by Select(E), without memory. "threshold": the governor on its thresholds.
    "switching": the governor on all models at scale 1. "best mix": the governor on all thresholds
    of the models that best use the memory.
    """
    own = _useful([s for s in table if s.model == models[0].name], max_silent)
    usable = _useful(table, max_silent)
    at_one = [s for s in table if s.threshold == 1.0]
    home = next(s for s in at_one if s.model == models[0].name)
    powers = [s.power_w for s in usable]
    budgets = np.linspace(min(powers), max(powers), 33).tolist()
    footprints = {model.name: model.footprint for model in models}
    stored = best_models(usable, footprints, memory_bytes, budgets)
    chosen = [s for s in usable if s.model in stored]
    at_one = [s for s in at_one if s in usable] or [home]
    return {
        "fixed": fixed(home),
        "calibrated": fixed(frontier(own)[-1]),
        "frugal": fixed(min(own, key=lambda s: s.power_w)),
        "select": selecting(frontier(own)),
        "threshold": Governor(own, max_silent=max_silent),
        "switching": Governor(at_one, max_silent=max_silent),
        "best mix": Governor(chosen, max_silent=max_silent),
    }


def _useful(settings: Sequence[Setting], max_silent: float) -> Table:
    """Return the settings that answer, and lose no more than LOSS against the best of them."""
    answering = allowed(settings, max_silent=max_silent)
    most = max(s.accuracy for s in answering)
    return allowed(answering, min_accuracy=most - LOSS, max_silent=max_silent)


def scarce_battery(
    model: Model, price: Price, *, supply: float, days: int, active_hours: float, harvested: float
) -> Battery:
    """Return a battery that holds a share of what the model at scale 1 needs for all days.

    Args:
        model: whose need is meant.
        price: of its cycles.
        supply: energy there is over energy needed.
        days: until the recharge.
        active_hours: a day.
        harvested: share of the supply that the harvester brings.
    """
    k = model.scales.index(1.0)
    work = price.power_w(model.sample.cycles[k].mean(), model.spec.dt)
    rest = price.power_w(energy.per_step(model.spec, 0.0, 0.0), model.spec.dt)
    mean = float((active_hours * work + (24 - active_hours) * rest) / 24)
    need = mean * DAY_S * days
    return Battery(capacity_j=supply * need * (1 - harvested), harvest_w=supply * mean * harvested)


@dataclass(frozen=True, eq=False)
class Weeks:
    """What every policy made of the same weeks."""

    lives: dict[str, tuple[Life, ...]]
    """For each policy one life for each week."""
    battery: Battery
    schedules: tuple[Days, ...]
    wearers: tuple[int, ...]
    """Who wore the device in each week."""


def weeks_of(
    models: Sequence[Model],
    price: Price,
    *,
    supply: float = 0.8,
    days: int = 7,
    active_hours: float = 12.0,
    harvested: float = 0.3,
    weeks: int = 9,
    memory_bytes: int = MEMORY_BYTES,
    max_silent: float = MAX_SILENT,
) -> Weeks:
    """Let every policy live through the same drawn weeks, worn by each test subject in turn.

    Args:
        models: stored nets, measured on the same people; the first is the one modulated.
        price: what they pay.
        supply: energy there is over what the first model at scale 1 needs.
        days: until the recharge.
        active_hours: of movement a day.
        harvested: share of the supply that is harvested.
        weeks: how many are drawn; the number is the seed.
        memory_bytes: of the models of "best mix" together.
        max_silent: share of windows without an answer that a setting may have.
    """
    battery = scarce_battery(
        models[0], price, supply=supply, days=days, active_hours=active_hours, harvested=harvested
    )
    outcomes = outcomes_of(models, price)
    wearers = tuple(models[0].wearers[week % len(models[0].wearers)] for week in range(weeks))
    lives: dict[str, list[Life]] = {}
    schedules = []
    for week, wearer in enumerate(wearers):
        worn = np.where(models[0].people == wearer, wearer, -1)
        drawn = schedule(worn, battery, days=days, active_hours=active_hours, seed=week)
        schedules.append(drawn)
        table = table_of(models, price, wearer)
        made = policies(models, table, memory_bytes=memory_bytes, max_silent=max_silent)
        for name, policy in made.items():
            lives.setdefault(name, []).append(live(policy, outcomes, battery, drawn))
    done = {name: tuple(own) for name, own in lives.items()}
    return Weeks(done, battery, tuple(schedules), wearers)


def gains(
    lives: Mapping[str, Sequence[Life]], against: str = "fixed"
) -> dict[str, tuple[float, float]]:
    """Return mean and 95 % half width of the paired gain in correct share of each policy."""
    from scipy.stats import t

    base = np.array([life.correct_share for life in lives[against]])
    found = {}
    for name, own in lives.items():
        difference = np.array([life.correct_share for life in own]) - base
        n = len(difference)
        half = t.ppf(0.975, n - 1) * difference.std(ddof=1) / np.sqrt(n) if n > 1 else float("nan")
        found[name] = (float(difference.mean()), float(half))
    return found
