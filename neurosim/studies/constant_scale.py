"""Train an image net whose thresholds are multiplied by one constant, in training and evaluation.

AHSAR's section 3: all else is equal, and the constant decides how fast and how well a net learns.
A homeostat, if the settings have one, starts from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from neurosim.errors import InputError
from neurosim.snn import spiking
from neurosim.training import machine
from neurosim.training.config import TrainConfig
from neurosim.training.epochs import Epoch, Trainer
from neurosim.training.tasks import task_for

if TYPE_CHECKING:
    from neurosim.data.images import ImageSet


def train_at(scale: float, settings: TrainConfig, dataset: ImageSet) -> list[Epoch]:
    """Return the metrics of all epochs; nothing is saved.

    Args:
        scale: factor on the thresholds of all spiking layers.
        settings: of the run.
        dataset: images of the run.

    Raises:
        InputError: the scale is not positive.
        NonFiniteLossError: training diverged.
    """
    if not scale > 0:
        raise InputError(f"scale is {scale}; a factor on thresholds must be positive")
    device = machine.device(settings)
    with machine.threads(settings), torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        task = task_for(settings, dataset, device)
        for layer in spiking.layers(task.net):
            layer.threshold = layer.threshold * scale
        return list(Trainer(task, settings).epochs())
