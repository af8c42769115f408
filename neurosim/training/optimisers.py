"""Optimisers of a training run, and how their learning rates go."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from neurosim.training.config import TrainConfig

WARM_UP_START = 1e-3
"""Share of the largest learning rate at which warm-up starts."""


def optimiser(parameters: Iterable[torch.nn.Parameter], settings: TrainConfig) -> Optimizer:
    """Return Adam, AdamW or SGD (with momentum) for parameters."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "sgd":
        momentum = settings.momentum
        return _uncompiled(SGD)(parameters, lr=rate, momentum=momentum, weight_decay=decay)
    kind = AdamW if settings.optimiser == "adamw" else Adam
    return _uncompiled(kind)(parameters, lr=rate, weight_decay=decay)


@cache
def _uncompiled(kind: type[Optimizer]) -> Any:
    """Return an optimiser of torch's that does not load torch's compiler, nor can be compiled.

    torch wraps these methods so that its compiler leaves them alone, and a wrapper's first call
    imports the compiler, which takes as long as importing torch.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    step = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), {**methods, "step": step, "__module__": kind.__module__})


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
    linear = LinearLR(optimiser, WARM_UP_START, total_iters=rising)
    return SequentialLR(optimiser, [linear, falling], milestones=[rising])
