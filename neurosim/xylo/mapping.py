"""Map a float Network onto a chip: neuron ids and matrices, in integers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.equations.xylo import MAX_SPIKES
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.xylo import chips, idle, rules
from neurosim.xylo import residuals as residual
from neurosim.xylo.calibration import Residuals
from neurosim.xylo.decays import TimeConstant, check_decays, time_constants
from neurosim.xylo.fields import is_positive
from neurosim.xylo.grid import Integers
from neurosim.xylo.idle import Idle
from neurosim.xylo.quantise import quantise
from neurosim.xylo.spec import XyloSpec

SPIKES_OFF = 0.5
"""Share of a layer's calibration spikes that may differ before a warning."""


class DeployWarning(UserWarning):
    """The chip cannot do exactly what the network says; the message says what changes."""


@dataclass(frozen=True)
class Deployment:
    """A specification, and what became of the network on the way to it."""

    spec: XyloSpec
    time_constants: list[TimeConstant]
    """Every different time constant, as requested and as the chip has it."""
    usage: list[rules.Resource]
    """What is used of the chip."""
    idle: Idle
    """Hidden neurons, by id before pruning, that cannot fire or that reach no output neuron."""
    kept: tuple[int, ...]
    """Hidden ids before pruning of those that are left."""
    warnings: tuple[str, ...]
    """What the chip cannot do as the network says."""


def deploy(network: Network, chip: str = chips.DEFAULT, **options: Any) -> XyloSpec:
    """Map and quantise a network for a chip; `plan` says what the options are and tells more.

    Hidden layers take consecutive hidden ids, the first layer reads the input, the last feeds the
    output, and the last layer of the network becomes the output neurons.

    Raises:
        InputError: the chip cannot express the network, or (RuleError) it does not fit.
    """
    deployment = plan(network, chip, **options)
    for message in deployment.warnings:
        warnings.warn(message, DeployWarning, stacklevel=2)
    return deployment.spec


def plan(
    network: Network,
    chip: str = chips.DEFAULT,
    *,
    calibration: np.ndarray | None = None,
    max_threshold_scale: float = 2.4,
    quantiser: str = "saturation-aware",
    residuals: Sequence[tuple[int, int]] = (),
    aligned: bool = True,
    prune: bool = False,
) -> Deployment:
    """Map and quantise a network for a chip, and say what changes on the way.

    Args:
        network: at least two layers; the last without recurrent weights.
        chip: name of the chip, see `neurosim.xylo.chips`.
        calibration: (samples, time, channels) events like those the net will see, on which integer
            scales are chosen; without it seeded random events are used.
        max_threshold_scale: largest runtime threshold scale that must fit the registers.
        quantiser: "saturation-aware", "per-channel" or "global".
        residuals: (source, target) hidden layers: the source's spikes are added to the target's.
        aligned: add them in the step of the float net, which costs relay neurons; or by bare
            aliases, target - source steps early.
        prune: leave out hidden neurons that cannot fire or that reach no output neuron.

    Raises:
        InputError: the chip cannot express the network, or (RuleError) it does not fit.
    """
    if not isinstance(network, Network):
        raise InputError(
            f"neurosim.xylo takes a Network, got {type(network).__name__}; neurosim.deploy reads "
            "other forms of a net"
        )
    if not is_positive(max_threshold_scale):
        raise InputError(f"max_threshold_scale is {max_threshold_scale!r}; give a number >= 1")
    changes = _check_layers(network, chips.get(chip).synapses)
    connections = residual.check(network, residuals, aligned)
    if not prune:
        _check_sizes(network, chips.get(chip), connections if aligned else ())
    layers, shifts = quantise(
        network,
        calibration,
        max_threshold_scale,
        quantiser=quantiser,
        residuals=connections,
        aligned=aligned,
    )
    changes += [text for k, layer in enumerate(layers) for text in _lost_spikes(k, layer)]
    changes += residual.check_sums(network, calibration, connections, aligned)
    laid = residual.lay(layers[:-1], connections, aligned=aligned, shift=shifts["weight_shift_rec"])
    keys = lay_out([*laid.hidden, layers[-1]]) | shifts
    sizes = tuple(len(layer.threshold) for layer in laid.hidden)
    aliases = tuple((laid.aliases[i],) if i in laid.aliases else () for i in range(sum(sizes)))
    whole = XyloSpec(**keys, aliases=aliases, dt=network.dt, layers=sizes, relays=laid.relays)
    spec, kept = idle.prune(whole) if prune else (whole, tuple(range(whole.hidden)))
    spec = spec.on_chip(chip)
    constants = time_constants(network)
    return Deployment(spec, constants, rules.usage(spec), idle.find(whole), kept, tuple(changes))


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


def _check_layers(network: Network, synapses: int) -> list[str]:
    """Refuse what the core cannot express; return warnings of what it would do otherwise."""
    if len(network.layers) < 2:
        raise InputError("the network has one layer; the chip needs a hidden and an output layer")
    output = network.layers[-1]
    changes = []
    for k, layer in enumerate(network.layers):
        if layer.synapses > synapses:
            raise InputError(f"layer {k} has {layer.synapses} synapses, the chip has {synapses}")
        limit = MAX_SPIKES["output" if layer is output else "hidden"]
        if layer.max_spikes != limit:
            changes.append(
                f"layer {k} may fire {layer.max_spikes} spikes a step, the chip fires at most "
                f"{limit} there: set max_spikes_per_dt to {limit} in training"
            )
    if output.recurrent is not None:
        raise InputError("the output layer is recurrent; output neurons of the chip cannot be")
    if output.synapses != 1:
        raise InputError("the output layer has two synapses; output neurons of the chip have one")
    return changes + check_decays(network)


def _check_sizes(network: Network, chip: chips.Chip, delayed: Residuals) -> None:
    """Refuse a net that cannot fit before time is spent on its integers."""
    *hidden, output = network.layers
    shape = {
        "channels": network.shape[0],
        "hidden": sum(layer.n_out for layer in hidden) + residual.relay_count(network, delayed),
        "outputs": output.n_out,
        "synapses": max(layer.synapses for layer in hidden),
        "input_neurons": hidden[0].n_out,
        "output_neurons": hidden[-1].n_out,
    }
    violations = list(rules.too_much(chip, rules.resources(chip, shape)))
    if violations:
        raise rules.RuleError(violations)


def _lost_spikes(k: int, layer: Integers) -> list[str]:
    """Say where the best integers still change the spikes much."""
    off = layer.error.sum() / max(layer.count.sum(), 1.0)
    if off <= SPIKES_OFF:
        return []
    return [
        f"layer {k}: spike counts of the integer neurons are off by {off:.0%} on the calibration "
        f"events, most at neuron {int(layer.error.argmax())}: look for weights far larger than "
        "the others, or states that do not fit 16 bits"
    ]
