"""The table of a sweep over both runtime knobs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group

from neurosim.readout import NEVER
from neurosim.tables import terminal
from neurosim.workflows.sweep import Row

COLUMNS = {
    "scale": lambda row: f"{row['threshold']:g}",
    "lead": lambda row: "-" if row["lead"] == NEVER else f"{row['lead']:g}",
    "accuracy": lambda row: f"{row['accuracy']:.3f}",
    "undecided": lambda row: f"{row['silent']:.3f}",
    "of the window": lambda row: f"{row['window_used']:.2f}",
    "spikes": lambda row: f"{row['spikes_per_inference']:,.0f}",
    "est. µW": lambda row: f"{row['power_uw']:.1f}",
}


def table(rows: Sequence[Row]) -> Group:
    """Return a row for each threshold scale and lead; see `workflows.sweep.measure`."""
    shown = terminal(tuple(COLUMNS), right=tuple(COLUMNS))
    for row in rows:
        style = "bold" if row["threshold"] == 1 and row["lead"] == NEVER else ""
        shown.add_row(*(form(row) for form in COLUMNS.values()), style=style)
    return Group(
        shown,
        "Test windows, integer net. Scale: of the hidden thresholds; lead: output spikes by which "
        "the first class is ahead when the decision falls, - at the window's end. Undecided: share "
        "without an output spike. Spikes: up to the decision. Power: an estimate.",
    )
