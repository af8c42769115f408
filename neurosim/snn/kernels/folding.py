"""Narrow layers as wide ones: several samples of a batch side by side in a row of neurons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

NARROW, ROW = 16, 96
"""Layers of at most NARROW neurons are evolved in rows of up to ROW, several samples in each."""


def samples_together(samples: int, neurons: int) -> int:
    """Return how many samples of a narrow layer are worth treating as one of a wide layer.

    Short rows do not fill the processor's vectors; wide layers are not worth the rearrangement.
    """
    if neurons > NARROW:
        return 1
    return max(
        k for k in range(1, samples + 1) if (samples % k == 0 and k * neurons <= ROW) or k == 1
    )


def folded(
    evolve: Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]],
    together: int,
    x: torch.Tensor,
    alpha: torch.Tensor,
    beta: torch.Tensor,
    bias: torch.Tensor,
    theta: torch.Tensor,
    setting: Any,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Evolve as `evolve` does, neighbouring samples side by side as if they were more neurons.

    Args:
        evolve: `fused.lif` without recurrent weights; the other arguments are its own.
        together: samples in a row; divides their number.
    """
    samples = len(x)

    def fold(series: torch.Tensor) -> torch.Tensor:
        """(B, T, n) -> (B / together, T, together * n)."""
        groups = series.reshape(-1, together, *series.shape[1:]).transpose(1, 2)
        return groups.reshape(*groups.shape[:2], -1).contiguous()  # one layout, one compiled kernel

    def unfold(series: torch.Tensor) -> torch.Tensor:
        """(B / together, T, together * n) -> (B, T, n)."""
        groups = series.reshape(*series.shape[:2], together, -1).transpose(1, 2)
        return groups.reshape(samples, series.shape[1], -1)

    def tile(row: torch.Tensor) -> torch.Tensor:
        """(n,) -> (together * n,)."""
        return row.reshape(-1).repeat(together)

    if theta.shape[0] == 1:
        theta = theta.expand(together, -1, -1)
    wide = replace(
        setting,
        noise=None if setting.noise is None else fold(setting.noise),
        vmem=tile(setting.vmem),
        isyn=tile(setting.isyn),
        spikes=tile(setting.spikes),
    )
    spikes, vmem, isyn = evolve(
        fold(x), None, tile(alpha), tile(beta), tile(bias), fold(theta), wide
    )
    setting.rate = wide.rate
    setting.vmem = wide.vmem.reshape(samples, -1)
    setting.isyn = wide.isyn.reshape(samples, *setting.isyn.shape)
    if not setting.record:
        return unfold(spikes), vmem, isyn
    return unfold(spikes), unfold(vmem), unfold(isyn)
