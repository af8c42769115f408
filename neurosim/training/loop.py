"""The training loop: surrogate gradients through time, thresholds drawn anew for every batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rockpool.nn.modules import TorchModule

from neurosim import readout
from neurosim.errors import InputError, NeurosimError
from neurosim.provenance import versions
from neurosim.run import Run
from neurosim.training import augment
from neurosim.training import config as configuration
from neurosim.training.activity import Watch
from neurosim.training.config import TrainConfig
from neurosim.training.convert import network_from_module
from neurosim.training.modules import LIF
from neurosim.training.nets import layered
from neurosim.training.thresholds import ThresholdSampler, hidden, matched

if TYPE_CHECKING:
    from neurosim.data import Dataset

Epoch = dict[str, float]
EVALUATION_BATCH = 256


class NonFiniteLossError(NeurosimError):
    """The loss is no number any more; the message names the epoch and the batch."""


def train(
    source: str | Path | TrainConfig = "aspen",
    *,
    folder: str | Path | None = None,
    dataset: Dataset | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    **changes: Any,
) -> Run:
    """Train a net on the wrist recordings and save the run.

    Args:
        source: a preset ("fixed", "aspen"), a TOML file or a TrainConfig.
        folder: where the run is saved; `runs/<source>` when left out.
        dataset: encoded windows; the embedded wrist recordings when left out.
        on_epoch: called with the metrics of each epoch as it ends.
        changes: settings that differ from the source, e.g. `epochs=5`.

    Returns:
        The run, also on disk.

    Raises:
        InputError: a setting or the dataset is wrong.
        NonFiniteLossError: training diverged.
    """
    settings = configuration.load(source, **changes)
    name = Path(source).stem if isinstance(source, str | Path) else "run"
    if dataset is None:
        from neurosim import data

        dataset = data.wrist_imu()
    train_set = dataset.train
    if not len(train_set.labels):
        raise InputError("dataset.train is empty; there is nothing to train on")
    place = Path(folder) if folder is not None else Path("runs") / name
    place.mkdir(parents=True, exist_ok=True)  # a place that cannot be written is said now
    channels = train_set.raster.shape[2]
    net = layered(settings, channels, len(dataset.classes), dataset.front_end.dt)
    metrics = []
    for epoch in _epochs(net, settings, dataset):
        metrics.append(epoch)
        if on_epoch:
            on_epoch(epoch)
    return Run(
        folder=place,
        network=network_from_module(net),
        config=settings.model_dump(mode="json"),
        front_end=dataset.front_end.to_dict(),
        metrics=tuple(metrics),
        provenance=_provenance(dataset),
    ).save()


def _provenance(dataset: Dataset) -> dict[str, Any]:
    """Return what the weights depend on beside the settings, as JSON values."""
    train_set = dataset.train
    data = hashlib.sha256(train_set.raster.tobytes() + train_set.labels.tobytes())
    return {
        "split": {part: list(subjects) for part, subjects in asdict(dataset.split).items()},
        "train_sha256": data.hexdigest(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }


def _epochs(net: TorchModule, settings: TrainConfig, dataset: Dataset) -> Iterator[Epoch]:
    """Train, yielding the metrics of each epoch."""
    rng, sampler = np.random.default_rng(settings.seed), threshold_sampler(settings)
    raster, labels = dataset.train.raster, torch.as_tensor(dataset.train.labels).long()
    optimiser = torch.optim.Adam(list(net.parameters().astorch()), lr=settings.learning_rate)
    batches = -(-len(labels) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.epochs * batches)
    for number in range(1, settings.epochs + 1):
        losses, hits, spikes, bins, watch = 0.0, 0, 0.0, 0, Watch()
        for batch in np.array_split(rng.permutation(len(labels)), batches):
            with sampler.drawn(net, len(batch), raster.shape[1], rng, number) as scales:
                events = augment.random_gain(raster[batch], settings.gain_spread, rng)
                # A copy, which torch aligns: sums of products depend on the factors' alignment.
                output, layers = forward(net, torch.tensor(events))
            logits = settings.logit_scale * output.sum(dim=1)
            loss = _loss(logits, labels[batch], layers[:-1], settings)
            if not torch.isfinite(loss):
                raise NonFiniteLossError(
                    f"loss is {loss.item()} in epoch {number}, threshold scale "
                    f"{np.mean(scales[0]):.3f}; "
                    f"lower learning_rate from {settings.learning_rate}"
                )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses += loss.item() * len(batch)
            answers, counts = logits.argmax(1), [float(s.detach().sum()) for s in layers[:-1]]
            hits += int((answers == labels[batch]).sum())
            spikes += sum(counts)
            bins += sum(s.numel() for s in layers[:-1])
            watch.see(counts, scales, answers.tolist(), labels[batch].tolist())
        watch.warn(number)
        validation = dataset.validation
        yield {
            "epoch": number,
            "loss": losses / len(labels),
            "train_accuracy": hits / len(labels),
            "validation_accuracy": evaluate(net, validation.raster, validation.labels),
            "spikes_per_neuron_and_step": spikes / bins,
        }


def threshold_sampler(settings: TrainConfig) -> ThresholdSampler:
    """Return what draws the thresholds of a run."""
    law, levels = settings.threshold, settings.threshold_levels
    return ThresholdSampler(
        matched(law, levels) if levels is not None and settings.threshold_matched else law,
        levels=levels,
        per=settings.threshold_per,
        when=settings.threshold_when,
        registers=settings.threshold_register,
        widen=settings.threshold_widen,
    )


def _loss(
    logits: torch.Tensor, labels: torch.Tensor, hidden: list[torch.Tensor], settings: TrainConfig
) -> torch.Tensor:
    """Return the cross-entropy and the price of the hidden layers' spikes."""
    error = torch.nn.functional.cross_entropy(
        logits, labels, label_smoothing=settings.label_smoothing
    )
    rate = torch.stack([spikes.mean() for spikes in hidden]).mean()
    return error + settings.spike_penalty * rate


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


def set_threshold_scale(net: TorchModule, scale: float) -> None:
    """Scale the thresholds of all LIF layers but the last, whose spikes are the readout."""
    for module in hidden(net):
        module.threshold_scale = scale


def evaluate(net: TorchModule, raster: np.ndarray, labels: np.ndarray) -> float:
    """Return the accuracy of the float net; 0 samples give nan."""
    if not len(labels):
        return float("nan")
    outputs = []
    with torch.no_grad():
        for start in range(0, len(labels), EVALUATION_BATCH):
            events = torch.from_numpy(raster[start : start + EVALUATION_BATCH].astype(np.float32))
            outputs.append(forward(net, events)[0].numpy().astype(np.uint8))
    return readout.accuracy(np.concatenate(outputs), labels)
