"""How well a net decides: over all samples of a part, and class by class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from neurosim import readout
from neurosim.training import losses
from neurosim.training.machine import Group
from neurosim.training.tasks import Task

EVALUATION_BATCH = 256


class Evaluation(NamedTuple):
    """Of one part; nan where it has no samples."""

    loss: float
    """Mean cross-entropy."""
    accuracy: float
    """Share of samples decided as labelled."""
    balanced: float
    """Mean over the classes that the part has of the share decided as labelled."""


def evaluate(task: Task, part: str, group: Group | None = None) -> Evaluation:
    """Return how a net does on a part.

    Args:
        task: samples and net.
        part: "train", "validation" or "test".
        group: the processes that share the samples; this one alone when left out.
    """
    group, labels = group or Group(), task.labels(part)
    sizes = torch.bincount(labels).tolist()
    lost, hits = 0.0, [0.0] * len(sizes)
    with torch.no_grad():
        for start in range(0, len(labels), EVALUATION_BATCH)[group.rank :: group.size]:
            judged, decided = _decided(task, part, start, len(labels))
            true = labels[start : start + EVALUATION_BATCH]
            lost += float(losses.on_logits(judged, true, reduction="sum"))
            for label in true.cpu().numpy()[decided == true.cpu().numpy()]:
                hits[label] += 1
    lost, *hits = group.add([lost, *hits], labels.device)
    samples = len(labels) or np.nan
    recalls = [hit / size for hit, size in zip(hits, sizes, strict=True) if size]
    return Evaluation(lost / samples, sum(hits) / samples, float(np.mean(recalls or [np.nan])))


def confusion(task: Task, part: str, classes: int) -> np.ndarray:
    """Return how often samples of each class were decided as which.

    Args:
        task: samples and net.
        part: "train", "validation" or "test".
        classes: how many there are.

    Returns:
        (classes, classes + 1) samples: row as labelled, column as decided, the last one for none.
    """
    true = task.labels(part).cpu().numpy()
    with torch.no_grad():
        starts = range(0, len(true), EVALUATION_BATCH)
        decided = [_decided(task, part, start, len(true))[1] for start in starts]
    columns = np.concatenate([np.empty(0, np.int64), *decided])
    columns[columns == readout.SILENT] = classes
    counts = np.zeros((classes, classes + 1), np.int64)
    np.add.at(counts, (true, columns), 1)
    return counts


def _decided(task: Task, part: str, start: int, samples: int) -> tuple[torch.Tensor, np.ndarray]:
    """Return what the loss is of, and the classes, of a batch."""
    chosen = np.arange(start, min(start + EVALUATION_BATCH, samples))
    result = task.forward(task.inputs(part, chosen, slice(None), None), training=False)
    judged = result.logits if result.running is None else result.running
    return judged, task.decide(result.logits)
