"""What training minimises: cross-entropy on a readout's evidence, and prices of activity.

Every loss is a mean over samples, so that it does not grow with the batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from neurosim.errors import InputError
from neurosim.training.config import Loss, TrainConfig

PREFIXES = 16
"""Parts of the window, each from its start, by whose counts "early" judges."""

EVIDENCE: dict[Loss, Callable[[torch.Tensor], torch.Tensor]] = {
    "counts": lambda spikes: spikes.sum(dim=1),
    "early": lambda spikes: spikes.sum(dim=1),
    "rates": lambda spikes: spikes.mean(dim=1),
    "membrane": lambda vmem: vmem.max(dim=1).values,
}
"""What a readout's series (B, T, classes) says for each class (B, classes) when the window ends:
its spikes ("counts", "early"), its spikes a step ("rates"), or its largest membrane."""


def on_counts(
    spikes: torch.Tensor, labels: torch.Tensor, *, per_spike: float = 1.0
) -> torch.Tensor:
    """Return the cross-entropy of the softmax of spike counts.

    Args:
        spikes: (B, T, classes) of the readout.
        labels: (B,) classes.
        per_spike: log odds that a spike is worth. Counts grow with T: with 1, a lead of ten spikes
            leaves almost no gradient.

    Raises:
        InputError: the shapes do not fit.
    """
    return _on("counts", spikes, labels, per_spike)


def on_running_counts(
    spikes: torch.Tensor, labels: torch.Tensor, *, per_spike: float = 1.0
) -> torch.Tensor:
    """Return the mean cross-entropy over PREFIXES parts of the window: early evidence pays.

    Each part, from the window's start, is judged by the softmax of its spike counts, and all count
    alike: a spike is then worth the more the earlier it comes, in proportion to the window that is
    left. Weights that rise with the part's length would move the optimum back to the window's end,
    where the loss of the whole counts has it.

    Args:
        spikes: (B, T, classes) of the readout.
        labels: (B,) classes.
        per_spike: log odds that a spike is worth.

    Raises:
        InputError: the shapes do not fit.
    """
    _check(spikes, labels)
    return on_logits(per_spike * running_counts(spikes), labels)


def running_counts(spikes: torch.Tensor) -> torch.Tensor:
    """Return spikes (B, T, classes) summed over parts of the window, (B, parts, classes).

    There are PREFIXES parts, or T if it is smaller, of evenly growing length, the last the whole.
    """
    steps = spikes.shape[1]
    parts = min(PREFIXES, steps)
    ends = [round(steps * (k + 1) / parts) - 1 for k in range(parts)]
    return spikes.cumsum(dim=1)[:, ends]


def on_logits(logits: torch.Tensor, labels: torch.Tensor, **options: Any) -> torch.Tensor:
    """Return the cross-entropy of logits (B, classes), or its mean over parts (B, parts, classes).

    Args:
        logits: of each class.
        labels: (B,) classes.
        options: of torch's cross_entropy: weight of each class, label_smoothing; the
            reduction is over samples.
    """
    if logits.ndim == 2:
        return functional.cross_entropy(logits, labels, **options)
    parts = logits.shape[1]
    whole = functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat_interleave(parts), **options
    )
    return whole / parts if options.get("reduction") == "sum" else whole


def on_rates(spikes: torch.Tensor, labels: torch.Tensor, *, per_rate: float = 1.0) -> torch.Tensor:
    """Return the cross-entropy of the softmax of mean spikes per step, which T does not change.

    Args:
        spikes: (B, T, classes) of the readout.
        labels: (B,) classes.
        per_rate: log odds that a spike in every step is worth.

    Raises:
        InputError: the shapes do not fit.
    """
    return _on("rates", spikes, labels, per_rate)


def on_membrane_maximum(
    vmem: torch.Tensor, labels: torch.Tensor, *, per_threshold: float = 1.0
) -> torch.Tensor:
    """Return the cross-entropy of the softmax of each class's largest membrane over time.

    The gradient enters at one step for each sample and class, the first of the largest.
    Source: Cramer et al. 2022, IEEE TNNLS 33, 2744, section II-D, the maximum-over-time loss.

    Args:
        vmem: (B, T, classes), as a readout records it (`net(x, record=True)`), in thresholds.
        labels: (B,) classes.
        per_threshold: log odds that a membrane at threshold is worth.

    Raises:
        InputError: the shapes do not fit.
    """
    return _on("membrane", vmem, labels, per_threshold)


def _on(loss: Loss, series: torch.Tensor, labels: torch.Tensor, scale: float) -> torch.Tensor:
    _check(series, labels)
    return functional.cross_entropy(scale * EVIDENCE[loss](series), labels)


def _check(series: torch.Tensor, labels: torch.Tensor) -> None:
    if series.ndim != 3 or labels.shape != series.shape[:1]:
        raise InputError(
            f"readout has shape {tuple(series.shape)} and labels {tuple(labels.shape)}; give "
            "(samples, steps, classes) and (samples,)"
        )


def activity_price(
    means: Sequence[torch.Tensor],
    layers: Sequence[torch.Tensor],
    *,
    spike_penalty: float,
    saturation_penalty: float,
    saturated: float,
) -> torch.Tensor:
    """Return what the spikes of the hidden layers cost: the mean over the layers.

    Args:
        means: spikes per neuron and step () of each.
        layers: spikes (B, T, N) of each; read only where there is a saturation penalty.
        spike_penalty: price of one spike per neuron and step.
        saturation_penalty: price of the squared spikes in a step beyond `saturated`.
        saturated: spikes a step that are free of it.
    """
    price = spike_penalty * torch.stack(list(means)).mean()
    if saturation_penalty:
        beyond = [_squares_beyond(saturated, spikes) for spikes in layers]
        price = price + saturation_penalty * torch.stack(beyond).mean()
    return price


def spike_count_penalty(
    spikes: torch.Tensor, *, low: float = 0.0, high: float = 0.0
) -> torch.Tensor:
    """Return by how much neurons leave a band of mean spikes per step: the squares' mean.

    Means are taken over samples and steps before they are compared, so that single samples may be
    told apart by how much a neuron fires. Source: Cramer et al. 2022, IEEE TNNLS 33, 2744,
    section II-D, whose bounds are on each neuron's count.

    Args:
        spikes: (B, T, N) of a layer.
        low: rates below this are penalised, which wakes neurons whose surrogate still passes
            gradients on.
        high: rates above this are penalised; 0 makes every spike cost.

    Raises:
        InputError: the bounds are no band.
    """
    if not 0 <= low <= high:
        raise InputError(f"low is {low} and high is {high}; a band needs 0 <= low <= high")
    rate = spikes.mean((0, 1))
    return ((rate - high).clamp(min=0) + (low - rate).clamp(min=0)).square().mean()


def saturation_penalty(spikes: torch.Tensor, *, most: float) -> torch.Tensor:
    """Return the mean over neurons and steps of the squared spikes beyond a limit.

    Hardware drops what a neuron would fire beyond its register's limit in a step: a net that never
    comes near loses nothing there.

    Args:
        spikes: (B, T, N) of a layer that may fire several spikes in a step.
        most: spikes per step that are free, below the limit of the hardware.
    """
    return _squares_beyond(most, spikes)


def _squares_beyond(limit: float, spikes: torch.Tensor) -> torch.Tensor:
    return (spikes - limit).clamp(min=0).square().mean()


def class_weights(labels: torch.Tensor, settings: TrainConfig) -> torch.Tensor | None:
    """Return the weight of each class in the loss, or None where all weigh alike.

    A class has the weight samples / (classes * its samples), so that all classes together weigh as
    many as all samples.

    Args:
        labels: (samples,) classes of the training part.
        settings: of the run.
    """
    wanted = settings.class_weights
    counts = torch.bincount(labels)
    present = counts[counts > 0]
    if wanted is None:
        wanted = settings.data is not None
    if not wanted or bool((present == present[0]).all()):
        return None
    weights = len(labels) / (len(present) * counts.clamp(min=1).float())
    said = ", ".join(f"{weight:.2f}" for weight in weights.tolist())
    logging.getLogger("neurosim").info("classes weigh alike in the loss: factors %s", said)
    return weights
