"""The governor's days: stored models and thresholds on real windows, policies on simulated wear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim import store
from neurosim.analysis.intervals import student
from neurosim.energy.cycles import per_step
from neurosim.energy.governor import Governor, Policy, fixed, selecting
from neurosim.energy.operating_points import Setting, Table, allowed, best_models, frontier
from neurosim.energy.price import Price, published_price
from neurosim.energy.wear import DAY_S, Battery, Days, Life, live, schedule
from neurosim.errors import InputError
from neurosim.readout import NEVER
from neurosim.workflows.stored_models import Model, outcomes_of, table_of

MEMORY_BYTES = 8192
"""Of the stored models together, by default: the demo's net and a small one."""

MAX_SILENT = 0.05

LOSS = 0.1
"""Settings more than this below the best calibrated accuracy are not used."""

WEEKS, TRACE = "governor.csv", "governor_week.csv"
TRACED = ("fixed", "threshold", "best mix")
EVERY = 3
"""Periods between two rows of a trace."""


def price_at(share: float, model: Model, *, scale: float = 1.0) -> Price:
    """Return a price at which a share of a model's power at work is dynamic; total as published.

    The scale is that of decisions at the window's end.

    Raises:
        InputError: a share beyond 0..1, or a scale that was not measured.
    """
    if not 0 < share <= 1:
        raise InputError(f"share is {share}; dynamic power is a share in (0, 1] of the total")
    if scale not in model.scales:
        raise InputError(f"scale {scale} was not measured; choose from {model.scales}")
    published = published_price(spec=model.spec)
    cycles = model.sample.cycles[model.scales.index(scale)].mean()
    total = float(published.power_w(cycles, model.spec.dt))
    return Price(total * (1 - share), total * share * model.spec.dt / cycles)


def dynamic_share(model: Model, price: Price, *, scale: float = 1.0) -> float:
    """Return the dynamic share of a model's power at work."""
    cycles = model.sample.cycles[model.scales.index(scale)].mean()
    power = price.power_w(cycles, model.spec.dt)
    return float(1 - price.idle_w / power)


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
    of the models that best use the memory. All of them decide at the window's end. With leads in
    the table, "lead": the governor on the first model's leads at scale 1; "threshold and lead":
    on the joint front of both.
    """
    joint = _useful([s for s in table if s.model == models[0].name], max_silent)
    at_end = [s for s in table if s.lead == NEVER]
    own = _useful([s for s in at_end if s.model == models[0].name], max_silent)
    usable = _useful(at_end, max_silent)
    at_one = [s for s in at_end if s.threshold == 1.0]
    home = next(s for s in at_one if s.model == models[0].name)
    powers = [s.power_w for s in usable]
    budgets = np.linspace(min(powers), max(powers), 33).tolist()
    footprints = {model.name: model.footprint for model in models}
    stored = best_models(usable, footprints, memory_bytes, budgets)
    chosen = [s for s in usable if s.model in stored]
    at_one = [s for s in at_one if s in usable] or [home]
    both: dict[str, Policy] = {}
    if len(at_end) < len(table):
        leading = [s for s in joint if s.threshold == 1.0] or [home]
        both["lead"] = Governor(leading, max_silent=max_silent)
        both["threshold and lead"] = Governor(joint, max_silent=max_silent)
    return {
        "fixed": fixed(home),
        "calibrated": fixed(frontier(own)[-1]),
        "frugal": fixed(min(own, key=lambda s: s.power_w)),
        "select": selecting(frontier(own)),
        "threshold": Governor(own, max_silent=max_silent),
        "switching": Governor(at_one, max_silent=max_silent),
        "best mix": Governor(chosen, max_silent=max_silent),
        **both,
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
    rest = price.power_w(per_step(model.spec, 0.0, 0.0), model.spec.dt)
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
    base = np.array([life.correct_share for life in lives[against]])
    gained = {}
    for name, own in lives.items():
        mean, low, _ = student(np.array([life.correct_share for life in own]) - base)
        gained[name] = (float(mean), float(mean - low))
    return gained


def save(regimes: Mapping[float, Weeks], folder: Path, *, command: str) -> list[Path]:
    """Write both tables.

    Args:
        regimes: weeks by the dynamic share of power; the first week of the largest share is traced.
        folder: where.
        command: what makes them again.
    """
    rows = [
        {
            "dynamic_share": share,
            "policy": name,
            "week": week,
            "wearer": weeks.wearers[week],
            "asked": weeks.schedules[week].asked,
            "correct_share": life.correct_share,
            "accuracy": life.accuracy,
            "lifetime_days": life.lifetime_days,
            "failures": life.failures,
            "energy_per_correct_j": life.energy_per_correct_j,
            "changes": life.changes,
        }
        for share, weeks in regimes.items()
        for name, lives in weeks.lives.items()
        for week, life in enumerate(lives)
    ]
    week = trace(max(regimes), regimes[max(regimes)])
    return [
        store.write_table(folder / WEEKS, rows, command=command, digits=6),
        store.write_table(folder / TRACE, week, command=command, digits=6),
    ]


def trace(share: float, weeks: Weeks) -> list[dict[str, object]]:
    """Return the first week of the policies of TRACED, every EVERY periods a row."""
    days = weeks.schedules[0]
    return [
        {
            "dynamic_share": share,
            "policy": name,
            "hours": (k + 1) * days.period_s / 3600,
            "charge": float(life.charge[k]),
            "threshold": float(life.threshold[k]),
            "lead": float(life.lead[k]),
            "model": life.models[k],
            "working": int(days.windows[k, 0] >= 0),
        }
        for name in TRACED
        for life in weeks.lives[name][:1]
        for k in range(0, len(days.windows), EVERY)
    ]
