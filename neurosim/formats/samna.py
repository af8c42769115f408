"""The vendor's configuration objects: a specification in their field names, and back.

Fields are those that rockpool 3.1 sets and reads (`config_from_specification` of syns61201,
syns63300 and syns65302). Unlike there, hidden biases arrive, an alias of neuron 0 arrives, and a
weight beyond 8 bits is refused, for a XyloSpec cannot hold one. Untested on hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.xylo import chips
from neurosim.xylo.chips import Chip
from neurosim.xylo.spec import XyloSpec


def chip_of(spec: XyloSpec) -> Chip:
    """Return a specification's chip.

    Raises:
        InputError: the specification is for no chip.
    """
    if spec.chip is None:
        raise InputError(
            f"the specification is for no chip; name one: spec.on_chip({chips.DEFAULT!r})"
        )
    return chips.get(spec.chip)


def configuration(spec: XyloSpec) -> dict[str, Any]:
    """Return the fields of the vendor's XyloConfiguration as nested dictionaries of JSON values.

    Raises:
        InputError: the specification is for no chip.
    """
    chip = chip_of(spec)
    names, second = chip.samna, spec.synapses == 2
    unread = spec.hidden - len(spec.weights_out) if names.readout_from_all else 0
    w_out = np.pad(spec.weights_out, ((unread, 0), (0, 0)))
    values: dict[str, Any] = {
        "bias_enable": spec.has_bias,
        "input": {"weight_bit_shift": spec.weight_shift_in} | _weights("", spec.weights_in, 0),
        names.hidden: {
            "aliasing": any(spec.aliases),
            "weight_bit_shift": spec.weight_shift_rec,
            "neurons": [_hidden(spec, i, chip) for i in range(spec.hidden)],
        }
        | _weights("", spec.weights_rec, 0),
        "readout": {
            "weight_bit_shift": spec.weight_shift_out,
            "weights": w_out.tolist(),
            "neurons": [_output(spec, i) for i in range(spec.outputs)],
        },
    }
    if chip.synapses == 2:
        values["synapse2_enable"] = second
        if second:
            values["input"] |= _weights("syn2_", spec.weights_in, 1)
            values[names.hidden] |= _weights("syn2_", spec.weights_rec, 1)
    for fields, needed in (
        (names.fields, True),
        (names.fields_with_bias, spec.has_bias),
        (names.fields_with_second_synapse, second),
    ):
        for name, value in fields.items() if needed else ():
            part = isinstance(value, Mapping)
            values[name] = {**values.get(name, {}), **value} if part else value
    return values


def _weights(prefix: str, weights: np.ndarray, synapse: int) -> dict[str, Any]:
    return {f"{prefix}weights": weights[:, :, synapse].tolist()}


def _hidden(spec: XyloSpec, i: int, chip: Chip) -> dict[str, int]:
    neuron = {
        "i_syn_decay": int(spec.dash_syn[i]),
        "v_mem_decay": int(spec.dash_mem[i]),
        "threshold": int(spec.threshold[i]),
        "v_mem_bias": int(spec.bias[i]),
    }
    if chip.synapses == 2:
        neuron["i_syn2_decay"] = int(spec.dash_syn_2[i])
    if spec.aliases[i]:
        neuron["alias_target"] = spec.aliases[i][0]
    return neuron


def _output(spec: XyloSpec, i: int) -> dict[str, int]:
    return {
        "i_syn_decay": int(spec.dash_syn_out[i]),
        "v_mem_decay": int(spec.dash_mem_out[i]),
        "threshold": int(spec.threshold_out[i]),
        "v_mem_bias": int(spec.bias_out[i]),
    }


def from_configuration(values: Mapping[str, Any], chip: str, **extra: Any) -> XyloSpec:
    """Return the specification of a configuration's fields.

    Args:
        values: as `configuration` gives them.
        chip: the chip they belong to.
        extra: what a configuration does not hold: dt, layers, relays, front_end, decision.

    Raises:
        InputError: the chip is unknown, a field is missing or odd, or a design rule is broken.
    """
    of = chips.get(chip)
    try:
        keys = _keys(values, of)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"the configuration lacks a field or holds an odd one: {error!r}"
        ) from None
    return XyloSpec(**keys, chip=chip, **extra)


def _keys(values: Mapping[str, Any], chip: Chip) -> dict[str, Any]:
    """Return the fields of a XyloSpec."""
    inputs, hidden, readout = values["input"], values[chip.samna.hidden], values["readout"]
    weights_in, weights_rec = [inputs["weights"]], [hidden["weights"]]
    if values.get("synapse2_enable"):
        weights_in.append(inputs["syn2_weights"])
        weights_rec.append(hidden["syn2_weights"])

    def column(neurons: list[dict[str, Any]], name: str) -> np.ndarray:
        return np.array([neuron[name] for neuron in neurons])

    neurons, outputs = hidden["neurons"], readout["neurons"]
    aliasing = hidden["aliasing"]
    targets = [neuron.get("alias_target") if aliasing else None for neuron in neurons]
    biased = int(bool(values["bias_enable"]))
    keys = {
        "weights_in": np.stack([np.array(w) for w in weights_in], axis=2),
        "weights_rec": np.stack([np.array(w) for w in weights_rec], axis=2),
        "weights_out": readout["weights"],
        "weight_shift_in": inputs["weight_bit_shift"],
        "weight_shift_rec": hidden["weight_bit_shift"],
        "weight_shift_out": readout["weight_bit_shift"],
        "aliases": [[] if target is None else [target] for target in targets],
    }
    for ending, population in (("", neurons), ("_out", outputs)):
        keys[f"dash_mem{ending}"] = column(population, "v_mem_decay")
        keys[f"dash_syn{ending}"] = column(population, "i_syn_decay")
        keys[f"threshold{ending}"] = column(population, "threshold")
        keys[f"bias{ending}"] = column(population, "v_mem_bias") * biased
    if chip.synapses == 2:
        keys["dash_syn_2"] = column(neurons, "i_syn2_decay")
    return keys


def to_samna(spec: XyloSpec, samna: Any) -> Any:
    """Return samna's XyloConfiguration of a specification, validated by samna.

    Args:
        spec: a specification for a chip.
        samna: the vendor's module, imported by the caller.

    Raises:
        InputError: the specification is for no chip, or samna finds it invalid.
    """
    names = chip_of(spec).samna
    api = getattr(samna, names.module)
    config = api.configuration.XyloConfiguration()
    classes = {
        names.hidden: getattr(api.configuration, names.neuron),
        "readout": api.configuration.OutputNeuron,
    }
    for name, value in configuration(spec).items():
        if isinstance(value, dict):
            _fill(getattr(config, name), value, classes.get(name))
        else:
            setattr(config, name, value)
    valid, message = api.validate_configuration(config)
    if not valid:
        raise InputError(f"samna finds the configuration invalid: {message}")
    return config


def _fill(target: Any, values: dict[str, Any], neuron: Any) -> None:
    """Set the fields of one part of a configuration."""
    for name, value in values.items():
        if name == "neurons":
            value = [_neuron(neuron, fields) for fields in value]
        elif name.endswith("weights"):
            value = np.array(value, dtype=np.int8)
        setattr(target, name, value)


def _neuron(kind: Any, fields: dict[str, int]) -> Any:
    neuron = kind()
    for name, value in fields.items():
        setattr(neuron, name, value)
    return neuron
