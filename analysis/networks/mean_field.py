"""Rates and spike counts of a layered network from its weights: ASPEN's first open question.

Every neuron gets the mean and the variance of its free membrane from the rates of the layer
before, as if spikes were independent of each other and of the past (`membrane_drive`; Poisson
counts at the input, at most one a step from neurons), and answers with the rate of a
discrete-time neuron whose synapse filters its noise (`filtered_rate`, on exact rates of
`discrete_time`). Left out: correlations between neurons and the regularity of spike trains, which
weigh on sparse, noise-driven layers.

A network is a `neurosim.network.Network`, or anything with its attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.analysis.networks.layer_response import log_response
from neurosim.analysis.networks.membrane_drive import Membrane, membrane
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.network import Layer, Network

_ROUNDS = 200
_SETTLED = 1e-9


@dataclass(frozen=True)
class Prediction:
    """What a network does, by theory; arrays (..., neurons), one per layer."""

    rates: tuple[FloatArray, ...]
    """Spikes per step."""
    membranes: tuple[Membrane, ...]
    """The free membranes: mean, std, decay and share of fast noise."""

    @property
    def means(self) -> tuple[FloatArray, ...]:
        """Means of the free membranes."""
        return tuple(free.mean for free in self.membranes)

    @property
    def stds(self) -> tuple[FloatArray, ...]:
        """Their standard deviations."""
        return tuple(free.std for free in self.membranes)

    def counts(self, steps: int) -> FloatArray:
        """Return the expected spikes of every layer in `steps` steps, (layers, ...)."""
        return np.stack([steps * rate.sum(-1) for rate in self.rates])


def predict(
    network: Network,
    input_rates: Numbers,
    *,
    threshold_scale: float | Sequence[float] = 1.0,
    bin_steps: int | None = None,
) -> Prediction:
    """Return the rates of all layers for given input rates.

    Against long simulations of trained and random nets with constant input rates the total spike
    count is within 5 %, and each layer with more than 0.01 spikes per neuron and step within 10 %.

    Args:
        network: a Network.
        input_rates: (..., channels) mean events per step; with `bin_steps` (..., bins, channels).
        threshold_scale: as for `Network.with_threshold`: one factor for all layers but the last,
            which is read out, or one for each layer.
        bin_steps: length of a bin in steps, for input that changes slowly. Then mean currents
            start at zero and follow the input with the synaptic time constants, and rates follow
            the currents at once; the results have the axes (..., bins, neurons).

    Raises:
        InputError: the channels or the scales do not fit the network, or a scale is not positive.
    """
    rates = np.asarray(input_rates, dtype=np.float64)
    channels = np.shape(network.layers[0].weight)[0]
    if rates.ndim < 1 + (bin_steps is not None) or rates.shape[-1] != channels:
        raise InputError(
            f"predict: input_rates has shape {rates.shape}; it needs (..., {channels})"
            if bin_steps is None
            else f"predict: input_rates has shape {rates.shape}; it needs (..., bins, {channels})"
        )
    layers: list[tuple[FloatArray, Membrane]] = []
    for layer in network.with_threshold(threshold_scale).layers:
        rates, moments = layer_rates(
            layer, network.dt, rates, bin_steps=bin_steps, binary=bool(layers)
        )
        layers.append((rates, moments))
    return Prediction(*map(tuple, zip(*layers, strict=True)))


def layer_rates(
    layer: Layer,
    dt: float,
    rates: FloatArray,
    *,
    bin_steps: int | None = None,
    binary: bool = False,
) -> tuple[FloatArray, Membrane]:
    """Return the rates of one layer and its free membranes for given presynaptic rates.

    A recurrent layer is solved for self-consistent rates, by damped iteration from silence.

    Args:
        layer: a layer of a Network.
        dt: time step [s].
        rates: (..., n_in) spikes per step, or (..., bins, n_in).
        bin_steps: as for `predict`.
        binary: whether presynaptic neurons fire at most once a step, see `membrane_drive`.
    """
    if layer.recurrent is None:
        free = membrane(layer, rates, dt, bin_steps=bin_steps, binary=binary)
        return np.exp(log_response(layer, free)), free
    rate = np.zeros((*rates.shape[:-1], layer.n_out))
    for _ in range(_ROUNDS):
        free = membrane(layer, rates, dt, rate, bin_steps=bin_steps, binary=binary)
        change = np.exp(log_response(layer, free)) - rate
        rate = rate + 0.3 * change
        if np.abs(change).max(initial=0.0) < _SETTLED:
            break
    return rate, free


def predicted_accuracy(
    count_mean: Numbers, count_std: Numbers, labels: Sequence[int] | npt.NDArray[np.integer[Any]]
) -> float:
    """Return the expected share of samples whose own class has the highest count.

    Counts of the classes are taken as independent Gaussians, and a class without a spike (a count
    below one half) does not win. Without the trial-to-trial noise `count_std` the accuracy at
    high thresholds, where counts are few, is far overrated.

    Args:
        count_mean: (samples, classes) expected output counts, as from `count_noise`.
        count_std: (samples, classes) or a number, their standard deviation from trial to trial.
        labels: (samples,) class numbers.
    """
    mean = np.asarray(count_mean, dtype=np.float64)
    std = np.maximum(np.broadcast_to(np.asarray(count_std, dtype=np.float64), mean.shape), 1e-9)
    index = np.asarray(labels)[:, None]
    own_mean = np.take_along_axis(mean, index, 1)
    own_std = np.take_along_axis(std, index, 1)
    z = np.linspace(-6, 6, 121)
    own = own_mean + own_std * z
    below = ndtr((own[:, :, None] - mean[:, None, :]) / std[:, None, :])
    others = np.ones(mean.shape, dtype=bool)
    np.put_along_axis(others, index, False, 1)
    win = np.where(others[:, None, :], below, 1.0).prod(-1) * (own > 0.5)
    weight = np.exp(-0.5 * z * z)
    return float((win @ (weight / weight.sum())).mean())
