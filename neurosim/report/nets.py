"""Tables of one net: what theory predicts for it, and its sweep in Loihi's integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from neurosim.tables import terminal
from neurosim.workflows.network_theory import NetworkTheory


def theory(predicted: NetworkTheory) -> RenderableType:
    """Return spikes over thresholds, the layers at scale 1, and what AHSAR would do."""
    depth = len(predicted.gates)
    names = [f"hidden {k + 1}" for k in range(depth - 1)] + ["output"]
    columns = ("scale", *names, "total", "almost silent")
    spikes = terminal(columns, right=columns, title="Predicted spikes per window")
    for scale, count in predicted.counts.items():
        quiet = ", ".join(names[k] for k in predicted.silent[scale]) or "none"
        row = [f"{value:,.0f}" for value in (*count, count.sum())]
        spikes.add_row(f"{scale:.1f}", *row, quiet)
    columns = ("layer", "gate", "Jacobian norm", "sensitivity a", "coupling b")
    layers = terminal(columns, right=columns[1:], title="Layers at scale 1")
    for k, name in enumerate(names):
        response = [predicted.sensitivity[k], predicted.coupling[k]] if k < depth - 1 else None
        shown = [f"{value:.2f}" for value in response] if response else ["", ""]
        layers.add_row(name, f"{predicted.gates[k]:.3f}", f"{predicted.norms[k]:.2f}", *shown)
    return Group(spikes, layers, _homeostat_sentence(predicted))


def loihi_sweep(rows: Sequence[dict[str, Any]]) -> Table:
    """Return accuracy and spikes of the rows of `loihi_sweep.sweep_on_loihi`."""
    names = [key.removeprefix("accuracy_") for key in rows[0] if key.startswith("accuracy_")]
    title = f"Threshold sweep, {rows[0]['windows']} test windows"
    columns = ["scale", *(f"{what}\n{name}" for what in ("accuracy", "spikes") for name in names)]
    out = terminal(columns, right=columns, title=title)
    for row in rows:
        accuracies = [f"{row[f'accuracy_{name}']:.3f}" for name in names]
        spikes = [f"{row[f'spikes_{name}']:,.0f}" for name in names]
        out.add_row(f"{row['scale']:.1f}", *accuracies, *spikes)
    return out


def _homeostat_sentence(theory: NetworkTheory) -> str:
    if theory.feedback > 0:
        first = (
            "AHSAR's centring would be positive feedback in this net: hold each layer's own rate."
        )
    else:
        first = "AHSAR's centring is negative feedback in this net."
    gains = theory.gains
    if gains is None:
        return f"{first} No gains settle within 50 steps."
    if gains.centring < 1.0 and theory.feedback < 0:
        first += " It settles too slowly, though: hold each layer's own rate."
    kind = "centred" if gains.centring == 1.0 else "each layer held by itself"
    return (
        f"{first} Gains that settle in 50 steps ({kind}): beta {gains.beta:.3g}, gamma "
        f"{gains.gamma:.3g}, D {gains.D:.3g}, m_r {gains.m_r:.3g}, alpha {gains.alpha:g}, "
        f"kappa {gains.kappa:g}."
    )
