"""Tables of a user's own recordings: what was understood, and how well a net tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from neurosim.data.splits import PARTS
from neurosim.run import Run
from neurosim.tables import terminal
from neurosim.workflows.look import Look


def trained(run: Run) -> Group:
    """Return how a run's net decides windows of each class."""
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
    people, split = run.data["people"], run.data["split"]
    lines = [
        f"{part} ({_some([people[k - 1] for k in split[part]])}): accuracy "
        f"{_share(np.trace(counts), counts.sum())}, balanced {balanced(counts):.3f}"
        for part, counts in parts.items()
        if counts.sum()
    ]
    return Group(table, *(Text(line) for line in lines))


def predicted(rows: Sequence[Mapping[str, Any]], *, every: bool) -> Table:
    """Return windows' labels as a table: every window, or the seconds of each label."""
    if every:
        columns = list(rows[0])
        table = terminal(columns, right=("start_s", "confidence", "spikes", "decided_s"))
        for row in rows:
            shown = {**row, "label": row["label"] or "(none)"}
            shown |= {"confidence": f"{row['confidence']:.3f}"}
            shown |= {name: f"{row[name]:.2f}" for name in ("start_s", "decided_s")}
            table.add_row(*(str(value) for value in shown.values()))
        return table
    counts = Counter(row["label"] or "(none)" for row in rows)
    table = terminal(("label", "windows", "mean confidence"), right=("windows", "mean confidence"))
    for label, count in counts.most_common():
        mean = np.mean([r["confidence"] for r in rows if (r["label"] or "(none)") == label])
        table.add_row(label, f"{count:,}", f"{mean:.3f}")
    return table


def look(seen: Look) -> Group:
    """Return what was understood of recordings, class by class and channel by channel."""
    dataset, reading = seen.dataset, seen.dataset.reading
    assert reading is not None
    seconds = sum(c.seconds for c in seen.classes)
    count = len(seen.signals) if seen.signals is not None else reading.rows
    people = seen.signals.people if seen.signals is not None else dataset.people
    head = (
        f"{reading.rows:,} rows, {count:,} recordings, {_duration(seconds)} at "
        f"{dataset.rate_hz:g} Hz of {len(people)} people: {_some(people)}"
    )
    columns = ("class", "time", "people", "windows", "silent", "ceiling")
    by_class = terminal(columns, right=columns[1:])
    for c in seen.classes:
        shares = (f"{c.silent:.0%}", f"{c.recall:.2f}")
        by_class.add_row(c.name, _duration(c.seconds), str(c.people), f"{c.windows:,}", *shares)
    ranges = terminal(("axis", "lowest [g]", "highest [g]"), right=("lowest [g]", "highest [g]"))
    for k, name in enumerate(reading.columns[:3]):
        columns_of = [signal[:, k] for signal in (seen.signals.signals if seen.signals else ())]
        low, high = min(float(c.min()) for c in columns_of), max(float(c.max()) for c in columns_of)
        ranges.add_row(name, f"{low:.3g}", f"{high:.3g}")
    channels = terminal(("channel", "events/s"), right=("events/s",))
    for name, rate in seen.channels:
        channels.add_row(name, f"{rate:.1f}")
    split = seen.dataset.split
    who = {
        part: _some([seen.dataset.people[k - 1] for k in getattr(split, part)]) for part in PARTS
    }
    lines = [
        f"ceiling: recall of logistic regression on event counts, people unseen; mean "
        f"{seen.ceiling:.3f}",
        *(f"{part}: {people}" for part, people in who.items()),
        *(f"do: {line}" for line in seen.advice),
    ]
    shown = (by_class, ranges, channels) if reading.columns else (by_class, channels)
    said = (Text(f"- {note}") for note in reading.notes)
    return Group(Text(head), *said, *shown, *(Text(line) for line in lines))


def _duration(seconds: float) -> str:
    """Return a length of time in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _some(names: Sequence[str]) -> str:
    """Return at most eight names."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


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
