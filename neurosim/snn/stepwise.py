"""The LIF layer as a plain torch loop, for what the kernels do not cover. Linear in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch


class Constants(NamedTuple):
    """What a layer computes with, in the type of its input."""

    recurrent: torch.Tensor | None
    """(N, N * S)."""
    alpha: torch.Tensor
    """(N,)."""
    beta: torch.Tensor | None
    """(N, S); None for delta synapses."""
    bias: torch.Tensor
    """(N,)."""
    theta: torch.Tensor
    """(1 or B, 1 or T, 1 or N)."""


def lif(
    x: torch.Tensor,
    recurrent: torch.Tensor | None,
    alpha: torch.Tensor,
    beta: torch.Tensor | None,
    bias: torch.Tensor,
    theta: torch.Tensor,
    noise: torch.Tensor | None,
    state: tuple[torch.Tensor, ...],
    spike: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> tuple[torch.Tensor, ...]:
    """Evolve a layer on any device, in any float type, with any surrogate.

    LIFTorch writes each step into one tensor, which makes its backward pass quadratic in time;
    here steps are unbound before and stacked after.

    Args:
        x: (B, T, N, S) synaptic input.
        recurrent: (N, N * S) recurrent weights, or None.
        alpha: (N,) membrane decay per step.
        beta: (N, S) synaptic decay per step, or None for delta synapses.
        bias: (N,) added to the membrane each step.
        theta: (1 or B, 1 or T, N) threshold.
        noise: (B, T, N) added to the membrane, or None.
        state: membrane (N,), currents (N, S) and spikes (N,) at the start.
        spike: spikes (B, N) of a membrane (B, N) and a threshold.

    Returns:
        Spikes (B, T, N), membrane (B, T, N) and currents (B, T, N, S) at the end of each step.
    """
    samples, steps = x.shape[:2]
    v, i, s = (value.expand(samples, *value.shape) for value in state)
    thresholds = theta.expand(theta.shape[0], steps, -1).unbind(1)
    noises = [None] * steps if noise is None else noise.unbind(1)
    record: list[tuple[torch.Tensor, ...]] = []
    for x_t, theta_t, noise_t in zip(x.unbind(1), thresholds, noises, strict=True):
        i = x_t if beta is None else i + x_t
        if recurrent is not None:
            i = i + (s @ recurrent).reshape(i.shape)
        if beta is not None:
            i = i * beta
        v = v * alpha + i.sum(2)
        if noise_t is not None:
            v = v + noise_t
        v = v + bias
        s = spike(v, theta_t).to(v.dtype)
        v = v - s * theta_t
        record.append((s, v, i))
    return tuple(torch.stack(series, 1) for series in zip(*record, strict=True))
