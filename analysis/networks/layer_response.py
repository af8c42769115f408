"""Rates of a layer of neurons from the free membranes that its input gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.analysis.arrays import FloatArray
from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.discrete.filtered_rate import LogRate, over_slow_noise
from neurosim.analysis.discrete.rate_table import rate_table
from neurosim.analysis.networks.membrane_drive import Membrane
from neurosim.analysis.thresholds.stationary import log_exceedance

if TYPE_CHECKING:
    from neurosim.network import Layer

_FEW = 8
"""Up to so many neurons of one decay are solved one by one, more by a table."""
_NEVER = 38.0
"""A threshold so many standard deviations above the mean is not reached: less than 1e-300."""


def log_response(layer: Layer, free: Membrane, threshold_scale: float = 1.0) -> FloatArray:
    """Return ln(spikes per step) of a layer's neurons, (..., n_out).

    A discrete-time neuron that resets by subtraction and whose synapse filters its noise
    (`filtered_rate`, on exact rates of `discrete_time` or a table of them).

    Args:
        layer: a layer of a Network.
        free: its free membranes.
        threshold_scale: factor on its thresholds.
    """
    thresholds = threshold_scale * np.asarray(layer.threshold, dtype=np.float64)
    logs = log_exceedance(thresholds, free.mean, free.std)  # its leading term, if never reached
    for decay in np.unique(free.decay):
        own = free.decay == decay
        mean, std, share = free.mean[..., own], free.std[..., own], free.fast[..., own]
        threshold = np.broadcast_to(thresholds[own], mean.shape)
        alive = mean + _NEVER * std >= threshold
        if alive.any():
            white = _white_noise(float(decay), layer.max_spikes, mean.size)
            parts = (part[alive] for part in (mean, std, share, threshold))
            values = logs[..., own]
            values[alive] = over_slow_noise(white, *parts)
            logs[..., own] = values
    return np.asarray(logs)


def _white_noise(decay: float, max_spikes: int, neurons: int) -> LogRate:
    """Return the exact rate for few neurons, a table for many."""
    if neurons > _FEW:
        return rate_table(decay, max_spikes).log

    def exact(mean: FloatArray, std: FloatArray, threshold: FloatArray) -> FloatArray:
        return discrete_time.log_rate(
            mean, std, threshold=threshold, decay=decay, reset="multi", max_spikes=max_spikes
        )

    return exact
