"""Weights scaled until every layer fires: a deep stack neither falls silent nor saturates."""

from __future__ import annotations

from typing import Any

import torch

from neurosim.errors import InputError
from neurosim.snn.adapters import reset_state
from neurosim.snn.rockpool_modules import LIFBaseTorch, LinearTorch

_HALVINGS = 24
_REACH = 2.0**12
"""Largest factor on a layer's weights, either way."""


@torch.no_grad()
def set_rates(net: torch.nn.Module, events: torch.Tensor, rate: float = 0.1) -> list[float]:
    """Scale the weights of each layer, first to last, until it fires at a rate; reset the state.

    Args:
        net: linear and LIF modules in turn, nested in Sequential or Residual.
        events: a typical batch (B, T, channels).
        rate: spikes per neuron and step.

    Returns:
        The factor on the weights of each layer.

    Raises:
        InputError: a layer does not reach the rate; it is named.
    """
    if not rate > 0:
        raise InputError(f"rate is {rate}; give spikes per neuron and step above 0")
    modules = [
        (name, module)
        for name, module in torch.nn.Module.named_modules(net)
        if isinstance(module, LinearTorch | torch.nn.Linear | LIFBaseTorch)
    ]
    factors = []
    for (_, linear), (name, neurons) in zip(modules[::2], modules[1::2], strict=True):
        factors.append(_factor(name, neurons, _input(net, neurons, events), rate))
        linear.weight.data *= factors[-1]
    reset_state(net)
    return factors


def _input(net: torch.nn.Module, neurons: Any, events: torch.Tensor) -> torch.Tensor:
    """Return what enters a layer when the net runs from rest."""
    currents: list[torch.Tensor] = []
    hook = neurons.register_forward_pre_hook(lambda module, inputs: currents.append(inputs[0]))
    reset_state(net)
    try:
        net(events)
    finally:
        hook.remove()
    return currents[0]


def _factor(name: str, neurons: Any, x: torch.Tensor, rate: float) -> float:
    """Return the factor on an input that makes a layer fire at a rate, by halving the interval."""

    def fires(factor: float) -> float:
        reset_state(neurons)
        spikes, _, _ = neurons(x * factor)
        return float(spikes.mean())

    low, high = 1 / _REACH, _REACH
    if not fires(low) < rate <= fires(high):
        raise InputError(
            f"layer {name} fires at {fires(1.0):.3g} spikes per neuron and step, and at "
            f"{fires(low):.3g} to {fires(high):.3g} with other weights; {rate:g} is out of reach: "
            "give another rate, or events that excite it"
        )
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if fires(middle) < rate else (low, middle)
    return high
