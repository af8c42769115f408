"""The governor's weeks as tidy tables: one row a week and policy, and one week period by period."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.workflows import tidy

if TYPE_CHECKING:
    from neurosim.workflows.governor import Weeks

WEEKS, TRACE = "governor.csv", "governor_week.csv"
TRACED = ("fixed", "threshold", "best mix")
EVERY = 3
"""Periods between two rows of a trace."""


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
        tidy.write(folder / WEEKS, rows, command=command),
        tidy.write(folder / TRACE, week, command=command),
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
            "model": life.models[k],
            "working": int(days.windows[k, 0] >= 0),
        }
        for name in TRACED
        for life in weeks.lives[name][:1]
        for k in range(0, len(days.windows), EVERY)
    ]
