"""The ledger: every claim of both papers and of networks, what was measured here, and a verdict.

Verdicts are computed from the stored results whenever the ledger is printed: it cannot drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from neurosim import studies, tables
from neurosim.errors import InputError
from neurosim.studies import results
from neurosim.studies.claims import Claim, Finding, Verdict

if TYPE_CHECKING:
    from neurosim.studies.study import Study


@dataclass(frozen=True)
class Entry:
    """A row of the ledger."""

    paper: str
    study: str | None
    """Whose results decide."""
    claim: Claim
    tested: str
    finding: Finding
    command: str


def claims_of(paper: str) -> Iterator[tuple[Study | None, Claim]]:
    """Return a paper's claims, each with the study that decides, in the order of `PAPERS`."""
    for name in studies.PAPERS[paper]:
        file = import_module(f"neurosim.studies.{paper}.{name}")
        yield from ((getattr(file, "STUDY", None), claim) for claim in file.CLAIMS)


def judge_all(paper: str | None = None) -> list[Entry]:
    """Judge the claims of one paper, or of both.

    Raises:
        InputError: no such paper.
    """
    papers = tuple(studies.PAPERS)
    if paper is not None and paper not in papers:
        raise InputError(f"paper {paper!r} is not known; choose from {', '.join(papers)}")
    chosen = papers if paper is None else (paper,)
    return [judge(name, study, claim) for name in chosen for study, claim in claims_of(name)]


def judge(paper: str, study: Study | None, claim: Claim) -> Entry:
    """Judge one claim by the stored results of its study."""
    judged: Any = claim.judge
    if study is None:
        return Entry(paper, None, claim, claim.test, judged(), claim.command)
    if not results.shipped(study.name).is_file():
        finding = Finding("no results are stored", Verdict.NOT_RUN)
        command, axes = f"neurosim study {study.name} --ship", {}
    else:
        dataset = results.read(study.name)
        command = dataset.attrs["command"]
        axes = {str(axis): values.values for axis, values in dataset.coords.items()}
        try:
            finding = judged(dataset)
        except KeyError:  # a value of the grid that was not run
            finding = Finding(f"what is stored is a part of the study: {command}", Verdict.NOT_RUN)
    return Entry(paper, study.name, claim, _tested(claim, study, axes), finding, command)


def _tested(claim: Claim, study: Study, stored: dict[str, Any]) -> str:
    """Return how a claim is tested: with values on short axes, else how many."""
    axes = {**study.grid, "seed": range(study.seeds), **stored}
    texts = {
        axis: ", ".join(map(str, values))
        if axis in study.grid and len(values) <= 5
        else str(len(values))
        for axis, values in axes.items()
    }
    return claim.test.format(**texts)


COLUMNS = ("paper", "claim (where)", "tested by", "result", "verdict", "command")


def markdown(entries: Sequence[Entry]) -> str:
    """Return the ledger as a Markdown table."""
    return tables.markdown(
        COLUMNS,
        [
            (
                entry.paper.upper(),
                f"{entry.claim.text} ({entry.claim.where})",
                entry.tested,
                entry.finding.result,
                entry.finding.verdict.value,
                f"`{entry.command}`" if entry.command else "",
            )
            for entry in entries
        ],
    )


def table(entries: Sequence[Entry]) -> Table:
    """Return the ledger for a terminal, without the columns that are too wide for one."""
    colours = {Verdict.HOLDS: "green", Verdict.REGIME: "yellow", Verdict.FAILS: "red"}
    out = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_lines=True)
    for column in ("claim", "result", "verdict"):
        out.add_column(column, overflow="fold")
    for entry in entries:
        verdict = entry.finding.verdict
        colour = colours.get(verdict, "dim")
        paper, where = (entry.paper.upper(), "bold"), (entry.claim.where, "dim")
        claim = Text.assemble(paper, " ", entry.claim.text, " ", where)
        out.add_row(claim, entry.finding.result, Text(verdict.value, colour))
    return out
