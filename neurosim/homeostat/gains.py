"""Gains for the net that a homeostat is attached to: measured, recommended, and warned of.

How a net's layers respond to their thresholds and to each other is measured by moving the
thresholds; gains that suit this response come from the theory of the loop
(`neurosim.analysis.homeostasis`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from neurosim.analysis.homeostasis import (
    Coupling,
    Loop,
    feedback_sign,
    feedback_sum,
    is_stable,
    overshoot,
    recommend,
    steepest_state,
)
from neurosim.errors import InputError
from neurosim.homeostat import controlled_layers
from neurosim.homeostat.controller import FLOOR
from neurosim.snn.adapters import reset_state

STEP = 0.1
"""Change of ln threshold, to both sides, by which a response is measured."""
SWING = 0.02
"""Overshoot that is no oscillation; `recommend` allows half of it."""
DEMANDS = ((0.1, 20), (0.1, 200), (0.2, 200), (0.35, 200), (0.5, 200))
"""Demands on recommended gains, of which the first that can be met counts: the share of a
disagreement that may stay, and the optimisation steps to settle in. Layers that pass on more than
they get (b > 1) swing under a centred loop unless relaxation, which leaves more of a disagreement,
damps them."""

_recommended = lru_cache(recommend)  # some tenths of a second a net


class HomeostatWarning(UserWarning):
    """The loop would run away, oscillate or feed disagreements, or a layer does not answer it."""


def measured_response(
    net: torch.nn.Module,
    events: torch.Tensor,
    *,
    blocks: Sequence[Sequence[int]] | None = None,
    readout: bool = False,
    floor: float = FLOOR,
) -> Coupling:
    """Return sensitivity a and coupling b of each unit, as `analysis.homeostasis.Loop` has them.

    a = -d ln r/d ln threshold by central differences; b, how a unit's rate follows that of the unit
    before, is the ratio of what a threshold does to both. It takes 2 L runs of a copy of the net.

    Args:
        net: the net.
        events: a batch that is typical of training, (B, T, channels).
        blocks: groups of layers that are one unit each; every layer for itself by default.
        readout: as for `controlled_layers.find`.
        floor: smallest rate that is taken a logarithm of.
    """
    net = controlled_layers.duplicate(net)
    layers = controlled_layers.control(controlled_layers.find(net, readout=readout))
    units = [[k] for k in range(len(layers))] if blocks is None else blocks

    def log_rates(unit: int, change: float) -> np.ndarray:
        """Log rates of all units with ln threshold of one of them changed."""
        for k, layer in enumerate(layers):
            layer.write(float(np.exp(change)) if k in units[unit] else 1.0)
        reset_state(net)
        with torch.no_grad():
            net(events)
        rates = np.array(controlled_layers.rates(layers))
        return np.log(np.maximum([rates[list(unit)].mean() for unit in units], floor))

    response = np.stack(
        [(log_rates(u, STEP) - log_rates(u, -STEP)) / (2 * STEP) for u in range(len(units))], axis=1
    )
    sensitivity = -np.diag(response)
    passed_on = -np.diag(response, k=-1)
    moved = np.where(sensitivity[:-1] == 0, 1.0, sensitivity[:-1])  # none moved: none passed on
    return Coupling(sensitivity, np.concatenate([[0.0], passed_on / moved]))


def gains_for(
    units: int,
    loop: Loop | None,
    response: Coupling | None,
    ticks: int | None,
    common_mode: bool,
) -> Loop:
    """Return the gains for a net: those of `loop` or recommended ones, and how its units respond.

    Args:
        units: layers or blocks.
        loop: gains, or None for recommended ones.
        response: as measured; None for uncoupled units whose rates go as 1/threshold.
        ticks: ticks in an optimisation step, or None for those of `loop`, or 1.
        common_mode: no centring.

    Raises:
        InputError: the gains are of another number of units, or one unit is to be centred.
    """
    settings: dict[str, Any] = {}
    if response is not None:
        settings |= {name: tuple(value) for name, value in response._asdict().items()}
    if loop is not None:
        if loop.layers != units:
            raise InputError(f"loop has {loop.layers} layers, the net {units} units; give as many")
        centring = 0.0 if common_mode else loop.centring
        loop = replace(loop, ticks=loop.ticks if ticks is None else ticks, centring=centring)
        loop = replace(loop, **settings)
    if units == 1 and (1.0 if loop is None else loop.centring) == 1 and not common_mode:
        raise InputError("one unit has no other to agree with; attach with common_mode=True")
    if loop is not None:
        return loop
    kind: dict[str, Any] = {
        "ticks": 1 if ticks is None else ticks,
        "centring": 0.0 if common_mode else 1.0,
    }
    for left, steps in DEMANDS:
        try:
            return _recommended(units, left=left, steps=steps, **kind, **settings)
        except InputError:
            continue
    return replace(_recommended(units, **kind), **settings)


def warn_of(loop: Loop) -> None:
    """Warn of deaf layers, positive feedback, instability and oscillation, and name the cure."""
    states = (0.0, steepest_state(loop))
    if not (loop.a > 0).all():
        deaf = int(np.argmin(loop.a))
        message = (
            f"unit {deaf} does not answer its threshold (sensitivity {loop.a[deaf]:.3g}): it or "
            "what it reads is silent; raise its input"
        )
    elif feedback_sign(loop) > 0:
        message = (
            f"the loop feeds disagreements between layers: sum of (1 - b)/a is "
            f"{feedback_sum(loop):.3g}; normalise the layers' inputs or attach with "
            "common_mode=True"
        )
    elif not all(is_stable(loop, c) for c in states):
        message = f"the loop is unstable at beta {loop.beta:.3g}; lower beta or m_r"
    elif (swing := max(overshoot(loop, c) for c in states)) > SWING:
        message = f"the loop oscillates, {swing:.0%} of a deviation swings back; lower beta or m_r"
    else:
        return
    warnings.warn(message, HomeostatWarning, stacklevel=3)
