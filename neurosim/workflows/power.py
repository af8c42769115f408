"""What trained nets cost on the chip over the thresholds, and whether it is linear in spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.energy.cycles import clock_hz, per_step
from neurosim.energy.linearity import Linearity, fit
from neurosim.energy.operating_points import allowed
from neurosim.energy.price import Price, powers_uw, published_price
from neurosim.frozen import Frozen
from neurosim.workflows.governor import LOSS
from neurosim.workflows.stored_models import Model, table_of

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Curve(Frozen):
    """One net over its K settings of threshold and lead, means over windows."""

    spikes: np.ndarray
    """(K,) per inference."""
    hidden_bins: np.ndarray
    """(K,) share of (step, neuron) with a spike."""
    cycles: np.ndarray
    """(K,) a step."""
    dynamic_w: np.ndarray
    """(K,) estimated."""


@dataclass(frozen=True)
class Reach:
    """How far the threshold moves a net's power, from scale 1 to the cheapest useful scale."""

    scale: float
    """The cheapest threshold within the tolerated loss of accuracy."""
    accuracy: tuple[float, float]
    """At scale 1 and there."""
    spikes: float
    """Share of the spikes that is saved."""
    dynamic: float
    """Share of the dynamic power that is saved: less, since a silent core also spends cycles."""
    total: float
    """Share of the power at work that is saved."""

    def share_needed(self, longer: float) -> float:
        """Return the dynamic share of power at which the battery would last `longer` times more.

        1 / (1 - share dynamic) = 1 + longer, all day at work. Above 1 it cannot; inf where turning
        the threshold saves nothing, as where scale 1 is the cheapest that is accurate enough.
        """
        if self.dynamic <= 0:
            return float("inf")
        return (1 - 1 / (1 + longer)) / self.dynamic


def power_curve(model: Model, price: Price | None = None) -> Curve:
    """Return means over all windows at each setting."""
    price = price or published_price(spec=model.spec)
    cycles = model.sample.cycles.mean(axis=1)
    return Curve(
        model.sample.spikes.mean(axis=1),
        model.sample.hidden_bins.mean(axis=1),
        cycles,
        np.asarray(price.dynamic_w(cycles, model.spec.dt)),
    )


def rows(models: Sequence[Model]) -> list[Row]:
    """Return one row for each net, threshold and lead; power is estimated from the anchor "imu".

    `clock_mhz` is what the busiest step needs; `price.powers_uw` explains the powers.
    """
    return [_row(model, power_curve(model), k) for model in models for k in range(len(model.leads))]


def _row(model: Model, own: Curve, k: int) -> Row:
    used = float(model.sample.used[k].mean())
    clock = clock_hz(model.spec, model.sample.busiest[k].max())
    return {
        "net": model.name,
        "threshold": model.scales[k],
        "lead": model.leads[k],
        "accuracy": float(model.sample.correct[k].mean()),
        "window_used": used,
        "spikes": float(own.spikes[k]),
        "hidden_bins": float(own.hidden_bins[k]),
        "cycles": float(own.cycles[k]),
        "silent_cycles": float(per_step(model.spec, 0.0, 0.0)),
        "dynamic_uw": 1e6 * float(own.dynamic_w[k]),
        "clock_mhz": 1e-6 * clock,
        **powers_uw(model.spec, float(own.cycles[k]), used, clock),
    }


def front(model: Model) -> list[Row]:
    """Return the rows that none beats in both accuracy and spikes, by rising spikes."""
    kept: list[Row] = []
    for row in sorted(rows([model]), key=lambda row: (row["spikes"], -row["accuracy"])):
        if not kept or row["accuracy"] > kept[-1]["accuracy"]:
            kept.append(row)
    return kept


def over_thresholds(model: Model) -> Linearity:
    """Fit dynamic power (W) against spikes per inference over the thresholds."""
    curve = power_curve(model.at_end)
    return fit(curve.spikes, curve.dynamic_w)


def over_windows(model: Model, scale: float = 1.0) -> Linearity:
    """Fit dynamic power (W) against spikes over the windows at one threshold."""
    k = model.scales.index(scale)
    price = published_price(spec=model.spec)
    power = np.asarray(price.dynamic_w(model.sample.cycles[k], model.spec.dt))
    return fit(model.sample.spikes[k], power)


def in_active_bins(model: Model) -> Linearity:
    """Fit dynamic power (W) against the share of active bins over the thresholds."""
    curve = power_curve(model.at_end)
    return fit(curve.hidden_bins, curve.dynamic_w)


def silent_share(model: Model) -> float:
    """Return the share of a step's cycles at scale 1 that a core without any event still pays."""
    return per_step(model.spec, 0.0, 0.0) / float(
        power_curve(model).cycles[model.scales.index(1.0)]
    )


def power_reach(model: Model, price: Price | None = None, *, loss: float = LOSS) -> Reach:
    """Return what turning the threshold from 1 to the cheapest useful scale saves."""
    price, model = price or published_price(spec=model.spec), model.at_end
    table = table_of([model], price)
    best = max(s.accuracy for s in table)
    cheapest = min(allowed(table, min_accuracy=best - loss), key=lambda s: s.power_w)
    one, other = model.scales.index(1.0), model.scales.index(cheapest.threshold)
    curve = power_curve(model, price)
    return Reach(
        cheapest.threshold,
        (table[one].accuracy, cheapest.accuracy),
        1 - float(curve.spikes[other] / curve.spikes[one]),
        1 - float(curve.dynamic_w[other] / curve.dynamic_w[one]),
        1 - cheapest.power_w / table[one].power_w,
    )
