"""Wrist recordings, learnt by linear and LIF modules in turn."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurosim import readout
from neurosim.errors import InputError
from neurosim.formats.rockpool import network_from_module
from neurosim.snn.layered import HIDDEN_MAX_SPIKES, layered
from neurosim.snn.lif import LIF
from neurosim.snn.synnet import synnet
from neurosim.training import augment, losses
from neurosim.training.config import TrainConfig
from neurosim.training.tasks import Pass
from neurosim.training.thresholds import hidden

if TYPE_CHECKING:
    from rockpool.nn.modules import TorchModule

    from neurosim.data import Dataset


SATURATED = HIDDEN_MAX_SPIKES // 2
"""Spikes a step that are free of the saturation penalty."""


class ImuTask:
    """Encoded windows and a net of linear and LIF modules in turn; see `tasks.Task`."""

    def __init__(self, settings: TrainConfig, dataset: Dataset, device: torch.device):
        if not len(dataset.train.labels):
            raise InputError("dataset.train is empty; there is nothing to train on")
        self.settings, self.dataset, self.device = settings, dataset, device
        _, self.steps, channels = dataset.train.raster.shape
        net = build(settings, channels, len(dataset.classes), dataset.front_end.dt)
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
        """Run the net; logits are what the loss sees of the readout."""
        settings = self.settings
        by_membrane = settings.loss == "membrane"
        output, layers, membrane = _forward(self.net, inputs, record=by_membrane)
        kept = layers[:-1]
        if by_membrane:
            seen = membrane.max(dim=1).values
        else:
            seen = output.sum(dim=1) if settings.loss == "counts" else output.mean(dim=1)
        return Pass(
            settings.logit_scale * seen,
            self._price(kept) if training else None,
            [float(spikes.detach().sum()) for spikes in kept],
            [spikes.numel() for spikes in kept],
        )

    def _price(self, layers: list[torch.Tensor]) -> torch.Tensor:
        """Return what the spikes of hidden layers cost."""
        settings = self.settings
        price = settings.spike_penalty * torch.stack([spikes.mean() for spikes in layers]).mean()
        if settings.saturation_penalty:
            beyond = [losses.saturation_penalty(s, most=SATURATED) for s in layers]
            price = price + settings.saturation_penalty * torch.stack(beyond).mean()
        return price

    def decide(self, logits: torch.Tensor) -> np.ndarray:
        """Return the class whose neuron says most; a silent readout decides nothing."""
        counts = logits.cpu().numpy()
        return np.where(counts.any(axis=1), counts.argmax(axis=1), readout.SILENT)

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return the net as a Network, scales as part of its thresholds."""
        network = network_from_module(self.net.to("cpu"))
        if scales is not None:
            network = network.with_threshold([*scales, 1.0])
        return {"network": network, "front_end": self.dataset.front_end.to_dict()}

    def provenance(self) -> dict[str, Any]:
        """Return name, split and hash of the training windows."""
        split = {part: list(people) for part, people in asdict(self.dataset.split).items()}
        return {
            "dataset": self.dataset.name,
            "split": split,
            "train_sha256": self.dataset.train_sha256,
        }


def build(settings: TrainConfig, channels: int, classes: int, dt: float) -> TorchModule:
    """Return the fresh net of a run's settings: `snn.layered.layered` or `snn.synnet.synnet`.

    Args:
        settings: of the run.
        channels: input channels.
        classes: output neurons.
        dt: time step in seconds.
    """
    shared: dict[str, Any] = {
        "hidden": settings.hidden,
        "weight_gain": settings.weight_gain,
        "dt": dt,
        "seed": settings.seed,
    }
    if settings.architecture == "synnet":
        counts = [2 ** min(k + 1, 3) for k in range(len(settings.hidden))]
        shared |= {"time_constants": counts, "tau_syn": 2 * dt, "tau_mem": 2 * dt}
        return synnet(channels, classes, **shared)
    return layered(channels, classes, decay_shifts=settings.decay_shifts, **shared)


def forward(net: TorchModule, events: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Run a Sequential from a zero state on events (B, T, channels).

    Returns:
        Its output (B, T, classes) and the spikes (B, T, neurons) of every LIF layer.
    """
    output, layers, _ = _forward(net, events, record=False)
    return output, layers


def _forward(
    net: TorchModule, events: torch.Tensor, *, record: bool
) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """As `forward`; return the readout's membrane (B, T, classes) too, empty if not recorded."""
    layers: list[torch.Tensor] = []
    value, membrane = events, events.new_empty(0)
    modules = list(net.modules().values())
    for module in modules:
        if isinstance(module, LIF):
            module.reset_state()
        value, _, recorded = module(value, record=record and module is modules[-1])
        membrane = recorded.get("vmem", membrane)
        if isinstance(module, LIF):
            layers.append(value)
    return value, layers, membrane
