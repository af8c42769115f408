"""The verdicts of a verification as a table."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from neurosim import tables
from neurosim.errors import printable
from neurosim.verify.report import Report

COLUMNS = ("net", "against", "windows", "steps", "values", "spikes", "differing spikes", "verdict")


def table(reports: dict[str, Report], events: str = "") -> Table:
    """Return the verdicts as a table, and below it what was compared, on which events."""
    first = next(iter(reports.values())).engines[0]
    below = list(dict.fromkeys(r.compared for r in reports.values() if r.compared))
    below += list(dict.fromkeys(r.decided for r in reports.values() if r.decided))
    below += list(dict.fromkeys(r.confidence for r in reports.values() if r.confidence))
    below += [f"events: {events}"] if events else []
    out = tables.terminal(
        COLUMNS,
        right=COLUMNS[2:-1],
        title=f"{first}: spikes and states, value by value",
        caption="\n".join(below) if below else None,
    )
    for label, report in reports.items():
        for other, verdict in zip(report.engines[1:], report.verdicts, strict=True):
            out.add_row(
                label,
                other,
                f"{report.samples:,}",
                f"{report.steps:,}",
                f"{sum(verdict.compared.values()):,}",
                f"{verdict.spikes:,}",
                f"{verdict.differing_spikes:,}",
                Text(verdict.kind, "green")
                if verdict.passed
                else Text(printable(f"{verdict.first}"), "red"),
            )
    return out
