"""What the spikes of a layer do to the free membranes of the next: mean and standard deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurosim.analysis.arrays import FloatArray, Numbers
from neurosim.analysis.discrete.filtered_rate import fast_share
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.network import Layer


class Membrane(NamedTuple):
    """The free membrane potential of each neuron of a layer."""

    mean: FloatArray
    """(..., n_out)"""
    std: FloatArray
    """(..., n_out)"""
    decay: FloatArray
    """exp(-dt/tau_mem), (n_out,)."""
    fast: FloatArray
    """(..., n_out) share of the variance that acts like white noise, see `filtered_rate`."""


def membrane(
    layer: Layer,
    rates: Numbers,
    dt: float,
    own: Numbers | None = None,
    *,
    bin_steps: int | None = None,
    binary: bool = False,
) -> Membrane:
    """Return the stationary free membrane of a layer under inputs independent in time.

    In the step order of `neurosim.network.Layer` a spike of weight w leaves
    w b (a^(n+1) - b^(n+1))/(a - b) on the membrane after n steps, a = exp(-dt/tau_mem) and
    b = exp(-dt/tau_syn). Its sum is w b/((1 - a)(1 - b)); the sum of products for two synapses is
    b1 b2 (1 - a^2 b1 b2)/((1 - a^2)(1 - a b1)(1 - a b2)(1 - b1 b2)). Without reset.

    Args:
        layer: a layer of a Network.
        rates: spikes per step of its input channels, (..., n_in).
        dt: the time step [s].
        own: spikes per step of the layer itself, (..., n_out), if it is recurrent.
        bin_steps: steps in a bin, for rates that change slowly, (..., bins, n_in). Then mean
            currents start at zero and follow the rates with the synaptic time constants.
        binary: whether an input fires at most once a step, so that its variance is that of a
            Bernoulli event, r (1 - r) and at most 1/4, instead of a Poisson count's r. Spikes
            of the layer itself are taken for binary.

    Raises:
        InputError: the number of rates does not fit, or `own` is missing.
    """
    weight, rate, variance = _inputs(layer, rates, own, binary)
    decay, fade = _decays(layer, dt)
    drive = np.einsum("...i,ijs->...js", rate, weight)
    if bin_steps is not None:
        drive = _followed(drive, fade**bin_steps)
    bias = np.asarray(layer.bias, dtype=np.float64)
    mean = ((drive * fade / (1 - fade)).sum(-1) + bias) / (1 - decay)
    a, b1, b2 = decay[:, None, None], fade[:, :, None], fade[:, None, :]
    overlap = b1 * b2 * (1 - a * a * b1 * b2)
    overlap /= (1 - a * a) * (1 - a * b1) * (1 - a * b2) * (1 - b1 * b2)
    total = variance @ np.asarray(np.einsum("ijs,ijt,jst->ij", weight, weight, overlap))
    newest = variance @ np.einsum("ijs,js->ij", weight, fade) ** 2 / (1 - decay**2)
    alone = np.einsum("...i,ijs,jss->...js", variance, weight**2, overlap)
    white = (alone * (1 - fade) / (1 - decay[:, None] * fade)).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = fast_share(newest / total, white / alone.sum(-1))
    return Membrane(mean, np.sqrt(total), decay, np.where(total > 0, share, 1.0))


def _inputs(
    layer: Layer, rates: Numbers, own: Numbers | None, binary: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weights (n, n_out, synapses) of all inputs, rates and variances (..., n) a step."""
    weight = np.asarray(layer.weight, dtype=np.float64)
    rate = np.maximum(np.asarray(rates, dtype=np.float64), 0.0)
    variance = _bernoulli(rate) if binary else rate
    if layer.recurrent is not None:
        if own is None:
            raise InputError("membrane: the layer is recurrent; give own, its spikes per step")
        weight = np.concatenate([weight, np.asarray(layer.recurrent, dtype=np.float64)])
        back = np.maximum(np.asarray(own, dtype=np.float64), 0.0)
        rate = np.concatenate([rate, back], axis=-1)
        variance = np.concatenate([variance, _bernoulli(back)], axis=-1)
    if rate.shape[-1:] != weight.shape[:1]:
        raise InputError(f"membrane: rates have shape {rate.shape}; the layer reads {weight.shape}")
    return weight.reshape(*weight.shape[:2], -1), rate, variance


def rate_weights(layer: Layer, dt: float) -> FloatArray:
    """Return d(mean)/d(rate) of every synapse in the stationary state, (n_in, n_out)."""
    weight = np.asarray(layer.weight, dtype=np.float64)
    weight = weight.reshape(*weight.shape[:2], -1)
    decay, fade = _decays(layer, dt)
    return np.asarray((weight * (fade / (1 - fade))).sum(-1) / (1 - decay))


def _decays(layer: Layer, dt: float) -> tuple[FloatArray, FloatArray]:
    """Return exp(-dt/tau) of the membranes, (n_out,), and of the synapses, (n_out, synapses)."""
    decay = np.exp(-dt / np.asarray(layer.tau_mem, dtype=np.float64))
    fade = np.exp(-dt / np.asarray(layer.tau_syn, dtype=np.float64))
    return decay, fade.reshape(len(decay), -1)


def _bernoulli(rate: FloatArray) -> FloatArray:
    return np.where(rate < 0.5, rate * (1 - rate), 0.25)


def _followed(drive: FloatArray, kept: FloatArray) -> FloatArray:
    """Follow (..., bins, neurons, synapses) from zero; return the mean over each bin.

    `kept` is what a synapse keeps of its current over a bin. Towards the bin's stationary J it
    relaxes as I = J + (I0 - J) b^t, in which I0 - J has the mean weight (1 - kept)/(-ln kept).
    """
    weight = (1 - kept) / -np.log(np.maximum(kept, 1e-300))
    state, mean = np.zeros_like(drive[..., 0, :, :]), np.empty_like(drive)
    for k in range(drive.shape[-3]):
        target = drive[..., k, :, :]
        mean[..., k, :, :] = target + (state - target) * weight
        state = target + (state - target) * kept
    return mean
