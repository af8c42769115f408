"""BatchNorm in rate-based backpropagation: phase 2 has the statistics of phase 1 as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Tensor = torch.Tensor


@dataclass
class Seen:
    """What phase 1 sees of a BatchNorm in training: statistics of one batch, or of each step."""

    norm: Any
    passes: int = 0
    scale: Tensor | float = 0.0
    """(C,) sum of 1 / deviation over the passes."""
    shift: Tensor | float = 0.0
    """(C,) sum of mean / deviation."""

    def observe(self, x: Tensor) -> Tensor:
        """Stand in for the forward pass of training (B, C, ...), running statistics included."""
        norm = self.norm
        y, mean, scale = torch.native_batch_norm(
            x, norm.weight, norm.bias, norm.running_mean, norm.running_var, True,
            self._momentum(), norm.eps,
        )  # fmt: skip
        self.passes += 1
        self.scale, self.shift = self.scale + scale, self.shift + mean * scale
        return y

    def estimate(self) -> Callable[[Tensor], Tensor]:
        """Return the forward pass of phase 2.

        Its input is the mean over time. The mean over a batch and over time is then the mean over
        the batch, and how both it and the variance move when inputs move for all of time is known
        from the batch alone: those are the derivatives, the values are from phase 1.
        """
        norm, scale = self.norm, self.scale / self.passes
        mean = self.shift / self.passes / scale

        def forward(x: Tensor) -> Tensor:
            shape = (1, -1, *[1] * (x.ndim - 2))
            over = [k for k in range(x.ndim) if k != 1]
            variance, centre = torch.var_mean(x, over, correction=0)
            weight = scale - scale**3 / 2 * (variance - variance.detach())
            if norm.weight is not None:
                weight = weight * norm.weight
            y = (x - (mean + centre - centre.detach()).reshape(shape)) * weight.reshape(shape)
            return y if norm.bias is None else y + norm.bias.reshape(shape)

        return forward

    def _momentum(self) -> float:
        """Count the batch; return the weight of it in the running statistics."""
        norm = self.norm
        if norm.num_batches_tracked is None:
            return 0.0
        norm.num_batches_tracked.add_(1)
        return float(norm.momentum or 1 / float(norm.num_batches_tracked))
