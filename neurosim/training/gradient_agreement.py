"""How well rate-based gradients point along those of backpropagation through time."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch.nn import functional

from neurosim.training import rate_based
from neurosim.training.image_nets import ImageNet


def agreement(net: ImageNet, x: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Return the cosines between both gradients of the cross-entropy of a batch.

    They are near 1 where gradients from above hardly change over the steps and do not go with the
    spikes that they multiply: in shallow nets, and the more the longer T. The net stays as it is.

    Args:
        net: weights, and T for images.
        x: images (B, C, H, W) or series (B, T, C, H, W).
        labels: (B,) classes.

    Returns:
        The cosine of each parameter by name, and of all together as "all".
    """
    both = [
        _gradients(net, lambda one: one(x).mean(1), labels),
        _gradients(net, lambda one: rate_based.forward(one, x), labels),
    ]
    cosines = {name: _cosine(both[0][name], both[1][name]) for name, _ in net.named_parameters()}
    cosines["all"] = _cosine(*(torch.cat(list(gradients.values())) for gradients in both))
    return cosines


def _gradients(
    net: ImageNet, logits: Callable[[ImageNet], torch.Tensor], labels: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the gradient of each parameter as a row."""
    one = copy.deepcopy(net)
    one.zero_grad()
    functional.cross_entropy(logits(one), labels).backward()
    zero = torch.zeros(1)
    return {
        name: zero.expand(p.numel()) if p.grad is None else p.grad.flatten()
        for name, p in one.named_parameters()
    }


def _cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return torch.cosine_similarity(a, b, dim=0).item()
