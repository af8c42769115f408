"""What goes wrong in training, by name: silent layers, collapsed readouts, non-finite numbers."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError, NeurosimError


class NonFiniteLossError(NeurosimError):
    """The loss or a gradient is no number; the message names epoch, batch and layer."""


class ActivityWarning(UserWarning):
    """A layer had no spike at all, or the readout gave all samples the same answer."""


def silence(layer: int | str, threshold: float) -> str:
    """Say which layer was silent."""
    return f"layer {layer} has no spikes at threshold scale {threshold:.3g}"


def collapse(answer: int, threshold: float) -> str:
    """Say that all samples, of several classes, got one answer; -1 is that of a silent readout."""
    what = "stays silent" if answer < 0 else f"answers {answer}"
    return f"the readout {what} for all samples at threshold scale {threshold:.3g}"


class Watch:
    """Collects the silent layers of an epoch, to warn of each once.

    A silent layer passes on nothing and, where its membranes are far from threshold, no gradient:
    it may stay silent.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._batches = 0
        self._silent: dict[int, list[float]] = defaultdict(list)
        self._answers: set[int] = set()
        self._labels: set[int] = set()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {
            "batches": self._batches,
            "silent": dict(self._silent),
            "answers": sorted(self._answers),
            "labels": sorted(self._labels),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._batches = state["batches"]
        self._silent = defaultdict(list, state["silent"])
        self._answers, self._labels = set(state["answers"]), set(state["labels"])

    def see(
        self,
        spikes: Sequence[float],
        scales: Sequence[float | np.ndarray],
        answers: Sequence[int],
        labels: Sequence[int],
    ) -> None:
        """Take in a batch.

        Args:
            spikes: spike count of each hidden layer.
            scales: what its thresholds were multiplied by.
            answers: class of each sample by the readout.
            labels: its true class.
        """
        self._batches += 1
        for layer, (count, scale) in enumerate(zip(spikes, scales, strict=True)):
            if not count:
                self._silent[layer].append(float(np.mean(scale)))
        self._answers.update(answers)
        self._labels.update(labels)

    def warn(self, epoch: int) -> None:
        """Warn of the silent layers of an epoch, and of a readout with one answer."""
        for layer, scales in sorted(self._silent.items()):
            warnings.warn(
                f"epoch {epoch}: {silence(self.names[layer], min(scales))}, the lowest of "
                f"{len(scales)} silent batches of {self._batches}; lower the thresholds or raise "
                "the weights",
                ActivityWarning,
                stacklevel=2,
            )
        if len(self._answers) == 1 < len(self._labels):
            warnings.warn(
                f"epoch {epoch}: the readout answers {self._answers.pop()} for all samples; lower "
                "learning_rate or the thresholds",
                ActivityWarning,
                stacklevel=2,
            )


def not_finite_in_pass(
    net: torch.nn.Module, inputs: torch.Tensor, run: Callable[[torch.Tensor], Any]
) -> str | None:
    """Say what is not finite first: weights, samples or the output of a module; None: nothing.

    Args:
        net: whose weights and modules are looked at.
        inputs: samples of a batch.
        run: a forward pass of the net on them, as in training.
    """
    for name, parameter in torch.nn.Module.named_parameters(net):
        if not torch.isfinite(parameter).all():
            return f"{name} is not finite"
    if not torch.isfinite(inputs).all():
        return "the samples themselves are not finite"
    names: list[str] = []

    def note_if_not_finite(name: str) -> Any:
        def hook(module: torch.nn.Module, arguments: Any, output: Any) -> None:
            value = output[0] if isinstance(output, tuple) else output
            if not torch.isfinite(value).all():
                names.append(name)

        return hook

    hooks = [
        module.register_forward_hook(note_if_not_finite(name))
        for name, module in torch.nn.Module.named_modules(net)
        if not any(torch.nn.Module.children(module))
    ]
    try:
        with torch.no_grad(), suppress(InputError):  # layers refuse numbers that are not finite
            run(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return f"the output of {names[0]} is not finite" if names else None


def not_finite_in_gradients(net: torch.nn.Module) -> str:
    """Say whose gradient was the first that is not finite: that of the last such weights.

    Gradients run backwards.
    """
    names = [
        name
        for name, parameter in torch.nn.Module.named_parameters(net)
        if parameter.grad is not None and not torch.isfinite(parameter.grad).all()
    ]
    return f"it began in {names[-1]}" if names else "their norm exceeds the largest float"
