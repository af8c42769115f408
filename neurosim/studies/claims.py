"""A claim of a paper, the finding on it, and the rules by which numbers become a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from neurosim.studies.estimates import LEVEL, Estimate, interval

if TYPE_CHECKING:
    import xarray as xr


class Verdict(Enum):
    """What the evidence says of a claim."""

    HOLDS = "holds"
    REGIME = "holds in this regime"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    """Measured, but the interval has the claim and its contrary."""
    UNTESTABLE = "not testable here"
    NOT_RUN = "not run yet"


@dataclass(frozen=True)
class Finding:
    """What was found on a claim."""

    result: str
    """Numbers with their intervals, in a sentence."""
    verdict: Verdict


Judge = Callable[..., Finding]


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, and how it is judged; it stands in the file of the study that decides."""

    text: str
    where: str
    """Place in the paper."""
    test: str
    """How it is tested here; an axis of the study in braces stands for what is stored of it."""
    judge: Judge
    """Of the results of the study; of nothing where no study decides."""
    command: str = ""
    """What shows it where no study decides."""


def claim(text: str, where: str, test: str, command: str = "") -> Callable[[Judge], Claim]:
    """Make a claim of the function below that judges it; see `Claim`."""
    return lambda judge: Claim(text, where, test, judge, command)


def untestable(why: str) -> Callable[[], Finding]:
    """Return the judge of a claim that needs what is not here."""
    return lambda: Finding(why, Verdict.UNTESTABLE)


def by_sign(estimate: Estimate, *, positive: bool = True, least: float = 0.0) -> Verdict:
    """Return the verdict on a claim that a number is positive (or negative).

    Args:
        estimate: of the number.
        positive: whether it is claimed to be.
        least: size of the smallest effect that the paper reports: the claim does not hold where the
            interval leaves no room for so large a one.
    """
    low, high = (estimate.low, estimate.high) if positive else (-estimate.high, -estimate.low)
    if low > 0:
        return Verdict.HOLDS
    return Verdict.FAILS if high < least else Verdict.UNDECIDED


def by_bound(estimate: Estimate, most: float) -> Verdict:
    """Return the verdict on a claim that a number lies within +-most."""
    if max(abs(estimate.low), abs(estimate.high)) < most:
        return Verdict.HOLDS
    beyond = estimate.low > most or estimate.high < -most
    return Verdict.FAILS if beyond else Verdict.UNDECIDED


def by_parts(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a claim of several parts: "in this regime" if some but not all hold."""
    kinds = set(verdicts)
    if len(kinds) == 1:
        return kinds.pop()
    if kinds & {Verdict.HOLDS, Verdict.REGIME}:
        return Verdict.REGIME
    return Verdict.UNDECIDED


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
    points = list(product(*(gap[axis].values for axis in by))) if by else []
    joint = 1 - (1 - level) / max(1, len(points))
    cells = gap.mean("seed")
    return Pool(
        overall=interval(within_seeds(gap), level),
        groups={
            ", ".join(map(str, point)): interval(
                within_seeds(gap.sel(dict(zip(by, point, strict=True)))), joint
            )
            for point in points
        },
        cells=cells.size,
        up=int(np.sum(cells > 0)),
        down=int(np.sum(cells < 0)),
    )


def within_seeds(gap: xr.DataArray) -> xr.DataArray:
    """Return the mean over all cells of each seed."""
    return gap.mean([axis for axis in gap.dims if axis != "seed"])


def by_pool(pooled: Pool, *, positive: bool = True, least: float = 0.0) -> Verdict:
    """Return the verdict on a claim that a difference is positive (or negative) throughout.

    It holds in some regime where one group has the sign claimed beyond doubt and the whole, or
    another group, does not.

    Args:
        pooled: the difference.
        positive: whether it is claimed to be.
        least: as for `by_sign`: the smallest effect that the paper reports.
    """
    whole = by_sign(pooled.overall, positive=positive, least=least)
    groups = {by_sign(group, positive=positive) for group in pooled.groups.values()}
    if whole is Verdict.HOLDS:
        return Verdict.REGIME if Verdict.FAILS in groups else whole
    return Verdict.REGIME if Verdict.HOLDS in groups else whole
