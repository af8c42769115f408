"""Small images, shown as currents or as events, learnt by convolutional spiking nets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurosim.data import encode
from neurosim.errors import InputError
from neurosim.snn import image_nets, spiking
from neurosim.training.config import TrainConfig
from neurosim.training.tasks import Pass

if TYPE_CHECKING:
    from neurosim.data.images import ImageSet
    from neurosim.run import Run

EVENTS_SEED = 0
"""Of the synthetic camera's movements: one recording of an image, the same in all runs."""
SCALES = "threshold_scales"
"""Name of the layers' threshold scales among the weights of a run."""


class ImageTask:
    """An image set and one of `image_nets`; see `tasks.Task`."""

    def __init__(self, settings: TrainConfig, dataset: ImageSet, device: torch.device):
        if not len(dataset.train):
            raise InputError(f"{dataset.name}.train is empty; there is nothing to train on")
        self.settings, self.dataset, self.device = settings, dataset, device
        self.steps = settings.steps
        self.samples = shown(settings, dataset.images)
        self.shape = self.samples.shape[-3:]
        net = _build(settings, self.shape, len(dataset.classes))
        _measure_sizes(net, self.samples[:1])
        self.net: Any = net.to(device)
        self.layers = [name for name, m in net.named_modules() if isinstance(m, spiking.Spiking)]

    def labels(self, part: str) -> torch.Tensor:
        """Return the classes of a part."""
        return torch.tensor(self.dataset.part(part)[1]).long().to(self.device)

    def inputs(
        self, part: str, chosen: np.ndarray, share: slice, rng: np.random.Generator | None
    ) -> torch.Tensor:
        """Return images (B, C, H, W) or events (B, T, 2, H, W); nothing is changed at random."""
        rows = getattr(self.dataset, part)[chosen[share]]
        return torch.tensor(self.samples[rows].astype(np.float32, copy=False), device=self.device)

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return weights and BatchNorm's factors."""
        return list(self.net.parameters())

    def forward(self, inputs: torch.Tensor, *, training: bool) -> Pass:
        """Run the net; logits are the mean of the readout over time."""
        if self.net.training != training:
            self.net.train(training)
        if training and self.settings.method == "rate":
            from neurosim.snn import rate_based

            logits = rate_based.forward(self.net, inputs)
        else:
            logits = self.net(inputs).mean(dim=1)
        layers = spiking.layers(self.net)
        places = [len(inputs) * self.steps * layer.size_out for layer in layers]
        means = [layer.mean_rate for layer in layers if layer.mean_rate is not None]
        rates = torch.stack(means).tolist()
        return Pass(logits, None, [r * n for r, n in zip(rates, places, strict=True)], places)

    def decide(self, logits: torch.Tensor) -> np.ndarray:
        """Return the class with the largest readout."""
        return logits.argmax(1).cpu().numpy()

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return all tensors of the net, and the scales."""
        weights = {name: value.cpu().numpy() for name, value in self.net.state_dict().items()}
        if scales is not None:
            weights[SCALES] = np.asarray(scales, dtype=np.float64)
        return {"network": None, "weights": weights, "front_end": {"shape": list(self.shape)}}

    def keep(self, folder: Path) -> None:
        """Write nothing: image sets come with packages, or from the user's files."""

    def provenance(self) -> dict[str, Any]:
        """Return name and hash of the images."""
        return {
            "dataset": self.dataset.name,
            "classes": list(self.dataset.classes),
            "train_sha256": self.dataset.train_sha256,
        }


def shown(settings: TrainConfig, images: np.ndarray) -> np.ndarray:
    """Return images (n, C, H, W) as a task shows them: currents as they are, or events."""
    if settings.task == "digits-events":
        return encode.events(images, settings.steps, EVENTS_SEED)
    return images


def module_of(run: Run) -> torch.nn.Module:
    """Return the net of an image run, evaluating, at the thresholds it was trained to.

    Raises:
        InputError: the run is not of an image net.
    """
    if run.weights is None:
        raise InputError(f"{run.folder}: holds no weights of an image net")
    settings = TrainConfig(**run.config)
    shape = tuple(run.front_end["shape"])
    net = _build(settings, shape, len(run.provenance["classes"]))
    weights = {k: torch.tensor(v) for k, v in run.weights.items() if k != SCALES}
    net.load_state_dict(weights)
    for layer, scale in zip(spiking.layers(net), run.weights.get(SCALES, ()), strict=False):
        layer.threshold_scale = float(scale)
    return net.eval()


def _build(settings: TrainConfig, shape: tuple[int, ...], classes: int) -> Any:
    return image_nets.build(
        settings.architecture,
        shape=shape,  # type: ignore[arg-type]
        classes=classes,
        steps=settings.steps,
        batch_norm=settings.batch_norm,
        seed=settings.seed,
        mode=settings.mode,
    )


def _measure_sizes(net: torch.nn.Module, sample: np.ndarray) -> None:
    """Run one sample, after which every layer knows its size; nothing else changes."""
    with torch.no_grad():
        net.eval()(torch.tensor(sample, dtype=torch.float32))
    net.train()
