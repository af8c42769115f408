"""Optimiser and learning rate of a training run."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from neurosim.training.config import TrainConfig

START = 1e-3
"""Share of the peak rate at which warm-up starts."""


def optimiser(parameters: Iterable[torch.nn.Parameter], settings: TrainConfig) -> Optimizer:
    """Return Adam, AdamW or SGD (with momentum) for parameters."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "sgd":
        return SGD(parameters, lr=rate, momentum=settings.momentum, weight_decay=decay)
    kind = AdamW if settings.optimiser == "adamw" else Adam
    return kind(parameters, lr=rate, weight_decay=decay)


def schedule(optimiser: Optimizer, settings: TrainConfig, batches: int) -> LRScheduler:
    """Return a rate that rises in a line for `warm_up` epochs, then falls to zero along a cosine.

    Args:
        optimiser: whose rate it sets, a step a batch.
        settings: epochs and warm-up.
        batches: of an epoch.
    """
    rising = settings.warm_up * batches
    falling = CosineAnnealingLR(optimiser, settings.epochs * batches - rising)
    if not rising:
        return falling
    linear = LinearLR(optimiser, START, total_iters=rising)
    return SequentialLR(optimiser, [linear, falling], milestones=[rising])


def gradients(parameters: Iterable[torch.nn.Parameter]) -> list[torch.Tensor]:
    """Return the gradients that there are."""
    return [p.grad for p in parameters if p.grad is not None]


def clip(gradients: list[torch.Tensor], most: float | None) -> float:
    """Shrink gradients to a common Euclidean norm of at most `most`; return the norm before."""
    if not gradients:
        return 0.0
    norm = float(torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients])))
    if most is not None and norm > most:
        for gradient in gradients:
            gradient.mul_(most / norm)
    return norm
