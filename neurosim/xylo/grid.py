"""A layer in the chip's integers at a scale for each neuron, and the float net they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.xylo.decays import decay_shift, shift_tau
from neurosim.xylo.rules import REGISTER_MAX


@dataclass(frozen=True)
class Integers:
    """A layer as the chip holds it."""

    weight: np.ndarray
    """(n_in, n_out, synapses), 8 bit."""
    recurrent: np.ndarray
    """(n_out, n_out, synapses), 8 bit; zero without recurrent weights."""
    threshold: np.ndarray
    bias: np.ndarray
    dash_mem: np.ndarray
    dash_syn: np.ndarray
    """(n_out, synapses)."""
    error: np.ndarray
    """(n_out,) sum of |spike count - the float net's| over windows and thresholds."""
    count: np.ndarray
    """(n_out,) the float net's spikes in them."""


def check_bits(bits: int) -> None:
    """Refuse a width that no weight of the chip has.

    Raises:
        InputError: it is not 2 to 8.
    """
    if not (isinstance(bits, int) and 2 <= bits <= 8):
        raise InputError(f"bits is {bits!r}; a weight of the chip has 2 to 8 bits")


def threshold_room(network: Network, max_threshold_scale: float) -> list[float]:
    """Return by which factor the thresholds of each layer may still be scaled at run time.

    The readout's register stays as it is.
    """
    return [max(max_threshold_scale, 1.0)] * (len(network.layers) - 1) + [1.0]


def largest_scale(
    layer: Layer, room: float, bits: int = 8, shift: int = 0, recurrent_shift: int = 0
) -> np.ndarray:
    """Return (n_out,) the largest scale of each neuron of a layer that fits all registers.

    Args:
        layer: the layer.
        room: factor that must fit on top of its thresholds.
        bits: width of a weight.
        shift: left shift of its weights on the chip.
        recurrent_shift: that of its recurrent weights.
    """
    weight, recurrent = _matrices(layer)
    most = 2 ** (bits - 1) - 1
    widest = np.minimum(_fill(weight, shift, most), _fill(recurrent, recurrent_shift, most))
    register = REGISTER_MAX / np.maximum(layer.threshold * room, np.abs(layer.bias))
    largest: np.ndarray = np.minimum(widest, register)
    return largest


def round_layer(
    layer: Layer, scale: np.ndarray, shift: int, recurrent_shift: int, dt: float
) -> Integers:
    """Return a layer in integers, every neuron at its scale, weights shifted down."""
    weight, recurrent = _matrices(layer)
    return Integers(
        weight=_round(weight * scale[:, None] / 2**shift),
        recurrent=_round(recurrent * scale[:, None] / 2**recurrent_shift),
        threshold=np.maximum(_round(layer.threshold * scale), 1),
        bias=_round(layer.bias * scale),
        dash_mem=decay_shift(layer.tau_mem, dt),
        dash_syn=decay_shift(layer.tau_syn, dt).reshape(layer.n_out, -1),
        error=np.zeros(layer.n_out),
        count=np.zeros(layer.n_out),
    )


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
    check_bits(bits)
    layers = []
    rooms = threshold_room(network, max_threshold_scale)
    for layer, room in zip(network.layers, rooms, strict=True):
        scale = largest_scale(layer, room, bits)
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


def _matrices(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Return feed-forward and recurrent weights with a synapse axis; zero recurrence if none."""
    weight = layer.weight.reshape(layer.n_in, layer.n_out, -1).astype(float)
    recurrent = np.zeros((layer.n_out, *weight.shape[1:]))
    if layer.recurrent is not None:
        recurrent += layer.recurrent.reshape(recurrent.shape)
    return weight, recurrent


def _fill(weight: np.ndarray, shift: int, most: int) -> np.ndarray:
    """Return the scale at which each neuron's largest weight is the widest; inf without weights."""
    with np.errstate(divide="ignore"):
        scale: np.ndarray = most * 2.0**shift / np.abs(weight).max(axis=(0, 2))
    return scale


def _round(values: np.ndarray) -> np.ndarray:
    whole: np.ndarray = np.rint(values).astype(np.int64)
    return whole
