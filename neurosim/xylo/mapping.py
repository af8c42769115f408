"""Map a float Network onto a chip: neuron ids and matrices, in integers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.network import Layer, Network
from neurosim.xylo import chips
from neurosim.xylo.fields import is_positive
from neurosim.xylo.quantise import DASH_MAX, Integers, decay_shift, quantise
from neurosim.xylo.spec import XyloSpec

SPIKES_OFF = 0.5
"""Share of a layer's calibration spikes that may differ before a warning."""


class DeployWarning(UserWarning):
    """The chip cannot do exactly what the network says; the message says what changes."""


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
        calibration: (samples, time, channels) events like those the net will see, on which integer
            scales are chosen; without it seeded random events are used.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.

    Raises:
        InputError: the chip cannot express the network, or (RuleError) it does not fit.
    """
    if not isinstance(network, Network):
        raise InputError(f"deploy takes a Network, got {type(network).__name__}")
    if not is_positive(max_threshold_scale):
        raise InputError(f"max_threshold_scale is {max_threshold_scale!r}; give a number >= 1")
    _check_layers(network, chips.get(chip).synapses)
    layers, shifts = quantise(network, calibration, max_threshold_scale)
    for k, layer in enumerate(layers):
        _warn_of_lost_spikes(k, layer)
    sizes = tuple(len(layer.threshold) for layer in layers[:-1])
    keys = lay_out(layers) | shifts
    return XyloSpec(**keys, dt=network.dt, chip=chip, layers=sizes)


def lay_out(layers: list[Integers]) -> dict[str, Any]:
    """Return the chip's matrices and registers of integer layers, the last one the output."""
    *hidden, output = layers
    starts = np.cumsum([0, *(len(layer.threshold) for layer in hidden)])
    total, synapses = int(starts[-1]), max(layer.weight.shape[2] for layer in hidden)
    rec = np.zeros((total, total, synapses), dtype=np.int64)
    for k, layer in enumerate(hidden):
        own = slice(starts[k], starts[k + 1])
        rec[own, own, : layer.recurrent.shape[2]] = layer.recurrent
        if k:
            rec[starts[k - 1] : starts[k], own, : layer.weight.shape[2]] = layer.weight
    first = hidden[0].weight
    w_in = np.zeros((*first.shape[:2], synapses), dtype=np.int64)
    w_in[:, :, : first.shape[2]] = first

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(layer, name) for layer in hidden])

    return {
        "weights_in": w_in,
        "weights_rec": rec,
        "weights_out": output.weight[:, :, 0],
        **{name: joined(name) for name in ("threshold", "bias", "dash_mem")},
        "dash_syn": np.concatenate([layer.dash_syn[:, 0] for layer in hidden]),
        "dash_syn_2": np.concatenate([layer.dash_syn[:, -1] for layer in hidden]),
        "threshold_out": output.threshold,
        "bias_out": output.bias,
        "dash_mem_out": output.dash_mem,
        "dash_syn_out": output.dash_syn[:, 0],
    }


def _check_layers(network: Network, synapses: int) -> None:
    """Refuse what the core cannot express; warn of what it would do otherwise."""
    if len(network.layers) < 2:
        raise InputError("the network has one layer; the chip needs a hidden and an output layer")
    output = network.layers[-1]
    for k, layer in enumerate(network.layers):
        if layer.synapses > synapses:
            raise InputError(f"layer {k} has {layer.synapses} synapses, the chip has {synapses}")
        _warn_of_spike_limit(k, layer, 1 if layer is output else 31)
        _check_decays(k, layer, network.dt)
    if output.recurrent is not None:
        raise InputError("the output layer is recurrent; output neurons of the chip cannot be")
    if output.synapses != 1:
        raise InputError("the output layer has two synapses; output neurons of the chip have one")


def _check_decays(k: int, layer: Layer, dt: float) -> None:
    """Refuse currents that the chip would wipe at once; warn of leaks that it cannot do."""
    for name in ("tau_mem", "tau_syn"):
        tau = getattr(layer, name).reshape(layer.n_out, -1)
        shift = decay_shift(tau, dt)
        if name == "tau_syn" and (shift == 0).any():
            neuron = int(np.argwhere(shift == 0)[0, 0])
            raise InputError(
                f"layer {k}, neuron {neuron}: tau_syn is {tau[neuron].min():.3g} s at dt {dt:g} s; "
                f"the chip would empty the current each step: use at least {0.82 * dt:.3g} s"
            )
        ratio = -dt / np.log1p(-(2.0**-DASH_MAX))
        if (tau > 1.5 * ratio).any():
            neuron = int(np.argwhere(tau > 1.5 * ratio)[0, 0])
            _warn(
                f"layer {k}, neuron {neuron}: {name} {tau[neuron].max():.3g} s becomes "
                f"{ratio:.3g} s, the slowest leak of the chip at this dt"
            )


def _warn_of_lost_spikes(k: int, layer: Integers) -> None:
    """Say where the best integers still change the spikes much."""
    off = layer.error.sum() / max(layer.count.sum(), 1.0)
    if off > SPIKES_OFF:
        worst = int(layer.error.argmax())
        _warn(
            f"layer {k}: spike counts of the integer neurons are off by {off:.0%} on the "
            f"calibration events, most at neuron {worst}: look for weights far larger than the "
            "others, or states that do not fit 16 bits"
        )


def _warn(message: str) -> None:
    warnings.warn(message, DeployWarning, stacklevel=4)


def _warn_of_spike_limit(k: int, layer: Layer, limit: int) -> None:
    if layer.max_spikes != limit:
        _warn(
            f"layer {k} may fire {layer.max_spikes} spikes a step, the chip fires at most {limit} "
            f"there: set max_spikes_per_dt to {limit} in training"
        )
