"""How a net's layers answer their thresholds and each other, measured by moving the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from neurosim.analysis.homeostat.coupling import Coupling
from neurosim.homeostat import controlled_layers
from neurosim.snn.adapters import reset_state

STEP = 0.1
"""Change of ln threshold, to both sides."""


def measured_response(
    net: torch.nn.Module,
    events: torch.Tensor,
    *,
    blocks: Sequence[Sequence[int]] | None = None,
    readout: bool = False,
    floor: float = 1e-4,
    run: Callable[[Any, torch.Tensor], Any] = lambda net, events: net(events),
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
        run: runs the net.
    """
    net = controlled_layers.duplicate(net)
    layers = controlled_layers.control(controlled_layers.find(net, readout=readout))
    units = blocks or [[k] for k in range(len(layers))]

    def log_rates(unit: int, change: float) -> np.ndarray:
        for k, layer in enumerate(layers):
            layer.write(float(np.exp(change)) if k in units[unit] else 1.0)
        reset_state(net)
        with torch.no_grad():
            run(net, events)
        rates = np.array([layer.rate() for layer in layers])
        return np.log(np.maximum([rates[list(unit)].mean() for unit in units], floor))

    response = np.stack(
        [(log_rates(u, STEP) - log_rates(u, -STEP)) / (2 * STEP) for u in range(len(units))], axis=1
    )
    sensitivity = -np.diag(response)
    passed_on = -np.diag(response, k=-1)
    moved = np.where(sensitivity[:-1] == 0, 1.0, sensitivity[:-1])  # none moved: none passed on
    return Coupling(sensitivity, np.concatenate([[0.0], passed_on / moved]))
