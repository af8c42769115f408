"""What the spikes of a layer do to the free membranes of the next: mean and standard deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from neurosim.analysis.arrays import FloatArray, Numbers

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.network import Layer


class Membrane(NamedTuple):
    """The free membrane potential of each neuron of a layer, (n_out,) each."""

    mean: FloatArray
    std: FloatArray
    decay: FloatArray
    """exp(-dt/tau_mem)."""


def membrane(layer: Layer, rates: Numbers, dt: float, own: Numbers | None = None) -> Membrane:
    """Return the stationary free membrane of a layer under independent Poisson inputs.

    In the step order of `neurosim.network.Layer` a spike of weight w leaves
    w b (a^(n+1) - b^(n+1))/(a - b) on the membrane after n steps, a = exp(-dt/tau_mem) and
    b = exp(-dt/tau_syn). Its sum is w b/((1 - a)(1 - b)); the sum of products for two synapses is
    b1 b2 (1 - a^2 b1 b2)/((1 - a^2)(1 - a b1)(1 - a b2)(1 - b1 b2)). Without reset.

    Args:
        layer: a layer of a Network.
        rates: spikes per step of its input channels, (n_in,).
        dt: the time step [s].
        own: spikes per step of the layer itself, (n_out,), if it is recurrent.

    Raises:
        InputError: the number of rates does not fit, or `own` is missing.
    """
    weight = np.asarray(layer.weight, dtype=np.float64)
    rate = np.asarray(rates, dtype=np.float64)
    if layer.recurrent is not None:
        if own is None:
            raise InputError("membrane: the layer is recurrent; give own, its spikes per step")
        weight = np.concatenate([weight, np.asarray(layer.recurrent, dtype=np.float64)])
        rate = np.concatenate([rate, np.asarray(own, dtype=np.float64)])
    if rate.shape != weight.shape[:1]:
        raise InputError(f"membrane: rates have shape {rate.shape}; the layer reads {weight.shape}")
    weight = weight.reshape(*weight.shape[:2], -1)
    decay = np.exp(-dt / np.asarray(layer.tau_mem, dtype=np.float64))
    fade = np.exp(-dt / np.asarray(layer.tau_syn, dtype=np.float64)).reshape(len(decay), -1)
    drive = np.einsum("i,ijs->js", rate, weight)
    bias = np.asarray(layer.bias, dtype=np.float64)
    mean = ((drive * fade / (1 - fade)).sum(1) + bias) / (1 - decay)
    joint = np.einsum("i,ijs,ijt->jst", rate, weight, weight)
    a, b1, b2 = decay[:, None, None], fade[:, :, None], fade[:, None, :]
    overlap = b1 * b2 * (1 - a * a * b1 * b2)
    overlap /= (1 - a * a) * (1 - a * b1) * (1 - a * b2) * (1 - b1 * b2)
    return Membrane(mean, np.sqrt((joint * overlap).sum((1, 2))), decay)
