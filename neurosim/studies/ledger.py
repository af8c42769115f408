"""The ledger: every claim of both papers, what was measured here, and a verdict.

Verdicts are computed from the stored results whenever the ledger is printed: it cannot drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from neurosim.errors import InputError
from neurosim.studies import results

if TYPE_CHECKING:
    import xarray as xr

    from neurosim.studies.statistics import Estimate


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


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, and how it is judged."""

    paper: str
    """"aspen" or "ahsar"."""
    claim: str
    where: str
    """Place in the paper."""
    test: str
    """How it is tested here; an axis of the study in braces stands for what is stored of it."""
    judge: Callable[[xr.Dataset], Finding] | Callable[[], Finding]
    """From the results of `study`; from nothing where there is no study."""
    study: str | None = None
    """The study whose results decide."""
    command: str = ""
    """What shows it where there is no study."""


@dataclass(frozen=True)
class Entry:
    """A row of the ledger."""

    claim: Claim
    tested: str
    finding: Finding
    command: str


def judge_all(paper: str | None = None) -> list[Entry]:
    """Judge the claims of one paper, or of both.

    Raises:
        InputError: no such paper.
    """
    from neurosim.studies import PAPERS
    from neurosim.studies.ahsar import _claims as claims_ahsar
    from neurosim.studies.aspen import _claims as claims_aspen

    if paper is not None and paper not in PAPERS:
        raise InputError(f"paper {paper!r} is not known; choose from {', '.join(PAPERS)}")
    claims = (*claims_aspen.CLAIMS, *claims_ahsar.CLAIMS)
    return [judge(claim) for claim in claims if paper in (None, claim.paper)]


def judge(claim: Claim) -> Entry:
    """Judge one claim by the stored results of its study."""
    found: Any = claim.judge
    if claim.study is None:
        return Entry(claim, claim.test, found(), claim.command)
    command = f"neurosim study {claim.study} --ship"
    if not results.shipped(claim.study).is_file():
        missing = Finding("no results are stored", Verdict.NOT_RUN)
        return Entry(claim, _tested(claim, claim.study, {}), missing, command)
    dataset = results.read(claim.study)
    tested = _tested(claim, claim.study, {str(a): v.values for a, v in dataset.coords.items()})
    try:
        return Entry(claim, tested, found(dataset), dataset.attrs["command"])
    except KeyError:  # a value of the grid that was not run
        text = f"what is stored is a part of the study: {dataset.attrs['command']}"
        return Entry(claim, tested, Finding(text, Verdict.NOT_RUN), command)


def _tested(claim: Claim, study: str, stored: Mapping[str, Sequence[Any]]) -> str:
    """Return how a claim is tested: with values on short axes, else how many."""
    from neurosim import studies

    whole = studies.get(study)
    axes = {**whole.grid, "seed": range(whole.seeds), **stored}
    filled = {
        axis: ", ".join(map(str, values))
        if axis in whole.grid and len(values) <= 5
        else str(len(values))
        for axis, values in axes.items()
    }
    return claim.test.format(**filled)


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


def untestable(why: str) -> Callable[[], Finding]:
    """Return the judge of a claim that needs what is not here."""
    return lambda: Finding(why, Verdict.UNTESTABLE)


COLUMNS = ("paper", "claim (where)", "tested by", "result", "verdict", "command")


def _cells(entry: Entry) -> tuple[str, ...]:
    claim, finding = entry.claim, entry.finding
    return (
        claim.paper.upper(),
        f"{claim.claim} ({claim.where})",
        entry.tested,
        finding.result,
        finding.verdict.value,
        f"`{entry.command}`" if entry.command else "",
    )


def markdown(entries: Sequence[Entry]) -> str:
    """Return the ledger as a Markdown table."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_cells, entries)]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows)


def table(entries: Sequence[Entry]) -> Table:
    """Return the ledger for a terminal, without the columns that are too wide for one."""
    colours = {Verdict.HOLDS: "green", Verdict.REGIME: "yellow", Verdict.FAILS: "red"}
    out = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_lines=True)
    for column in ("claim", "result", "verdict"):
        out.add_column(column, overflow="fold")
    for entry in entries:
        verdict = entry.finding.verdict
        colour = colours.get(verdict, "dim")
        claim = (
            f"[bold]{entry.claim.paper.upper()}[/] {entry.claim.claim} [dim]{entry.claim.where}[/]"
        )
        out.add_row(claim, entry.finding.result, f"[{colour}]{verdict.value}[/]")
    return out
