"""The Xylo chips: a row holds all that differs between one and another.

Numbers of channels, neurons and synapses are those of rockpool 3.1's documentation and mappers.
How many recurrent connections a chip stores follows from the memory maps that rockpool reads chips
by (`syns61201/xa2_devkit_utils.py`, `syns65302/ram.py`): a bank with the targets of all hidden
neurons, and one bank of weights of the same length for each synapse. Names of samna's objects are
those that rockpool 3.1 sets and reads.

What counts as fan-out: one entry of these banks holds a target and its weight on either synapse.
So a connection counts once however many synapses it uses, and the fan-out of a neuron is the
number of hidden neurons that it reaches, not the number of its weights. (Audio 2's limit of 64 a
neuron and its 32,000 entries for 1000 neurons hold together: all may reach 32, none more than 64.)
Input and output weights have banks of their own and do not count.

What the chips share is the second version of the core: its integer neuron is declared in
`neurosim.equations.xylo`, the widths of its registers are checked in `neurosim.xylo.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosim.errors import InputError


@dataclass(frozen=True)
class Samna:
    """How the vendor's samna names what belongs to a chip."""

    module: str
    """`samna.<module>` holds `configuration` and `validate_configuration`."""
    hidden: str
    """Name of the hidden population in a configuration."""
    neuron: str
    """Name of the class of its neurons."""
    readout_from_all: bool = False
    """Whether the readout has weights from all hidden neurons, not only from the last ones."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of a configuration that a net driven by events needs; parts as dictionaries."""
    fields_with_bias: Mapping[str, Any] = field(default_factory=dict)
    """Fields that a net with biases needs as well."""
    fields_with_second_synapse: Mapping[str, Any] = field(default_factory=dict)
    """Fields that a net with two synapses needs as well."""


@dataclass(frozen=True)
class Kit:
    """A development kit: how samna names it, and how it is read in accelerated time."""

    device: str
    """Name of the kit's type among samna's devices."""
    power_nets: Mapping[str, str]
    """Name of each measured power net in samna, by its name in our provenance."""
    power_module: str
    """Module of samna that names the nets."""
    steps_ahead: int
    """Steps from the one that the chip says it is in to the first that it will process."""
    monitor: str
    """How recorded neurons are named: by a "range" of ids, or in a "list"."""
    stop_watch: bool = False
    """Whether the kit's stop watch must run for power to be measured."""


@dataclass(frozen=True)
class Chip:
    """What one chip can hold, and how others name it."""

    name: str
    part: str
    """Rockpool's name of the design."""
    inputs: int
    """Input channels."""
    hidden: int
    """Hidden neurons."""
    outputs: int
    """Output neurons."""
    synapses: int
    """Synapses of a hidden neuron, each with its own time constant."""
    input_neurons: int
    """Hidden neurons that can see the input (the first ids)."""
    output_neurons: int
    """Hidden neurons that can feed the output (the last ids)."""
    fanout: int
    """Hidden neurons that one hidden neuron reaches, by either synapse."""
    connections: int
    """Hidden-to-hidden connections in all; both synapses of a connection share one entry."""
    samna: Samna
    kit: Kit | None = None
    """The development kit that the engine "board" serves; None where it serves none."""
    mapper_mixes_synapses: bool = False
    """Whether rockpool 3.1's mapper assigns decays of a neuron's two synapses to other neurons."""
    mapper_needs_two_hidden_layers: bool = False
    """Whether rockpool 3.1's mapper stops at a net with one hidden layer."""


CHIPS = {
    chip.name: chip
    for chip in (
        Chip(
            name="xylo-audio-2",
            part="syns61201",
            inputs=16,
            hidden=1000,
            outputs=8,
            synapses=2,
            input_neurons=1000,
            output_neurons=1000,
            fanout=64,
            connections=32_000,
            samna=Samna(
                module="xyloCore2",
                hidden="reservoir",
                neuron="ReservoirNeuron",
                readout_from_all=True,
                fields={
                    "debug": {
                        "isyn_clock_enable": True,
                        "ra_clock_enable": True,
                        "hm_clock_enable": True,
                        "ram_power_enable": True,
                    }
                },
                fields_with_bias={"debug": {"bias_clock_enable": True}},
                fields_with_second_synapse={"debug": {"isyn2_clock_enable": True}},
            ),
        ),
        Chip(
            name="xylo-audio-3",
            part="syns65302",
            inputs=16,
            hidden=992,
            outputs=32,
            synapses=2,
            input_neurons=128,
            output_neurons=128,
            fanout=1024,
            connections=31_744,
            samna=Samna(module="xyloAudio3", hidden="hidden", neuron="HiddenNeuron"),
            kit=Kit(
                device="XyloAudio3TestBoard",
                power_nets={"io": "Io", "analog": "AnalogLogic", "digital": "DigitalLogic"},
                power_module="xyloAudio3",
                steps_ahead=0,
                monitor="list",
                stop_watch=True,
            ),
            mapper_mixes_synapses=True,
        ),
        Chip(
            name="xylo-imu",
            part="syns63300",
            inputs=16,
            hidden=496,
            outputs=16,
            synapses=1,
            input_neurons=128,
            output_neurons=128,
            fanout=512,
            connections=31_744,
            samna=Samna(
                module="xyloImu",
                hidden="hidden",
                neuron="HiddenNeuron",
                fields={"imu_if_input_enable": False, "debug": {"always_update_omp_stat": True}},
            ),
            kit=Kit(
                device="XyloImuTestBoard",
                power_nets={"io": "Io", "core": "Core"},
                power_module="xyloImuBoards",
                steps_ahead=1,
                monitor="range",
            ),
            mapper_needs_two_hidden_layers=True,
        ),
    )
}

DEFAULT = "xylo-imu"
"""The chip that a net is deployed on where none is named."""


def get(name: str) -> Chip:
    """Return the chip of that name.

    Raises:
        InputError: no chip has that name.
    """
    if name not in CHIPS:
        raise InputError(f"chip {name!r} is not known; choose one of {', '.join(CHIPS)}")
    return CHIPS[name]
