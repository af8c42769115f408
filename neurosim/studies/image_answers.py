"""What the net of an image run answers to images, at any threshold scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from neurosim.snn import spiking
from neurosim.training import machine
from neurosim.training.config import TrainConfig
from neurosim.training.epochs import EVALUATION_BATCH
from neurosim.training.image_task import module_of, shown
from neurosim.training.thresholds import scaled

if TYPE_CHECKING:
    from neurosim.run import Run


def answers(run: Run, images: np.ndarray, scale: float = 1.0) -> tuple[np.ndarray, float]:
    """Return the logits (n, classes), means over time, and the mean spikes per neuron and step.

    Args:
        run: of an image net.
        images: (n, channels, height, width) in [0, 1], shown as the run's own were.
        scale: factor on the thresholds that the net was trained to.
    """
    settings = TrainConfig(**run.config)
    device = machine.device(settings)
    net = module_of(run).to(device)
    layers = spiking.layers(net)
    series = shown(settings, images)
    sizes = [layer.size_out for layer in layers]
    logits, spikes = [], 0.0
    with torch.no_grad(), scaled(layers, [scale] * len(layers)):
        for start in range(0, len(series), EVALUATION_BATCH):
            part = series[start : start + EVALUATION_BATCH].astype(np.float32)
            batch = torch.tensor(part, device=device)
            logits.append(net(batch).mean(dim=1).cpu().numpy())
            rates = [float(layer.mean_rate) for layer in layers if layer.mean_rate is not None]
            spikes += len(batch) * float(np.dot(rates, sizes))
    return np.concatenate(logits), spikes / (len(series) * sum(sizes))
