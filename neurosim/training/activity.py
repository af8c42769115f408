"""Layers that fell silent and readouts that collapsed, by name and threshold."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np


class ActivityWarning(UserWarning):
    """A layer had no spike at all, or the readout gave all samples the same answer."""


def silence(layer: int | str, threshold: float) -> str:
    """Say which layer was silent."""
    return f"layer {layer} has no spikes at threshold scale {threshold:.3g}"


def collapse(answer: int, threshold: float) -> str:
    """Say that all samples, of several classes, got one answer; -1 is that of a silent readout."""
    what = "stays silent" if answer < 0 else f"answers {answer}"
    return f"the readout {what} for all samples at threshold scale {threshold:.3g}"


class Watch:
    """Collects the silent layers of an epoch, to warn of each once.

    A silent layer passes on nothing and, where its membranes are far from threshold, no gradient:
    it may stay silent.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._batches = 0
        self._silent: dict[int, list[float]] = defaultdict(list)
        self._answers: set[int] = set()
        self._labels: set[int] = set()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        seen = {"answers": sorted(self._answers), "labels": sorted(self._labels)}
        return {"batches": self._batches, "silent": dict(self._silent), **seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._batches = state["batches"]
        self._silent = defaultdict(list, state["silent"])
        self._answers, self._labels = set(state["answers"]), set(state["labels"])

    def see(
        self,
        spikes: Sequence[float],
        scales: Sequence[float | np.ndarray],
        answers: Sequence[int],
        labels: Sequence[int],
    ) -> None:
        """Take in a batch.

        Args:
            spikes: spike count of each hidden layer.
            scales: what its thresholds were multiplied by.
            answers: class of each sample by the readout.
            labels: its true class.
        """
        self._batches += 1
        for layer, (count, scale) in enumerate(zip(spikes, scales, strict=True)):
            if not count:
                self._silent[layer].append(float(np.mean(scale)))
        self._answers.update(answers)
        self._labels.update(labels)

    def warn(self, epoch: int) -> None:
        """Warn of what was seen."""
        for layer, scales in sorted(self._silent.items()):
            said = silence(self.names[layer], min(scales))
            warnings.warn(
                f"epoch {epoch}: {said}, the lowest of {len(scales)} silent batches of "
                f"{self._batches}; lower the thresholds or raise the weights",
                ActivityWarning,
                stacklevel=2,
            )
        if len(self._answers) == 1 < len(self._labels):
            warnings.warn(
                f"epoch {epoch}: the readout answers {self._answers.pop()} for all samples; lower "
                "learning_rate or the thresholds",
                ActivityWarning,
                stacklevel=2,
            )
