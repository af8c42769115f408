"""The verdicts of a verification as a table."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from neurosim import tables
from neurosim.verify.report import Report


def table(reports: dict[str, Report], events: str = "") -> Table:
    """Return the verdicts as a table, and below it where the events come from."""
    first = next(iter(reports.values())).engines[0]
    numbers = ("windows", "steps", "values", "spikes")
    out = tables.terminal(
        ("net", "against", *numbers, "verdict"),
        right=numbers,
        title=f"{first}: spikes and states, value by value",
        caption=f"events: {escape(events)}" if events else None,
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
                f"[green]{verdict.kind}[/]" if verdict.passed else f"[red]{verdict.first}[/]",
            )
    return out
