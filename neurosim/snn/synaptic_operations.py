"""Synaptic operations of a layer's call, counted one by one as NeuroBench defines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from rockpool.nn.modules import LinearTorch
from rockpool.nn.modules.torch.lif_torch import LIFBaseTorch
from torch import nn
from torch.nn import functional

Tensor = torch.Tensor


@dataclass(frozen=True)
class Counts:
    """Operations of all samples of a call together."""

    dense: int = 0
    """Every weight with every input; the zero padding of a convolution is none."""
    acs: int = 0
    """Nonzero weights with nonzero inputs, of a call whose inputs are all -1, 0 or 1."""
    macs: int = 0
    """The same of other calls."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.dense + other.dense, self.acs + other.acs, self.macs + other.macs)


def of(module: nn.Module, x: Tensor, y: Tensor) -> Counts:
    """Return the operations of a module that made y of x; none for what has no synapses.

    Convolutions, linear layers (torch's and rockpool's) and recurrent weights of LIF modules are
    known.
    """
    if isinstance(module, nn.Conv2d):
        return _counts(x, lambda a, w: _convolved(module, a, w), module.weight)
    if isinstance(module, nn.Linear):
        return _counts(x, functional.linear, module.weight)
    if isinstance(module, LinearTorch):
        return _counts(x, lambda a, w: functional.linear(a, w.T), module.weight)
    if isinstance(module, LIFBaseTorch) and module._has_rec:
        weight: Any = module.w_rec
        before = y[:, :-1]  # spikes act one step later
        return _counts(before, lambda a, w: functional.linear(a, w.T), weight)
    return Counts()


def _convolved(module: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor:
    padding: Any = module.padding
    return functional.conv2d(
        x, weight, None, module.stride, padding, module.dilation, module.groups
    )


def _counts(x: Tensor, combine: Any, weight: Tensor) -> Counts:
    """Count by combining ones in place of what is not zero."""
    active, used = (x != 0).to(weight), (weight != 0).to(weight)
    effective = _sum(combine(active, used))
    one = torch.ones_like(x[:1]).to(weight)
    dense = _sum(combine(one, torch.ones_like(weight))) * len(x)
    binary = bool(((x == 0) | (x.abs() == 1)).all())
    return Counts(dense, effective if binary else 0, 0 if binary else effective)


def _sum(counts: Tensor) -> int:
    return int(counts.sum(dtype=torch.float64))
