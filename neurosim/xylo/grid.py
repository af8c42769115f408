"""The float net that a chip's integers stand for: weights on their grid, leaks that it can do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.xylo.decays import shift_tau
from neurosim.xylo.quantise import Job, round_layer


def on_grid(network: Network, bits: int = 8, *, max_threshold_scale: float = 2.4) -> Network:
    """Return the network after rounding, still in its own units.

    Every neuron takes the largest scale that its registers hold; weights, thresholds and biases
    become multiples of 1 / scale, time constants those of the nearest bit shifts. Saturation is
    not part of it. A net on the grid stays as it is.

    Args:
        network: the float net.
        bits: width of a weight, 2..8; the chip has 8.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.

    Raises:
        InputError: no weight has that width.
    """
    if not (isinstance(bits, int) and 2 <= bits <= 8):
        raise InputError(f"bits is {bits!r}; a weight of the chip has 2 to 8 bits")
    job = Job(network, {}, max_threshold_scale, bits)
    layers = []
    for k, layer in enumerate(network.layers):
        scale = job.largest_scale(k)
        integers = round_layer(layer, scale, 0, 0, network.dt)
        changes = {
            "weight": (integers.weight / scale[:, None]).reshape(layer.weight.shape),
            "threshold": integers.threshold / scale,
            "bias": integers.bias / scale,
            "tau_mem": _leak(layer.tau_mem, integers.dash_mem, network.dt),
            "tau_syn": _leak(layer.tau_syn, integers.dash_syn, network.dt),
        }
        if layer.recurrent is not None:
            recurrent = integers.recurrent / scale[:, None]
            changes["recurrent"] = recurrent.reshape(layer.recurrent.shape)
        layers.append(replace(layer, **changes))
    return replace(network, layers=tuple(layers))


def _leak(tau: np.ndarray, shift: np.ndarray, dt: float) -> np.ndarray:
    """Return the chip's time constants; where it wipes a state at once, the requested one."""
    shift = shift.reshape(tau.shape)
    return np.where(shift > 0, shift_tau(shift, dt), tau)
