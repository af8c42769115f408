"""Tables of one net: what theory predicts for it, and its sweep in Loihi's integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from neurosim.workflows.network_theory import NetworkTheory


def theory(predicted: NetworkTheory) -> RenderableType:
    """Return spikes over thresholds, the layers at scale 1, and what AHSAR would do."""
    depth = len(predicted.gates)
    names = [f"hidden {k + 1}" for k in range(depth - 1)] + ["output"]
    spikes = Table(title="Predicted spikes per window", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in ("scale", *names, "total", "almost silent"):
        spikes.add_column(column, justify="right")
    for scale, count in predicted.counts.items():
        quiet = ", ".join(names[k] for k in predicted.silent[scale]) or "none"
        row = [f"{value:,.0f}" for value in (*count, count.sum())]
        spikes.add_row(f"{scale:.1f}", *row, quiet)
    layers = Table(title="Layers at scale 1", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in ("layer", "gate", "Jacobian norm", "sensitivity a", "coupling b"):
        layers.add_column(column, justify="left" if column == "layer" else "right")
    for k, name in enumerate(names):
        response = [predicted.sensitivity[k], predicted.coupling[k]] if k < depth - 1 else None
        shown = [f"{value:.2f}" for value in response] if response else ["", ""]
        layers.add_row(name, f"{predicted.gates[k]:.3f}", f"{predicted.norms[k]:.2f}", *shown)
    return Group(spikes, layers, _homeostat_sentence(predicted))


def loihi_sweep(rows: Sequence[dict[str, Any]]) -> Table:
    """Return accuracy and spikes of the rows of `loihi_sweep.sweep_on_loihi`."""
    names = [key.removeprefix("accuracy_") for key in rows[0] if key.startswith("accuracy_")]
    title = f"Threshold sweep, {rows[0]['windows']} test windows"
    out = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
    out.add_column("scale", justify="right")
    for what in ("accuracy", "spikes"):
        for name in names:
            out.add_column(f"{what}\n{name}", justify="right")
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
