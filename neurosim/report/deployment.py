"""What a deployment changed, as tables: time constants, the chip's numbers, fidelity by layer."""

from __future__ import annotations

from rich.table import Table

from neurosim.tables import terminal
from neurosim.workflows.fidelity import LayerFidelity
from neurosim.xylo.mapping import Deployment

SAME_TAU = 0.005
"""Relative change of a time constant from which on it is listed."""


def tables(deployment: Deployment, layers: list[LayerFidelity]) -> list[Table]:
    """Return what changed as tables: time constants, the chip's numbers, fidelity by layer."""
    parts = [_usage(deployment)]
    if any(abs(row.change) > SAME_TAU for row in deployment.time_constants):
        parts.insert(0, _time_constants(deployment))
    if layers:
        parts.append(_fidelity(layers))
    return parts


def summary(deployment: Deployment) -> list[str]:
    """Return lines on idle neurons, time constants that all stay, inputs, and the decision."""
    idle = deployment.idle
    pruned = sum(i not in set(deployment.kept) for i in idle.ids)
    lines = [
        f"idle neurons: {len(idle.dead)} cannot fire, {len(idle.unread)} reach no output, "
        f"{pruned} pruned"
    ]
    if idle.ids and not pruned:
        lines[0] += " (--prune leaves them out; no output spike changes)"
    if all(abs(row.change) <= SAME_TAU for row in deployment.time_constants):
        lines.append(f"time constants: all kept to {SAME_TAU:.1%}")
    if (deployment.spec.front_end or {}).get("channels") in ("gravity", "both"):
        lines.append(
            "inputs: the chip's own front end makes no channels of gravity (the last 6): a "
            "microcontroller must send their events"
        )
    lines.append(f"decision at {deployment.spec.decision}: {deployment.spec.decision.says}")
    return lines


def _table(title: str, *columns: str) -> Table:
    return terminal(columns, right=columns[1:], title=title)


def _time_constants(deployment: Deployment) -> Table:
    columns = ("layer", "name", "neurons", "net [ms]", "chip [ms]", "shift", "change")
    table = _table("time constants become bit shifts", *columns)
    for row in deployment.time_constants:
        if abs(row.change) > SAME_TAU:
            times = f"{1e3 * row.requested:.4g}", f"{1e3 * row.actual:.4g}"
            cells = (str(row.layer), row.name, str(row.neurons), *times, str(row.shift))
            table.add_row(*cells, f"{row.change:+.1%}")
    return table


def _usage(deployment: Deployment) -> Table:
    table = _table(f"used of {deployment.spec.chip}", "", "used", "of")
    for resource in deployment.usage:
        table.add_row(resource.what, f"{resource.used:,}", f"{resource.limit:,}")
    return table


def _fidelity(layers: list[LayerFidelity]) -> Table:
    title = "integer against float net: spike counts on test windows"
    table = _table(
        title, "layer", "correlation", "float rate", "chip rate", "saturated", "weights lost"
    )
    for row in layers:
        rates = f"{row.rate:.4f}", f"{row.integer_rate:.4f}"
        shares = f"{row.saturated:.1%}", f"{row.lost:.1%}"
        table.add_row(str(row.layer), f"{row.correlation:.4f}", *rates, *shares)
    return table
