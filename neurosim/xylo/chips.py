"""Limits of the Xylo chips, as data (rockpool 3.1 documentation, its design rules and mappers)."""

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
    """Hidden targets of one hidden neuron."""
    recurrent_weights: int | None
    """Hidden-to-hidden weights in all, where that is limited."""


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("xylo-audio-2", "syns61201", 16, 1000, 8, 2, 1000, 1000, 64, None),
        Chip("xylo-audio-3", "syns65302", 16, 992, 32, 2, 128, 128, 1024, None),
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
