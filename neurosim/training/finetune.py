"""Quantisation-aware fine-tuning: train on with the weights that the chip will hold.

Each step runs the net with its weights rounded to the chip's grid and its leaks as bit shifts, and
lets the gradient pass through the rounding as if it were not there (straight-through estimator,
Bengio, Leonard, Courville 2013, arXiv 1308.3432): it moves the unrounded weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network
from neurosim.snn.lif import LIF
from neurosim.training import augment
from neurosim.training import config as configuration
from neurosim.training.config import TrainConfig
from neurosim.training.imu_task import forward
from neurosim.training.loop import set_threshold_scale
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
    seed: int = 0,
) -> Network:
    """Return the network on the chip's grid, its weights trained there.

    Args:
        network: a trained net; its output layer's spike counts are the logits.
        raster: (samples, time, channels) training events.
        labels: (samples,) classes.
        bits: width of a weight, 2..8.
        epochs: passes over the samples.
        learning_rate: peak of Adam's rate; it falls to zero along a cosine.
        settings: those that the net was trained with, `TrainConfig(**run.config)`: batch size,
            threshold law, augmentation and loss are taken from there.
        seed: of the order of samples, of thresholds and gains.

    Raises:
        InputError: samples and labels do not fit, or no weight has that width.
    """
    if len(raster) != len(labels) or not len(labels):
        raise InputError(f"{len(raster)} samples and {len(labels)} labels; give as many of both")
    settings = settings or configuration.load("fixed")
    net = module_from_network(on_grid(network, bits))
    held = _weights(net)
    free = [w.detach().clone() for w in _weights(module_from_network(network))]
    optimiser = torch.optim.Adam(free, lr=learning_rate)
    batches = -(-len(labels) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(epochs * batches, 1))
    classes = torch.as_tensor(np.asarray(labels)).long()
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for chosen in np.array_split(rng.permutation(len(labels)), batches):
            _put(net, on_grid(_network(network, free), bits))
            set_threshold_scale(net, float(rng.uniform(*settings.threshold)))
            events = augment.random_gain(np.asarray(raster)[chosen], settings.gain_spread, rng)
            loss = _loss(net, events, classes[chosen], settings)
            for weight, gradient in zip(free, torch.autograd.grad(loss, held), strict=True):
                weight.grad = gradient
            optimiser.step()
            schedule.step()
    return on_grid(_network(network, free), bits)


def _loss(
    net: torch.nn.Module, events: np.ndarray, labels: torch.Tensor, settings: TrainConfig
) -> torch.Tensor:
    """Return the loss of training: cross-entropy of the counts, and the price of spikes."""
    output, layers = forward(net, torch.tensor(events.astype(np.float32, copy=False)))
    logits = settings.logit_scale * output.sum(dim=1)
    smoothing = settings.label_smoothing
    error = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    hidden = torch.stack([spikes.mean() for spikes in layers[:-1]])
    return error + settings.spike_penalty * hidden.mean()


def _weights(net: torch.nn.Module) -> list[torch.nn.Parameter]:
    """Return the weights of linear modules, and recurrent ones, layer by layer."""
    found = []
    for module in torch.nn.Module.children(net):
        recurrent = isinstance(module, LIF)
        weight = getattr(module, "w_rec" if recurrent else "weight", None)
        if isinstance(weight, torch.nn.Parameter):
            found.append(weight)
    return found


def _arrays(network: Network) -> list[np.ndarray]:
    """Return the weights of a network in the order of `_weights`."""
    return [
        array
        for layer in network.layers
        for array in (layer.weight, layer.recurrent)
        if array is not None
    ]


def _put(net: torch.nn.Module, network: Network) -> None:
    """Copy a network's weights and thresholds, which are rounded with them, into its module."""
    neurons = [m for m in torch.nn.Module.children(net) if isinstance(m, LIF)]
    held = [*_weights(net), *(module.threshold for module in neurons)]
    arrays = [*_arrays(network), *(layer.threshold for layer in network.layers)]
    with torch.no_grad():
        for parameter, array in zip(held, arrays, strict=True):
            values = torch.as_tensor(np.array(array, dtype=np.float32))
            parameter.copy_(values.reshape(parameter.shape))


def _network(network: Network, weights: list[torch.Tensor]) -> Network:
    """Return a network with other weights."""
    values = iter(w.detach().numpy() for w in weights)
    layers = []
    for layer in network.layers:
        changes: dict[str, Any] = {"weight": next(values).reshape(layer.weight.shape)}
        if layer.recurrent is not None:
            changes["recurrent"] = next(values).reshape(layer.recurrent.shape)
        layers.append(replace(layer, **changes))
    return replace(network, layers=tuple(layers))
