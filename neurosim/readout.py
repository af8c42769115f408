"""From output spikes to a decision: the class whose neuron fired most."""

from __future__ import annotations

import numpy as np

SILENT = -1
"""The decision where no output neuron fired; it equals no label, so it counts as an error."""


def decide(output_spikes: np.ndarray) -> np.ndarray:
    """Return the class of each sample, shape (samples,): most spikes, ties to the lower class.

    Args:
        output_spikes: (samples, time, classes) spikes of the output neurons.
    """
    counts = output_spikes.sum(axis=1, dtype=np.int64)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), SILENT)


def accuracy(output_spikes: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of samples decided as labelled; a silent readout counts as wrong."""
    return float(np.mean(decide(output_spikes) == np.asarray(labels)))
