"""Wrist recordings, learnt by linear and LIF modules in turn."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rockpool.nn.modules import TorchModule

from neurosim import readout
from neurosim.errors import InputError
from neurosim.training import augment
from neurosim.training.config import TrainConfig
from neurosim.training.convert import network_from_module
from neurosim.training.modules import LIF
from neurosim.training.nets import layered
from neurosim.training.tasks import Pass
from neurosim.training.thresholds import hidden

if TYPE_CHECKING:
    from neurosim.data import Dataset


class ImuTask:
    """Encoded windows and the net "layered"; see `tasks.Task`."""

    def __init__(self, settings: TrainConfig, dataset: Dataset, device: torch.device):
        if not len(dataset.train.labels):
            raise InputError("dataset.train is empty; there is nothing to train on")
        self.settings, self.dataset, self.device = settings, dataset, device
        _, self.steps, channels = dataset.train.raster.shape
        net = layered(settings, channels, len(dataset.classes), dataset.front_end.dt)
        self.net: TorchModule = net.to(device)
        self.layers = [str(k) for k in range(len(hidden(self.net)))]

    def labels(self, part: str) -> torch.Tensor:
        """Return the classes of a part."""
        return torch.as_tensor(getattr(self.dataset, part).labels).long().to(self.device)

    def inputs(
        self, part: str, chosen: np.ndarray, share: slice, rng: np.random.Generator | None
    ) -> torch.Tensor:
        """Return events (B, T, channels); in training each window as loud as at another wearer."""
        events = getattr(self.dataset, part).raster[chosen]
        if rng is not None:
            events = augment.random_gain(events, self.settings.gain_spread, rng)
        # A copy, which torch aligns: sums of products depend on the factors' alignment.
        return torch.tensor(events[share].astype(np.float32, copy=False), device=self.device)

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the weights."""
        return list(self.net.parameters().astorch())

    def forward(self, inputs: torch.Tensor, *, training: bool) -> Pass:
        """Run the net; logits are the output's spike counts, scaled."""
        output, layers = forward(self.net, inputs)
        kept = layers[:-1]
        return Pass(
            self.settings.logit_scale * output.sum(dim=1),
            torch.stack([spikes.mean() for spikes in kept]).mean() if training else None,
            [float(spikes.detach().sum()) for spikes in kept],
            [spikes.numel() for spikes in kept],
        )

    def decide(self, logits: torch.Tensor) -> np.ndarray:
        """Return the class whose neuron fired most; a silent readout decides nothing."""
        counts = logits.cpu().numpy()
        return np.where(counts.any(axis=1), counts.argmax(axis=1), readout.SILENT)

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return the net as a Network, scales as part of its thresholds."""
        network = network_from_module(self.net.to("cpu"))
        if scales is not None:
            network = network.with_threshold([*scales, 1.0])
        return {"network": network, "front_end": self.dataset.front_end.to_dict()}

    def provenance(self) -> dict[str, Any]:
        """Return the split and a hash of the training windows."""
        train = self.dataset.train
        data = hashlib.sha256(train.raster.tobytes() + train.labels.tobytes())
        split = {part: list(people) for part, people in asdict(self.dataset.split).items()}
        return {"split": split, "train_sha256": data.hexdigest()}


def forward(net: TorchModule, events: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Run a Sequential from a zero state; return its output and the spikes of every LIF layer."""
    layers = []
    value = events
    for module in net.modules().values():
        if isinstance(module, LIF):
            module.reset_state()
        value, _, _ = module(value)
        if isinstance(module, LIF):
            layers.append(value)
    return value, layers
