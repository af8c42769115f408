"""Operating points: what a stored model at a threshold and a lead gives, and what it costs.

A table of them is calibrated once; the governor chooses among its rows at run time.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from neurosim import outside, store
from neurosim.errors import InputError, shown
from neurosim.readout import NEVER


@dataclass(frozen=True)
class Setting:
    """One model at one runtime threshold and one rule of decision."""

    model: str
    threshold: float
    """Scale of the hidden thresholds."""
    accuracy: float
    """Share of calibration windows decided as labelled."""
    silent: float
    """Share of calibration windows without any output spike."""
    power_w: float
    """Estimated power at work, on the calibration windows."""
    lead: float = NEVER
    """Output spikes ahead of the second class at which a decision falls, NEVER at the window's
    end."""

    def __post_init__(self) -> None:
        shares, scales = (self.accuracy, self.silent), (self.power_w, self.threshold)
        if not all(0 <= share <= 1 for share in shares) or not all(0 < s < np.inf for s in scales):
            raise InputError(f"{shown(self)}: shares lie in 0..1, power and threshold are positive")
        if self.lead != NEVER and (self.lead < 1 or self.lead % 1 != 0):
            raise InputError(f"{shown(self)}: lead is a number of spikes from 1, inf at the end")

    @property
    def key(self) -> Key:
        """Model, threshold and lead: which setting it is."""
        return self.model, self.threshold, self.lead


Key = tuple[str, float, float]
Table = tuple[Setting, ...]


def save(path: str | Path, settings: Sequence[Setting]) -> Path:
    """Write a table as CSV: what a device needs to govern itself."""
    return store.write_table(path, [asdict(setting) for setting in settings])


def load(path: str | Path) -> Table:
    """Read what `save` wrote; a table without leads decides at the window's end.

    Raises:
        InputError: there is no such table, it is empty, or a value is out of range.
    """
    rows = store.rows_of(store.read_table(path, remedy="neurosim governor", text=("model",)))
    with outside.reading(path, "table of operating points"):
        numbers = ("threshold", "accuracy", "silent", "power_w")
        return tuple(
            Setting(row["model"], *(float(row[n]) for n in numbers), float(row.get("lead", NEVER)))
            for row in rows
        )


def allowed(
    settings: Sequence[Setting], *, min_accuracy: float = 0.0, max_silent: float = 0.05
) -> Table:
    """Return the settings that answer: none that silences the net or guesses.

    Raises:
        InputError: no setting is left.
    """
    kept = tuple(s for s in settings if s.accuracy >= min_accuracy and s.silent <= max_silent)
    if not kept:
        best = max((s.accuracy for s in settings), default=0.0)
        raise InputError(
            f"no setting has accuracy >= {min_accuracy} and at most {max_silent} silent windows; "
            f"the best of {len(settings)} reaches {best:.3f}: relax a limit or calibrate others"
        )
    return kept


def frontier(settings: Sequence[Setting]) -> Table:
    """Return the settings that none beats in both accuracy and power, by rising power."""
    kept: list[Setting] = []
    for setting in sorted(settings, key=lambda s: (s.power_w, -s.accuracy)):
        if not kept or setting.accuracy > kept[-1].accuracy:
            kept.append(setting)
    return tuple(kept)


def select(settings: Sequence[Setting], power_w: float) -> int:
    """Return the index of the most accurate setting within a power; the cheapest if none is.

    ASPEN's Select(E) (arXiv 2508.11689) for the energy a step may cost. Of equal accuracies the
    cheaper is taken.
    """
    affordable = [k for k, s in enumerate(settings) if s.power_w <= power_w]
    if affordable:
        return max(affordable, key=lambda k: (settings[k].accuracy, -settings[k].power_w))
    return min(range(len(settings)), key=lambda k: settings[k].power_w)


def worth(setting: Setting, power_w: float) -> float:
    """Return the share of correct decisions, of all asked for, that a mean power buys.

    accuracy min(1, power / setting's power): who spends more than there is will miss decisions.
    """
    return setting.accuracy * min(1.0, power_w / setting.power_w)


def efficient(settings: Sequence[Setting]) -> Table:
    """Return the settings that are worth most at some power, by rising power.

    One that another beats in accuracy and in accuracy per watt is worth less at every power. Where
    idle power dominates, little is left but the most accurate: there is nothing to govern.
    """
    kept: list[Setting] = []
    for setting in sorted(settings, key=lambda s: (-s.accuracy, s.power_w)):
        per_watt = setting.accuracy / setting.power_w
        if not kept or per_watt > kept[-1].accuracy / kept[-1].power_w:
            kept.append(setting)
    return tuple(reversed(kept))


def most_worth(table: Table, power_w: float) -> int:
    """Return the row of an `efficient` table that is worth most at a power; it rises with power.

    Row k beats all below it from power_k accuracy_(k-1) / accuracy_k on, so the last row whose
    bound is reached is the best.
    """
    best = 0
    for k in range(1, len(table)):
        if power_w >= table[k].power_w * table[k - 1].accuracy / table[k].accuracy:
            best = k
    return best


def upper_hull(settings: Sequence[Setting]) -> Table:
    """Return the settings on the upper concave hull of (power, accuracy), by rising power."""
    from scipy.spatial import ConvexHull

    points = frontier(settings)
    if len(points) < 3:
        return points
    plane = np.array([(s.power_w, s.accuracy) for s in points])
    plane = (plane - plane[0]) / (plane[-1] - plane[0])  # both rise, so the ends are (0, 0), (1, 1)
    below = [(0.0, -1.0), (1.0, -1.0)]  # what the convex hull has beside the upper one
    corners = sorted(ConvexHull([*plane, *below]).vertices)
    return tuple(points[k] for k in corners if k < len(points))


def mix(settings: Sequence[Setting], power_w: float) -> tuple[tuple[Setting, float], ...]:
    """Return at most two settings and their shares of time: the best mean accuracy at a mean power.

    The maximum of sum(q_k accuracy_k) over shares q with sum(q_k power_k) <= power_w lies on the
    upper concave hull of the points (a linear programme with two constraints has an optimum with
    at most two nonzero shares). It bounds what any governor can reach from the same table.
    Below the cheapest setting: that one alone.
    """
    hull = upper_hull(settings)
    powers = [s.power_w for s in hull]
    if power_w <= powers[0]:
        return ((hull[0], 1.0),)
    if power_w >= powers[-1]:
        return ((hull[-1], 1.0),)
    k = int(np.searchsorted(powers, power_w, side="right"))
    share = (power_w - powers[k - 1]) / (powers[k] - powers[k - 1])
    if share == 0:
        return ((hull[k - 1], 1.0),)
    return ((hull[k - 1], 1 - share), (hull[k], share))


def mixed_accuracy(settings: Sequence[Setting], powers_w: Sequence[float]) -> np.ndarray:
    """Return the accuracy of the best mix (see `mix`) at each of some mean powers."""
    hull = upper_hull(settings)
    return np.interp(powers_w, [s.power_w for s in hull], [s.accuracy for s in hull])


def best_models(
    settings: Sequence[Setting],
    footprints: Mapping[str, int],
    memory_bytes: int,
    budgets_w: Sequence[float],
) -> tuple[str, ...]:
    """Return the models to store: the best mean accuracy over the budgets that fits a memory.

    All subsets are tried; of equal ones that of fewer bytes wins. Budgets below a subset's
    cheapest setting count as no answer at all.

    Args:
        settings: of all models.
        footprints: bytes of each model.
        memory_bytes: that all stored models may take together.
        budgets_w: mean powers, equally likely.

    Raises:
        InputError: a footprint is missing, or no model fits.
    """
    names = sorted({s.model for s in settings})
    missing = [name for name in names if name not in footprints]
    if missing:
        raise InputError(
            f"footprints: that of {missing[0]} is missing; give the bytes of every model"
        )
    best: tuple[float, int, tuple[str, ...]] | None = None
    for chosen in _subsets(names):
        size = sum(footprints[name] for name in chosen)
        if size > memory_bytes:
            continue
        points = [s for s in settings if s.model in chosen]
        answers = np.asarray(budgets_w) >= min(s.power_w for s in points)
        value = float(np.mean(mixed_accuracy(points, budgets_w) * answers))
        if best is None or (value, -size) > (best[0], -best[1]):
            best = (value, size, chosen)
    if best is None:
        smallest = min(footprints[name] for name in names)
        raise InputError(f"memory of {memory_bytes} bytes holds no model; give at least {smallest}")
    return best[2]


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    sizes = range(1, len(names) + 1)
    return [chosen for size in sizes for chosen in itertools.combinations(names, size)]
