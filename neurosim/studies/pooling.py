"""One answer from many cells of a grid: pooled within each seed first, then judged over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from neurosim.studies.ledger import Verdict, by_sign
from neurosim.studies.statistics import LEVEL, Estimate, interval

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Pool:
    """A paired difference in many cells: their mean, groups of them, and how many have its sign."""

    overall: Estimate
    """Over all cells."""
    groups: dict[str, Estimate]
    """Of each group; the intervals are widened so that they hold together (Bonferroni)."""
    cells: int
    up: int
    """Cells in which the mean over seeds is above zero."""
    down: int

    def __format__(self, spec: str) -> str:
        n = self.overall.n
        seeds = f"{n} seeds" if n > 1 else "1 seed"
        text = f"{self.overall:{spec}}, up in {self.up} and down in {self.down} of {self.cells} "
        text += f"settings ({seeds})"
        if len(self.groups) < 2:
            return text
        low, *_, high = sorted(self.groups.items(), key=lambda item: item[1].mean)
        text += f"; from {low[1].mean:{spec}} ({low[0]}) to {high[1].mean:{spec}} ({high[0]})"
        up = sum(group.above for group in self.groups.values())
        down = sum(group.below for group in self.groups.values())
        return f"{text}, clearly up in {up} and down in {down} of {len(self.groups)} groups"


def pool(gap: xr.DataArray, by: Sequence[str] = (), level: float = LEVEL) -> Pool:
    """Return a difference pooled over all axes but the seeds, and over groups of cells.

    Cells of one seed share data and weights: only seeds count as independent.

    Args:
        gap: paired difference over "seed" and any other axes, which span the cells.
        by: axes whose values name the groups.
        level: of confidence; that of a group is raised so that all groups hold together.
    """
    axes = [gap[axis].values for axis in by]
    points = list(product(*axes)) if by else []
    joint = 1 - (1 - level) / max(1, len(points))
    cells = gap.mean("seed")
    return Pool(
        overall=interval(_within(gap), level),
        groups={
            ", ".join(map(str, point)): interval(
                _within(gap.sel(dict(zip(by, point, strict=True)))), joint
            )
            for point in points
        },
        cells=cells.size,
        up=int((cells > 0).sum()),
        down=int((cells < 0).sum()),
    )


def _within(gap: xr.DataArray) -> np.ndarray:
    """Return the mean over cells of each seed."""
    return np.asarray(gap.mean([axis for axis in gap.dims if axis != "seed"]))


def verdict(found: Pool, *, positive: bool = True, least: float = 0.0) -> Verdict:
    """Return the verdict on a claim that a difference is positive (or negative) throughout.

    It holds in some regime where one group has the sign claimed beyond doubt and the whole, or
    another group, does not.

    Args:
        found: the difference.
        positive: whether it is claimed to be.
        least: as for `by_sign`: the smallest effect that the paper reports.
    """
    whole = by_sign(found.overall, positive=positive, least=least)
    groups = {by_sign(group, positive=positive) for group in found.groups.values()}
    if whole is Verdict.HOLDS:
        return Verdict.REGIME if Verdict.FAILS in groups else whole
    return Verdict.REGIME if Verdict.HOLDS in groups else whole


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what all verdicts say, "in this regime" if some but not all hold."""
    kinds = set(verdicts)
    if len(kinds) == 1:
        return kinds.pop()
    if kinds & {Verdict.HOLDS, Verdict.REGIME}:
        return Verdict.REGIME
    return Verdict.UNDECIDED
