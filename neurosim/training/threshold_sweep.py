"""One trained net at many thresholds, all of them as samples of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neurosim import readout
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.training import activity
from neurosim.training.convert import module_from_network
from neurosim.training.loop import EVALUATION_BATCH, forward
from neurosim.training.thresholds import hidden, scaled

THRESHOLDS = tuple(round(0.6 + 0.2 * k, 1) for k in range(10))
"""ASPEN's open-loop sweep: 0.6 to 2.4 in steps of 0.2."""


@dataclass(frozen=True)
class Sweep:
    """A net at K threshold scales of its hidden layers."""

    thresholds: np.ndarray
    """(K,) factors."""
    accuracy: np.ndarray
    """(K,) share of samples decided as labelled; a silent readout is wrong."""
    undecided: np.ndarray
    """(K,) share of samples with a silent readout."""
    rates: np.ndarray
    """(K, layers) spikes per neuron and step, the readout last."""
    faults: tuple[str, ...]
    """Layers that were silent and readouts that gave all samples one answer, and where."""


def sweep(
    net: torch.nn.Module | Network,
    raster: np.ndarray,
    labels: np.ndarray,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Sweep:
    """Evaluate a net at all thresholds at once; its own scales come back afterwards.

    Args:
        net: a Sequential of linear and LIF modules in turn, or a Network.
        raster: (samples, time, channels) event counts.
        labels: (samples,) classes.
        thresholds: K factors on the thresholds of the hidden layers.

    Raises:
        InputError: there are no samples, their number is not that of the labels, or a threshold is
            not positive.
    """
    scales = np.asarray(thresholds, dtype=np.float64)
    if scales.ndim != 1 or not scales.size or not ((scales > 0) & np.isfinite(scales)).all():
        raise InputError(f"thresholds are {thresholds}; give a list of positive numbers")
    if not len(raster) or len(raster) != len(labels):
        raise InputError(
            f"raster has {len(raster)} samples, labels {len(labels)}; need as many > 0"
        )
    module: Any = net
    if isinstance(net, Network):
        double = np.result_type(*net.tensors().values()) == np.float64
        module = module_from_network(net, torch.float64 if double else torch.float32)
    size = max(1, EVALUATION_BATCH // scales.size)
    parts = [_run(module, raster[k : k + size], scales) for k in range(0, len(raster), size)]
    decisions = np.concatenate([part[0] for part in parts], axis=1)
    spikes = np.sum([part[1] for part in parts], axis=0)
    labels = np.asarray(labels)
    return Sweep(
        scales,
        (decisions == labels).mean(axis=1),
        (decisions == readout.SILENT).mean(axis=1),
        spikes / (raster.shape[0] * raster.shape[1]),
        _faults(scales, spikes, decisions, labels),
    )


def _run(
    net: torch.nn.Module, events: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the decisions (K, samples) and the spikes per neuron (K, layers)."""
    dtype = next(torch.nn.Module.parameters(net)).dtype
    batch = torch.tensor(events).to(dtype).repeat(scales.size, 1, 1)
    factor = scales.repeat(len(events)).reshape(-1, 1, 1)
    neurons = hidden(net)
    with torch.no_grad(), scaled(neurons, [factor] * len(neurons)):
        output, layers = forward(net, batch)
    counts = [
        s.reshape(scales.size, -1).sum(1, dtype=torch.float64).numpy() / s.shape[2] for s in layers
    ]
    decisions = readout.decide(output.numpy().astype(np.uint8))
    return decisions.reshape(scales.size, -1), np.stack(counts, axis=1)


def _faults(
    scales: np.ndarray, spikes: np.ndarray, decisions: np.ndarray, labels: np.ndarray
) -> tuple[str, ...]:
    found = []
    for scale, counts, answers in zip(scales, spikes, decisions, strict=True):
        found += [activity.silence(layer, scale) for layer in np.flatnonzero(counts == 0)]
        if np.unique(labels).size > 1 == np.unique(answers).size:
            found.append(activity.collapse(int(answers[0]), scale))
    return tuple(found)
