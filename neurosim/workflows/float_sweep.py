"""One trained net at many thresholds, all of them as samples of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neurosim import readout
from neurosim.data import Dataset, ImageSet
from neurosim.errors import InputError
from neurosim.formats.rockpool import module_from_network
from neurosim.frozen import Frozen
from neurosim.network import THRESHOLD_SCALES, Network
from neurosim.run import Run
from neurosim.snn.spiking import Spiking
from neurosim.training import faults, tasks
from neurosim.training.config import TrainConfig
from neurosim.training.evaluation import EVALUATION_BATCH
from neurosim.training.image_task import shown
from neurosim.training.imu_task import forward
from neurosim.training.thresholds import hidden, scaled
from neurosim.workflows.run_data import dataset_of


@dataclass(frozen=True)
class Sweep(Frozen):
    """A net at K threshold scales of its hidden layers."""

    thresholds: np.ndarray
    """(K,) factors."""
    accuracy: np.ndarray
    """(K,) share of samples decided as labelled; a silent readout is wrong."""
    undecided: np.ndarray
    """(K,) share of samples with a silent readout."""
    rates: np.ndarray
    """(K, layers) spikes per neuron and step; a spiking readout is the last."""
    faults: tuple[str, ...]
    """Layers that were silent and readouts that gave all samples one answer, and where."""


def sweep(
    net: torch.nn.Module | Network | Run,
    samples: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    thresholds: Sequence[float] = THRESHOLD_SCALES,
    *,
    dataset: Dataset | ImageSet | None = None,
) -> Sweep:
    """Evaluate a net at all thresholds at once; its own scales come back afterwards.

    Args:
        net: a Sequential of linear and LIF modules in turn, a Network, an image net, or a Run of
            any of them.
        samples: (samples, time, channels) event counts, or (samples, C, H, W) images or
            (samples, T, C, H, W) events; those of a Run's test part when left out.
        labels: (samples,) classes.
        thresholds: K factors on the thresholds of the hidden layers.
        dataset: what a Run was trained on, for its test part; looked for when None, see
            `run_data.dataset_of`.

    Raises:
        InputError: there are no samples, their number is not that of the labels, a threshold is
            not positive, or the data of a run are not found.
    """
    scales = np.asarray(thresholds, dtype=np.float64)
    if scales.ndim != 1 or not scales.size or not ((scales > 0) & np.isfinite(scales)).all():
        raise InputError(f"thresholds are {thresholds}; give a list of positive numbers")
    if samples is None or labels is None:
        if not isinstance(net, Run):
            raise InputError(
                "samples or labels are left out; give both, or a Run, which has its own"
            )
        samples, labels = _held_out(net, dataset)
    if not len(samples) or len(samples) != len(labels):
        raise InputError(
            f"there are {len(samples)} samples, labels {len(labels)}; give as many of both"
        )
    module = _module(net)
    images = any(isinstance(layer, Spiking) for layer in hidden(module))
    run = _run_images if images else _run_layered
    size = max(1, EVALUATION_BATCH // scales.size)
    parts = [run(module, samples[k : k + size], scales) for k in range(0, len(samples), size)]
    decisions = np.concatenate([part[0] for part in parts], axis=1)
    rates = np.sum([part[1] for part in parts], axis=0) / len(samples)
    labels = np.asarray(labels)
    return Sweep(
        scales,
        (decisions == labels).mean(axis=1),
        (decisions == readout.SILENT).mean(axis=1),
        rates,
        _faults(scales, rates, decisions, labels),
    )


def _held_out(run: Run, dataset: Dataset | ImageSet | None) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and labels of the test part of a run's data, as its net takes them."""
    whole = dataset_of(run, dataset)
    if not isinstance(whole, ImageSet):
        return whole.test.raster, whole.test.labels
    samples = shown(TrainConfig(**run.config), whole.images)  # all: each has its own random events
    return samples[whole.test], whole.labels[whole.test]


def _module(net: torch.nn.Module | Network | Run) -> Any:
    if isinstance(net, Run):
        return tasks.trained_module(net)
    if isinstance(net, Network):
        double = np.result_type(*net.tensors().values()) == np.float64
        return module_from_network(net, torch.float64 if double else torch.float32)
    return net


def _run_layered(
    net: torch.nn.Module, events: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the decisions (K, samples) and the rates (K, layers), summed over samples."""
    dtype = next(torch.nn.Module.parameters(net)).dtype
    batch = torch.tensor(events).to(dtype).repeat(scales.size, 1, 1)
    factor = scales.repeat(len(events)).reshape(-1, 1, 1)
    neurons = hidden(net)
    with torch.no_grad(), scaled(neurons, [factor] * len(neurons)):
        output, layers = forward(net, batch)
    rates = [_rates(spikes, scales.size) for spikes in layers]
    decisions = readout.decide(output.numpy().astype(np.uint8))
    return decisions.reshape(scales.size, -1), np.stack(rates, axis=1)


def _run_images(
    net: torch.nn.Module, images: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `_run_layered`, for a net of Spiking layers with a linear readout."""
    batch = torch.tensor(images).to(next(net.parameters()).dtype)
    batch = batch.repeat(scales.size, *[1] * (batch.ndim - 1))
    factor = scales.repeat(len(images)).reshape(-1, 1, 1)
    neurons, rates = hidden(net), []
    hooks = [
        layer.register_forward_hook(lambda *call: rates.append(_rates(call[2], scales.size)))
        for layer in neurons
    ]
    training = net.training
    try:
        with torch.no_grad(), scaled(neurons, [factor] * len(neurons)):
            logits = net.eval()(batch).mean(dim=1)
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    decisions = logits.argmax(1).numpy().reshape(scales.size, -1)
    return decisions, np.stack(rates, axis=1)


def _rates(spikes: torch.Tensor, thresholds: int) -> np.ndarray:
    """Return spikes (K * samples, T, ...) as means over steps and neurons, summed over samples."""
    whole = spikes.reshape(thresholds, -1).sum(1, dtype=torch.float64).numpy()
    return whole / spikes[0].numel()


def _faults(
    scales: np.ndarray, rates: np.ndarray, decisions: np.ndarray, labels: np.ndarray
) -> tuple[str, ...]:
    lines = []
    for scale, counts, answers in zip(scales, rates, decisions, strict=True):
        lines += [faults.silence(layer, scale) for layer in np.flatnonzero(counts == 0)]
        if np.unique(labels).size > 1 == np.unique(answers).size:
            lines.append(faults.collapse(int(answers[0]), scale))
    return tuple(lines)
