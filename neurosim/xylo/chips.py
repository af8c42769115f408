"""Limits of the Xylo chips, as data.

Numbers of channels, neurons and synapses are those of rockpool 3.1's documentation and mappers.
How many recurrent connections a chip stores follows from the memory maps that rockpool reads chips
by (`syns61201/xa2_devkit_utils.py`, `syns65302/ram.py`): a bank with the targets of all hidden
neurons, and one bank of weights of the same length for each synapse.

What counts as fan-out: one entry of these banks holds a target and its weight on either synapse.
So a connection counts once however many synapses it uses, and the fan-out of a neuron is the
number of hidden neurons that it reaches, not the number of its weights. (Audio 2's limit of 64 a
neuron and its 32,000 entries for 1000 neurons hold together: all may reach 32, none more than 64.)
Input and output weights have banks of their own and do not count.
"""

from dataclasses import dataclass

from neurosim.errors import InputError


@dataclass(frozen=True)
class Chip:
    """What one chip can hold."""

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


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("xylo-audio-2", "syns61201", 16, 1000, 8, 2, 1000, 1000, 64, 32_000),
        Chip("xylo-audio-3", "syns65302", 16, 992, 32, 2, 128, 128, 1024, 31_744),
        Chip("xylo-imu", "syns63300", 16, 496, 16, 1, 128, 128, 512, 31_744),
    )
}


def get(name: str) -> Chip:
    """Return the chip of that name.

    Raises:
        InputError: no chip has that name.
    """
    if name not in CHIPS:
        raise InputError(f"chip {name!r} is not known; choose one of {', '.join(CHIPS)}")
    return CHIPS[name]
