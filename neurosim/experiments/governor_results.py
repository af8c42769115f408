"""The governor's weeks as tidy tables: one row a week and policy, and one week period by period."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim import store
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.experiments.governor import Weeks

WEEKS, TRACE = "governor.csv", "governor_week.csv"
TRACED = ("fixed", "threshold", "best mix")
EVERY = 3
"""Periods between two rows of a trace."""


def stored() -> Path:
    """Return the folder of the results that come with the figures."""
    return Path(str(files("neurosim.figures"))) / "data"


def save(regimes: Mapping[float, Weeks], folder: Path, *, command: str) -> list[Path]:
    """Write both tables, headed by the command that makes them.

    Args:
        regimes: weeks by the dynamic share of power; the first week of the largest share is traced.
        folder: where.
        command: what makes them again.
    """
    rows = [
        {
            "dynamic_share": f"{share:.4g}",
            "policy": name,
            "week": week,
            "wearer": weeks.wearers[week],
            "asked": weeks.schedules[week].asked,
            "correct_share": f"{life.correct_share:.6g}",
            "accuracy": f"{life.accuracy:.6g}",
            "lifetime_days": f"{life.lifetime_days:.6g}",
            "failures": life.failures,
            "energy_per_correct_j": f"{life.energy_per_correct_j:.6g}",
            "changes": life.changes,
        }
        for share, weeks in regimes.items()
        for name, lives in weeks.lives.items()
        for week, life in enumerate(lives)
    ]
    return [
        _write(folder / WEEKS, rows, command),
        _write(folder / TRACE, _trace(max(regimes), regimes[max(regimes)]), command),
    ]


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a table that `save` wrote; numbers as float64.

    Raises:
        InputError: there is no such table, or it is damaged.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; run `neurosim governor RUN... --out {path.parent}`"
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("# ")))
    if not rows or any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path}: damaged table; run `neurosim governor` again")
    return {name: _column([row[name] for row in rows]) for name in rows[0]}


def _trace(share: float, weeks: Weeks) -> list[dict[str, object]]:
    days = weeks.schedules[0]
    return [
        {
            "dynamic_share": f"{share:.4g}",
            "policy": name,
            "hours": f"{(k + 1) * days.period_s / 3600:.5g}",
            "charge": f"{life.charge[k]:.4g}",
            "threshold": f"{life.threshold[k]:.4g}",
            "model": life.models[k],
            "working": int(days.windows[k, 0] >= 0),
        }
        for name in TRACED
        for life in weeks.lives[name][:1]
        for k in range(0, len(days.windows), EVERY)
    ]


def _write(path: Path, rows: Sequence[dict[str, object]], command: str) -> Path:
    text = io.StringIO()
    text.write(f"# command: {command}\n")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    store.write_text(path, text.getvalue())
    return path


def _column(values: list[str]) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        return np.array(values)
