"""Quantisation-aware fine-tuning: train on with the weights that the chip will hold.

Each step runs the net with its weights rounded to the chip's grid and its leaks as bit shifts, and
lets the gradient pass through the rounding as if it were not there (straight-through estimator,
Bengio, Leonard, Courville 2013, arXiv 1308.3432): it moves the unrounded weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Layer, Network
from neurosim.training import config as configuration
from neurosim.training import machine
from neurosim.training.config import TrainConfig
from neurosim.training.epochs import Trainer
from neurosim.training.imu_task import Events, EventTask
from neurosim.training.tasks import Pass
from neurosim.xylo.grid import on_grid


def finetune(
    network: Network,
    raster: np.ndarray,
    labels: np.ndarray,
    *,
    bits: int = 8,
    epochs: int = 5,
    learning_rate: float = 3e-4,
    settings: TrainConfig | None = None,
    axes: Sequence[int] | None = None,
    seed: int = 0,
) -> Network:
    """Return the network on the chip's grid, its weights trained there.

    Args:
        network: a trained net.
        raster: (samples, time, channels) training events.
        labels: (samples,) classes.
        bits: width of a weight, 2..8.
        epochs: passes over the samples; 0 only rounds.
        learning_rate: largest learning rate; it falls to zero along a cosine.
        settings: those that the net was trained with, `TrainConfig(**run.config)`; those of the
            preset "fixed" when left out. Loss, penalties, thresholds, gains, optimiser and batches
            are theirs, as in training. The net is given, and runs on the CPU; there is no warm-up,
            no widening of the thresholds' law, no homeostat, whose scales the network's thresholds
            hold, and, without validation windows, no early stop.
        axes: of the channels that gains make louder, `FrontEnd.band_axes`; five channels each when
            left out.
        seed: of the order of samples, of thresholds and gains.

    Raises:
        InputError: samples and labels do not fit, the settings are of an image net or wrong, or no
            weight has that width.
        NonFiniteLossError: training diverged.
    """
    if len(raster) != len(labels) or not len(labels):
        raise InputError(f"{len(raster)} samples and {len(labels)} labels; give as many of both")
    settings = settings or configuration.load("fixed")
    if settings.task != "imu":
        raise InputError(f"settings are of task {settings.task!r}; fine-tuning is for task 'imu'")
    if not epochs:
        return on_grid(network, bits)
    task = _GridTask(
        configuration.load(
            settings,
            epochs=epochs,
            learning_rate=learning_rate,
            seed=seed,
            warm_up=0,
            threshold_widen=0,
            homeostat=False,
            patience=None,
        ),
        Events(np.asarray(raster), np.asarray(labels)),
        network,
        bits,
        axes,
    )
    trainer = Trainer(task, task.settings)
    with machine.threads(task.settings):
        for _ in trainer.epochs():
            pass
    tuned: Network = trainer.results()["network"]
    return tuned


class _GridTask(EventTask):
    """Windows, and a net that computes with its weights on the chip's grid; see `tasks.Task`.

    Args:
        settings: of the fine-tuning.
        train: windows to train on; there are none to validate with.
        network: the net as it was trained.
        bits: width of a weight on the grid, 2..8.
        axes: of the channels that gains make louder.
    """

    def __init__(
        self,
        settings: TrainConfig,
        train: Events,
        network: Network,
        bits: int,
        axes: Sequence[int] | None,
    ):
        self.network, self.bits = network, bits
        net: Any = module_from_network(_with_weights(on_grid(network, bits), _weights(network)))
        parts = {"train": train, "validation": Events(train.raster[:0], train.labels[:0])}
        super().__init__(settings, parts, net, torch.device("cpu"), axes)
        modules = list(torch.nn.Module.children(net))
        self.pairs = list(zip(modules[::2], modules[1::2], strict=True))
        """Linear module and neurons of each layer."""
        learnt = {id(weight) for weight in self.parameters()}
        for parameter in torch.nn.Module.parameters(net):
            parameter.requires_grad_(id(parameter) in learnt)

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the unrounded weights, layer by layer, recurrent ones after the others."""
        tensors = [
            tensor
            for linear, neurons in self.pairs
            for tensor in (linear._parameters["weight"], neurons._parameters.get("w_rec"))
        ]
        return [tensor for tensor in tensors if tensor is not None]

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return the network on the grid; thresholds keep their scales."""
        weights = [weight.detach().numpy() for weight in self.parameters()]
        return {"network": on_grid(_with_weights(self.network, weights), self.bits)}

    def forward(self, inputs: torch.Tensor, *, training: bool) -> Pass:
        """Run the net on the grid; gradients by rounded weights go to the unrounded ones."""
        with self._rounded():
            return super().forward(inputs, training=training)

    def provenance(self) -> dict[str, Any]:
        """Return what the weights come from beside the samples: the network, and the grid."""
        return {"network": self.network.digest(), "bits": self.bits}

    @contextmanager
    def _rounded(self) -> Iterator[None]:
        """Have the modules see what the grid makes of weights, thresholds and biases."""
        grid: Network = self.results(None)["network"]
        for (linear, neurons), layer in zip(self.pairs, grid.layers, strict=True):
            _shadow(linear, "weight", layer.weight)
            _shadow(neurons, "threshold", layer.threshold)
            _shadow(neurons, "bias", layer.bias)
            if layer.recurrent is not None:
                _shadow(neurons, "w_rec", layer.recurrent)
        try:
            yield
        finally:
            for linear, neurons in self.pairs:
                del linear.__dict__["weight"]
                for name in ("threshold", "bias", "w_rec"):
                    neurons.__dict__.pop(name, None)


class _Rounded(torch.autograd.Function):
    """The rounded value, whose gradient goes to the parameter as it is."""

    @staticmethod
    def forward(ctx: Any, parameter: torch.Tensor, rounded: torch.Tensor) -> torch.Tensor:
        return rounded.view_as(rounded)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return gradient, None


def _shadow(module: torch.nn.Module, name: str, value: np.ndarray) -> None:
    """Hide a parameter behind its rounded value: own attributes are found before parameters."""
    parameter = module._parameters[name]
    assert parameter is not None, f"{name} is a parameter of the module"
    rounded = torch.as_tensor(np.array(value, dtype=np.float32)).reshape(parameter.shape)
    module.__dict__[name] = _Rounded.apply(parameter, rounded)


def _weights(network: Network) -> list[np.ndarray]:
    """Return the weights, layer by layer, recurrent ones after the others."""
    arrays = [array for layer in network.layers for array in (layer.weight, layer.recurrent)]
    return [array for array in arrays if array is not None]


def _with_weights(network: Network, weights: list[np.ndarray]) -> Network:
    """Return a network with other weights, in the order of `_weights`."""
    values = iter(weights)

    def with_next(layer: Layer) -> Layer:
        changes: dict[str, Any] = {"weight": next(values).reshape(layer.weight.shape)}
        if layer.recurrent is not None:
            changes["recurrent"] = next(values).reshape(layer.recurrent.shape)
        return replace(layer, **changes)

    return replace(network, layers=tuple(with_next(layer) for layer in network.layers))
