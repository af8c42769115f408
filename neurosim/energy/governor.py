"""The governor: closed-loop choice of model and threshold by the energy at hand (ASPEN).

Each control period it learns what it may spend, and chooses a row of a calibrated table. ASPEN's
Select(E) takes the most accurate setting that the energy allows, and the cheapest where none does;
the governor takes the one that is worth most, so that it saves only where saving buys decisions.
It never silences the net, since settings that do are not in its table; it cannot oscillate, since
it falls at once, but rises only one row at a time, after a rest, and with a margin to spare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurosim.energy.operating_points import Setting, Table, allowed, efficient, most_worth, select
from neurosim.errors import InputError


@dataclass(frozen=True)
class State:
    """What a policy sees at the start of a control period."""

    charge_j: float
    capacity_j: float
    harvest_w: float
    """Mean harvest of the last day."""
    remaining_s: float
    """Time until the battery is recharged from outside."""
    at_work: float
    """Share of the time at work, over the last day."""
    resting_w: float
    """Power while the sensor is still."""
    drift: float = 1.0
    """Measured power at work over that of the table: no wearer moves as the calibration did."""


Policy = Callable[[State], Setting]


def fixed(setting: Setting) -> Policy:
    """Return the policy that never changes."""
    return lambda _: setting


def selecting(settings: Sequence[Setting]) -> Policy:
    """Return ASPEN's Select(E) without memory: the most accurate setting within the budget."""
    table = tuple(settings)
    return lambda state: table[select(table, budget_w(state))]


def budget_w(state: State, reserve: float = 0.05) -> float:
    """Return the power that may be spent at work so that the charge lasts until the recharge.

    (charge - reserve capacity) / remaining + harvest is what may be spent on average; what rest
    takes of it is subtracted, and the whole is divided by the share of work and by the drift.
    """
    usable = max(0.0, state.charge_j - reserve * state.capacity_j)
    mean = usable / max(state.remaining_s, 1.0) + state.harvest_w
    work = max(state.at_work, 1e-3)
    return (mean - (1 - work) * state.resting_w) / work / state.drift


class Governor:
    """Chooses the row of an efficient table that is worth most, with hysteresis and limits.

    - down: at once, to the row that is worth most (`operating_points.most_worth`);
    - up: one row, after `dwell` periods without change, if a higher row would be worth most even
      with a budget smaller by the margin, a share of the step in power to the next row.

    So N periods hold at most 2 + 2 N / (dwell + 1) changes; a constant budget ends all change; and
    a budget that moves by less than the margin never makes it turn back.
    """

    def __init__(
        self,
        settings: Sequence[Setting],
        *,
        dwell: int = 6,
        margin: float = 0.5,
        reserve: float = 0.05,
        min_accuracy: float = 0.0,
        max_silent: float = 0.05,
    ) -> None:
        """Keep the efficient ones of the allowed settings; start at the cheapest.

        Args:
            settings: a calibrated table.
            dwell: control periods between a change and the next rise.
            margin: share of the step in power that a rise needs to spare.
            reserve: share of the capacity that is never planned with.
            min_accuracy: of a setting that may be used.
            max_silent: share of windows without an answer that a setting may have.

        Raises:
            InputError: no setting is allowed, or a limit is out of range.
        """
        if dwell < 1 or margin < 0 or not 0 <= reserve < 1:
            raise InputError(
                f"dwell {dwell}, margin {margin}, reserve {reserve}: need dwell >= 1, margin >= 0 "
                "and a reserve in [0, 1)"
            )
        kept = allowed(settings, min_accuracy=min_accuracy, max_silent=max_silent)
        self.table: Table = efficient(kept)
        self.dwell, self.margin, self.reserve = dwell, margin, reserve
        self.index = 0
        self.changes = 0
        self._rested = dwell

    def __call__(self, state: State) -> Setting:
        """Return the setting of the next control period: a Policy."""
        return self.update(budget_w(state, self.reserve))

    def update(self, power_w: float) -> Setting:
        """Return the setting for a budget of so many watts at work."""
        wanted = most_worth(self.table, power_w)
        self._rested += 1
        if wanted < self.index:
            self._move(wanted)
        elif wanted > self.index and self._rested > self.dwell and self._may_rise(power_w):
            self._move(self.index + 1)
        return self.table[self.index]

    def _may_rise(self, power_w: float) -> bool:
        step = self.table[self.index + 1].power_w - self.table[self.index].power_w
        return most_worth(self.table, power_w - self.margin * step) > self.index

    def _move(self, index: int) -> None:
        self.index, self._rested = index, 0
        self.changes += 1
