"""What the LIF layer's kernels take besides tensors with gradients, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class Setting:
    """What a layer's evolution needs besides tensors that can have gradients.

    State tensors are in and out: they hold the start before, and the end after the forward pass.
    """

    surrogate: type[torch.autograd.Function]
    window: torch.Tensor
    max_spikes: torch.Tensor
    exact: bool
    """Gradients to the last bit of rockpool's, for which torch evaluates the surrogate."""
    record: bool
    noise: torch.Tensor | None
    """(B, T, N), added to the membrane."""
    vmem: torch.Tensor
    """(N,) in, (B, N) out."""
    isyn: torch.Tensor
    """(N, S) in, (B, N, S) out."""
    spikes: torch.Tensor
    """(N,) in."""
    rate: torch.Tensor | None = None
    """Spikes per neuron and step, out; a detached scalar."""


def not_finite(x: torch.Tensor) -> str:
    """Say where the input is not finite, or that the constants are not."""
    where = torch.nonzero(~torch.isfinite(x))
    if not len(where):
        return "the state of a LIF layer is not finite; look for weights, bias or tau that are not"
    b, t, m = where[0].tolist()
    value = x[b, t, m].item()
    return (
        f"input of a LIF layer holds {value} (sample {b}, step {t}, synapse {m}); clean the data, "
        "or lower the learning rate if it was finite before"
    )
