"""Tables of a user's own recordings: what was understood, and how well a net tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from neurosim.run import Run
from neurosim.tables import terminal


def trained(run: Run) -> Group:
    """Return how a run's net decides windows of each class, and how its recordings were read."""
    assert run.data is not None
    assert run.confusion is not None
    classes = run.data["classes"]
    parts = {part: np.array(run.confusion[part]) for part in ("validation", "test")}
    columns = ["class", "windows to train", *(f"{part} recall" for part in parts), "taken for"]
    table = terminal(columns, right=columns[1:-1])
    for k, name in enumerate(classes):
        recalls = [_share(counts[k, k], counts[k].sum()) for counts in parts.values()]
        trained_on = run.data["train_windows"][k]
        table.add_row(name, f"{trained_on:,}", *recalls, _taken_for(parts["test"][k], k, classes))
    lines = [
        f"{part} people: accuracy {_share(np.trace(counts), counts.sum())}, balanced "
        f"{balanced(counts):.3f}"
        for part, counts in parts.items()
        if counts.sum()
    ]
    notes = (run.data["reading"] or {}).get("notes", [])
    return Group(*(Text(f"- {note}") for note in notes), table, *(Text(line) for line in lines))


def predicted(rows: Sequence[Mapping[str, Any]], *, every: bool) -> Table:
    """Return windows' labels as a table: every window, or the seconds of each label."""
    if every:
        columns = list(rows[0])
        table = terminal(columns, right=("start_s", "confidence", "spikes"))
        for row in rows:
            shown = {**row, "label": row["label"] or "(none)"}
            shown |= {"confidence": f"{row['confidence']:.3f}", "start_s": f"{row['start_s']:.2f}"}
            table.add_row(*(str(value) for value in shown.values()))
        return table
    counts = Counter(row["label"] or "(none)" for row in rows)
    table = terminal(("label", "windows", "mean confidence"), right=("windows", "mean confidence"))
    for label, count in counts.most_common():
        mean = np.mean([r["confidence"] for r in rows if (r["label"] or "(none)") == label])
        table.add_row(label, f"{count:,}", f"{mean:.3f}")
    return table


def balanced(counts: np.ndarray) -> float:
    """Return the mean recall of the classes that there are; nan without any.

    Args:
        counts: (classes, classes + 1) windows as labelled and as decided.
    """
    totals = counts.sum(axis=1)
    present = totals > 0
    if not present.any():
        return float("nan")
    return float((np.diag(counts)[present] / totals[present]).mean())


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def _taken_for(row: np.ndarray, own: int, classes: list[str]) -> str:
    """Return what windows of a class are most often taken for, if for anything."""
    others = row.copy()
    others[own] = 0
    if not others.any():
        return ""
    most = int(others.argmax())
    name = "no decision" if most == len(classes) else classes[most]
    return f"{name} ({others[most] / row.sum():.0%})"
