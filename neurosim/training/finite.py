"""Where numbers stopped being finite: the epoch, the batch and the layer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurosim.errors import InputError, NeurosimError
from neurosim.training.thresholds import Draw

if TYPE_CHECKING:
    from neurosim.training.epochs import Trainer


class NonFiniteLossError(NeurosimError):
    """The loss or a gradient is no number; the message names epoch, batch and layer."""


def lost(
    trainer: Trainer, loss: float, scales: Sequence[Draw], inputs: torch.Tensor
) -> NonFiniteLossError:
    """Return the error of a loss that is no number, after looking for the layer it began in."""
    where = first_layer(trainer, inputs) or "all layers are finite, their readout's loss is not"
    return _error(trainer, f"loss is {loss}", scales, where)


def refused(
    trainer: Trainer, scales: Sequence[Draw], inputs: torch.Tensor
) -> NonFiniteLossError | None:
    """Return the error of a forward pass that a layer refused, if numbers were not finite."""
    where = first_layer(trainer, inputs)
    return _error(trainer, "the forward pass failed", scales, where) if where else None


def steep(trainer: Trainer, scales: Sequence[Draw]) -> NonFiniteLossError:
    """Return the error of a gradient that is no number, naming the last such weights.

    Gradients run backwards: theirs was the first.
    """
    bad = [
        name
        for name, parameter in torch.nn.Module.named_parameters(trainer.task.net)
        if parameter.grad is not None and not torch.isfinite(parameter.grad).all()
    ]
    return _error(trainer, "a gradient is not finite", scales, f"it began in {bad[-1]}")


def first_layer(trainer: Trainer, inputs: torch.Tensor) -> str | None:
    """Say what is not finite first: weights, samples or the output of a module; None: nothing."""
    net, found = trainer.task.net, []
    for name, parameter in torch.nn.Module.named_parameters(net):
        if not torch.isfinite(parameter).all():
            return f"{name} is not finite"
    if not torch.isfinite(inputs).all():
        return "the samples themselves are not finite"

    def look(name: str) -> Any:
        def hook(module: torch.nn.Module, given: Any, output: Any) -> None:
            value = output[0] if isinstance(output, tuple) else output
            if not torch.isfinite(value).all():
                found.append(f"the output of {name}")

        return hook

    leaves = [
        (n, m)
        for n, m in torch.nn.Module.named_modules(net)
        if not any(torch.nn.Module.children(m))
    ]
    hooks = [m.register_forward_hook(look(name)) for name, m in leaves]
    try:
        with torch.no_grad(), suppress(InputError):
            trainer.task.forward(inputs, training=True)
    finally:
        for hook in hooks:
            hook.remove()
    return f"{found[0]} is not finite" if found else None


def _error(trainer: Trainer, what: str, scales: Sequence[Draw], where: str) -> NonFiniteLossError:
    return NonFiniteLossError(
        f"{what} in epoch {trainer.epoch}, batch {trainer.done + 1} of {trainer.batches}, "
        f"threshold scale {np.mean(scales[0]):.3f}: {where}; lower learning_rate from "
        f"{trainer.settings.learning_rate} or set clip"
    )
