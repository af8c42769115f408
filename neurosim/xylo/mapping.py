"""Map a float Network onto a chip: neuron ids, decay shifts, integer weights and thresholds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.xylo import chips, quantise
from neurosim.xylo.spec import XyloSpec


class DeployWarning(UserWarning):
    """The chip cannot do exactly what the network says; the message says what changes."""


@dataclass(frozen=True)
class Mapped:
    """A network in the chip's layout, still in floats."""

    weights_in: np.ndarray
    weights_rec: np.ndarray
    weights_out: np.ndarray
    hidden: dict[str, np.ndarray]
    """Per hidden neuron: threshold, bias, dash_mem, dash_syn[, dash_syn_2]."""
    output: dict[str, np.ndarray]
    layers: tuple[int, ...]


def deploy(
    network: Network,
    chip: str = "xylo-imu",
    *,
    calibration: np.ndarray | None = None,
    max_threshold_scale: float = 2.4,
) -> XyloSpec:
    """Map and quantise a network for a chip.

    Hidden layers take consecutive hidden ids, the first layer reads the input, the last feeds the
    output, and the last layer of the network becomes the output neurons.

    Args:
        network: at least two layers; the last without recurrent weights.
        chip: name of the chip, see `neurosim.xylo.chips`.
        calibration: (samples, time, channels) events that show how far the states swing, so that
            16-bit registers do not saturate; without it seeded random events are used.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.

    Raises:
        InputError: the chip cannot express the network, or (RuleError) it does not fit.
    """
    limits = chips.get(chip)
    mapped = map_network(network, limits.synapses)
    integers = quantise.per_neuron(network, mapped, calibration, max_threshold_scale)
    return XyloSpec(**integers, dt=network.dt, chip=chip, layers=mapped.layers)


def map_network(network: Network, synapses: int) -> Mapped:
    """Lay a network out in the chip's matrices, in floats.

    Raises:
        InputError: something that the chip's core cannot express.
    """
    if len(network.layers) < 2:
        raise InputError("the network has one layer; the chip needs a hidden and an output layer")
    *hidden, output = network.layers
    _check_layers(hidden, output, synapses)
    sizes = tuple(layer.n_out for layer in hidden)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    n_syn = max(layer.synapses for layer in hidden)
    total = int(starts[-1])
    rec = np.zeros((total, total, n_syn))
    for k, layer in enumerate(hidden):
        own = slice(starts[k], starts[k + 1])
        if k:
            _set(rec[starts[k - 1] : starts[k], own], layer.weight)
        if layer.recurrent is not None:
            _set(rec[own, own], layer.recurrent)
    w_in = np.zeros((hidden[0].n_in, sizes[0], n_syn))
    _set(w_in, hidden[0].weight)
    columns = [_neurons(layer, network.dt) for layer in hidden]
    names = columns[0].keys()
    return Mapped(
        weights_in=w_in,
        weights_rec=rec,
        weights_out=output.weight.reshape(output.n_in, output.n_out).astype(float),
        hidden={name: np.concatenate([c[name] for c in columns]) for name in names},
        output=_neurons(output, network.dt),
        layers=sizes,
    )


def decay_shift(tau: np.ndarray, dt: float) -> np.ndarray:
    """Return the shift k whose decay 1 - 2^-k is nearest exp(-dt/tau), in the 4-bit register.

    k = round(-log2(1 - exp(-dt/tau))); rockpool's mapper takes log2(tau/dt) instead, which gives 0,
    a current wiped at every step, for tau below sqrt(2) dt.
    """
    shift = -np.log2(-np.expm1(-dt / np.asarray(tau, dtype=float)))
    return np.clip(np.rint(shift), 0, 15).astype(np.int64)


def _check_layers(hidden: list[Layer], output: Layer, synapses: int) -> None:
    for k, layer in enumerate([*hidden, output]):
        if layer.synapses > synapses:
            raise InputError(f"layer {k} has {layer.synapses} synapses, the chip has {synapses}")
        chip_max = 1 if layer is output else 31
        if layer.max_spikes != chip_max:
            warnings.warn(
                f"layer {k} may fire {layer.max_spikes} spikes a step, the chip fires at most "
                f"{chip_max} there: set max_spikes_per_dt to {chip_max} in training",
                DeployWarning,
                stacklevel=4,
            )
    if output.recurrent is not None:
        raise InputError("the output layer is recurrent; output neurons of the chip cannot be")
    if output.synapses != 1:
        raise InputError("the output layer has two synapses; output neurons of the chip have one")


def _set(block: np.ndarray, weight: np.ndarray) -> None:
    """Copy a weight matrix (n_in, n_out[, n_syn]) into a block of (n_in, n_out, n_syn)."""
    weight = weight if weight.ndim == 3 else weight[:, :, None]
    block[:, :, : weight.shape[2]] = weight


def _neurons(layer: Layer, dt: float) -> dict[str, np.ndarray]:
    tau_syn = layer.tau_syn.reshape(layer.n_out, -1)
    return {
        "threshold": layer.threshold.astype(float),
        "bias": layer.bias.astype(float),
        "dash_mem": decay_shift(layer.tau_mem, dt),
        "dash_syn": decay_shift(tau_syn[:, 0], dt),
        "dash_syn_2": decay_shift(tau_syn[:, -1], dt),
    }
