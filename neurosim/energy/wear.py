"""Simulated days of wear: a battery, a harvester, bouts of movement, and a policy in the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.energy.governor import Policy, State
from neurosim.energy.operating_points import Key, Setting
from neurosim.errors import InputError
from neurosim.frozen import Frozen

DAY_S = 86_400.0


@dataclass(frozen=True)
class Battery:
    """A store of energy with a harvester, a leak and an outage."""

    capacity_j: float
    harvest_w: float = 0.0
    """Mean over a day; it comes as half a sine from 7 to 19 o'clock."""
    weather: float = 0.5
    """Each day's harvest is the mean times U(1 - weather, 1 + weather)."""
    self_discharge: float = 0.01
    """Share of the charge lost a day."""
    start: float = 1.0
    """Share of the capacity at the beginning."""
    restart: float = 0.02
    """Share of the capacity at which an empty device starts again."""

    def __post_init__(self) -> None:
        shares = (self.weather, self.self_discharge, self.start, self.restart)
        if not (self.capacity_j > 0 and self.harvest_w >= 0 and all(0 <= s <= 1 for s in shares)):
            raise InputError(f"{self}: capacity is positive, harvest >= 0, all shares in 0..1")


@dataclass(frozen=True, eq=False)
class Outcomes(Frozen):
    """What one setting did on each real window."""

    correct: np.ndarray
    """(windows,) bool."""
    power_w: np.ndarray
    """(windows,) estimated power."""
    resting_w: float
    """Estimated power while the sensor is still: no event comes in, nothing is asked."""


@dataclass(frozen=True, eq=False)
class Days(Frozen):
    """A schedule that all policies live through."""

    windows: np.ndarray
    """(periods, windows a period) index of the window asked about; -1 in a period of rest."""
    harvest_w: np.ndarray
    """(periods,)."""
    period_s: float
    window_s: float

    @property
    def asked(self) -> int:
        """Decisions that are asked for in all."""
        return int((self.windows >= 0).sum())


@dataclass(frozen=True, eq=False)
class Life(Frozen):
    """What a policy made of the days."""

    correct_share: float
    """Correct decisions of all asked for; those missed without power are wrong."""
    accuracy: float
    """Correct decisions of those made; nan if there were none."""
    lifetime_days: float
    """Until the battery was empty for the first time; all days if it never was."""
    failures: int
    """Decisions asked for and not made, because the battery was empty."""
    energy_per_correct_j: float
    """Energy spent for each correct decision, rest included; inf without any."""
    changes: int
    """Changes of setting."""
    charge: np.ndarray
    """(periods,) share of the capacity at the end of each."""
    threshold: np.ndarray
    """(periods,) threshold scale in force; nan in an outage."""
    lead: np.ndarray
    """(periods,) lead at which decisions fell; nan in an outage."""
    models: tuple[str, ...]
    """Model in force in each period."""


def schedule(
    groups: np.ndarray,
    battery: Battery,
    *,
    days: int,
    active_hours: float = 6.0,
    bout_periods: int = 3,
    period_s: float = 600.0,
    window_s: float = 2.56,
    hop: int = 2,
    seed: int | np.random.Generator = 0,
) -> Days:
    """Draw days of bouts of movement, from 7 to 22 o'clock, and the harvest of each.

    A bout follows recordings of one group, one after the other in random order, so that its
    activity is that of one person.

    Args:
        groups: (windows,) who made each window, windows of one recording one after the other;
            those of negative groups are left out.
        battery: whose harvester is drawn.
        days: how many.
        active_hours: of movement a day, 0..15.
        bout_periods: control periods of a bout.
        period_s: length of a control period in seconds.
        window_s: length of a decision's window.
        hop: 2 where neighbouring windows overlap by half: every other is asked about.
        seed: of all draws.

    Raises:
        InputError: no days, or hours out of range.
    """
    everybody = np.unique(groups[groups >= 0])
    if days < 1 or not 0 <= active_hours <= 15 or not len(everybody):
        raise InputError(
            f"days is {days}, active_hours {active_hours}, groups {len(everybody)}; need >= 1, "
            "0..15 and >= 1"
        )
    rng = np.random.default_rng(seed)
    per_day, per_period = round(DAY_S / period_s), int(period_s / window_s)
    hour = (np.arange(per_day) + 0.5) * period_s / 3600
    windows = np.full((days * per_day, per_period), -1, np.int64)
    bouts = round(active_hours * 3600 / (period_s * bout_periods))
    slots = np.flatnonzero((hour >= 7) & (hour < 22))[::bout_periods]
    for day in range(days):
        for slot in rng.choice(slots, size=min(bouts, len(slots)), replace=False):
            own = np.flatnonzero(groups == rng.choice(everybody))[::hop]
            first = rng.integers(len(own))
            chosen = own[(first + np.arange(bout_periods * per_period)) % len(own)]
            start = day * per_day + slot
            windows[start : start + bout_periods] = chosen.reshape(bout_periods, per_period)
    sun = np.maximum(0, np.sin(np.pi * (hour - 7) / 12)) * (hour < 19)
    sun *= per_day / sun.sum()
    weather = rng.uniform(1 - battery.weather, 1 + battery.weather, days)
    harvest = battery.harvest_w * np.outer(weather, sun).ravel()
    return Days(windows, harvest, period_s, window_s)


def live(
    policy: Policy,
    outcomes: Mapping[Key, Outcomes],
    battery: Battery,
    days: Days,
) -> Life:
    """Live through the days with a policy, which sees only what a device could measure.

    Harvest, share of work and drift reach the policy as exponential means over a day. A change of
    setting is taken to cost nothing: the energy of rewriting registers was never published.

    Args:
        policy: chooses the setting of each control period.
        outcomes: what each setting, by its key, did on each window.
        battery: that feeds the core alone.
        days: the schedule.

    Raises:
        InputError: the policy chose a setting without outcomes.
    """
    ledger = _Ledger(battery, days, next(iter(outcomes.values())).resting_w)
    current: Setting | None = None
    for period, windows in enumerate(days.windows):
        chosen = policy(ledger.state(period))
        if chosen.key not in outcomes:
            raise InputError(
                f"policy chose {chosen.model} at {chosen.threshold}, lead {chosen.lead:g}; "
                "outcomes lacks it"
            )
        ledger.changes += current is not None and chosen != current
        current = chosen
        ledger.spend(period, windows, chosen, outcomes[chosen.key])
    return ledger.life()


class _Ledger:
    """Charge, means and counts, period by period."""

    def __init__(self, battery: Battery, days: Days, resting_w: float) -> None:
        self.battery, self.days = battery, days
        self.charge_j = battery.start * battery.capacity_j
        self.dead = self.charge_j <= 0
        self.correct = self.made = self.changes = 0
        self.spent_j = 0.0
        self.first_empty: float | None = None
        # Before a day has passed, what a designer would expect: the means of all days.
        self.harvest = float(days.harvest_w.mean())
        self.at_work = float((days.windows[:, 0] >= 0).mean())
        self.resting_w, self.drift = resting_w, 1.0
        self.trace: list[tuple[float, float, float, str]] = []

    def state(self, period: int) -> State:
        remaining = (len(self.days.windows) - period) * self.days.period_s
        return State(
            self.charge_j,
            self.battery.capacity_j,
            self.harvest,
            remaining,
            self.at_work,
            self.resting_w,
            self.drift,
        )

    def spend(self, period: int, windows: np.ndarray, setting: Setting, outcome: Outcomes) -> None:
        """Account for one period: the device lives for as much of it as there is charge."""
        seconds, working = self.days.period_s, bool(windows[0] >= 0)
        power = float(outcome.power_w[windows].mean()) if working else outcome.resting_w
        harvest = float(self.days.harvest_w[period])
        leak = self.battery.self_discharge * self.charge_j / DAY_S
        alive = self._alive(power, harvest - leak, seconds)
        if working:
            decided = round(alive * len(windows))
            self.made += decided
            self.correct += int(np.count_nonzero(outcome.correct[windows[:decided]]))
        if alive < 1 and self.first_empty is None:
            self.first_empty = (period + alive) * seconds / DAY_S
        self.spent_j += alive * power * seconds
        change = (harvest - leak - alive * power) * seconds
        self.charge_j = float(np.clip(self.charge_j + change, 0, self.battery.capacity_j))
        self.dead = alive < 1
        self._remember(working, power, harvest, setting, outcome)
        knobs = (setting.threshold, setting.lead) if alive == 1 else (np.nan, np.nan)
        self.trace.append((self.charge_j / self.battery.capacity_j, *knobs, setting.model))

    def _alive(self, power: float, income: float, seconds: float) -> float:
        """Return the share of the period with power."""
        if self.dead and self.charge_j < self.battery.restart * self.battery.capacity_j:
            return 0.0
        need = (power - income) * seconds
        return 1.0 if need <= self.charge_j else max(0.0, self.charge_j / need)

    def _remember(
        self, working: bool, power: float, harvest: float, setting: Setting, outcome: Outcomes
    ) -> None:
        """Update the means over a day that the policy sees."""
        rate = min(1.0, self.days.period_s / DAY_S)
        self.harvest += rate * (harvest - self.harvest)
        self.at_work += rate * (working - self.at_work)
        self.resting_w = outcome.resting_w
        if working:
            self.drift += 0.1 * (power / setting.power_w - self.drift)

    def life(self) -> Life:
        asked, total = self.days.asked, len(self.days.windows) * self.days.period_s / DAY_S
        charge, threshold, lead, models = zip(*self.trace, strict=True)
        return Life(
            correct_share=self.correct / asked if asked else float("nan"),
            accuracy=self.correct / self.made if self.made else float("nan"),
            lifetime_days=total if self.first_empty is None else self.first_empty,
            failures=asked - self.made,
            energy_per_correct_j=self.spent_j / self.correct if self.correct else float("inf"),
            changes=self.changes,
            charge=np.array(charge),
            threshold=np.array(threshold),
            lead=np.array(lead),
            models=models,
        )
