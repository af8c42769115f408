"""The objects of a samna that is strict: configurations of the chips, and events.

Unknown fields, wrong types and values out of range are errors.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

import numpy as np


class Strict:
    """An object with the fields of FIELDS only, each with a check."""

    FIELDS: ClassVar[dict] = {}

    def __init__(self, **values):
        for name, (default, _) in self.FIELDS.items():
            object.__setattr__(self, name, default() if callable(default) else default)
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name, value):
        if name not in self.FIELDS:
            raise AttributeError(f"{type(self).__name__} has no field {name}")
        self.FIELDS[name][1](name, value)
        object.__setattr__(self, name, value)


def within(low, high):
    def check(name, value):
        assert type(value) in (int, bool), f"{name} is {value!r}"
        assert low <= value <= high, f"{name} is {value}"

    return check


def boolean(name, value):
    assert isinstance(value, bool), f"{name} is {value!r}"


def bytes_2d(name, value):
    assert isinstance(value, np.ndarray), name
    assert value.dtype == np.int8, name
    assert value.ndim == 2, name


def anything(name, value):
    pass


def part(kind):
    def check(name, value):
        assert isinstance(value, kind), name

    return check


def several(kind):
    def check(name, value):
        assert isinstance(value, list), name
        assert all(isinstance(v, kind) for v in value), name

    return check


def strict(name, **fields):
    """A kind of strict objects: of each field the default, or what makes it, and the check."""
    return type(name, (Strict,), {"FIELDS": fields})


class Neuron(Strict):
    FIELDS: ClassVar[dict] = {
        "i_syn_decay": (0, within(0, 15)),
        "v_mem_decay": (0, within(0, 15)),
        "threshold": (0, within(1, 32767)),
        "v_mem_bias": (0, within(-32768, 32767)),
    }


class OutputNeuron(Neuron):
    pass


def family(two: bool, hidden_limit: int, population: str = "hidden"):
    """The `configuration` module of a chip."""
    second = {"i_syn2_decay": (0, within(0, 15))} if two else {}
    alias = {"alias_target": (None, within(0, hidden_limit - 1))}
    hidden_neuron = strict("HiddenNeuron", **Neuron.FIELDS, **alias, **second)
    general = {
        name: (kind, part(kind)) for name, kind in parts(two, hidden_neuron, population).items()
    }
    general |= {"bias_enable": (False, boolean), "operation_mode": (None, anything)}
    if two:
        general |= {"synapse2_enable": (False, boolean), "input_source": (None, anything)}
    else:
        general |= {"imu_if_input_enable": (True, boolean)}
    neuron_range = type(
        "NeuronRange", (tuple,), {"__new__": lambda cls, a, b: tuple.__new__(cls, (a, b))}
    )
    return SimpleNamespace(
        XyloConfiguration=strict("XyloConfiguration", **general),
        **{f"{population.capitalize()}Neuron": hidden_neuron},
        OutputNeuron=OutputNeuron,
        NeuronRange=neuron_range,
    )


def parts(two: bool, hidden_neuron: type, population: str) -> dict[str, type]:
    """The parts of a configuration."""
    matrices = {"weights": (None, bytes_2d)} | ({"syn2_weights": (None, bytes_2d)} if two else {})
    shift = {"weight_bit_shift": (0, within(0, 8))}
    monitors = ["spike", "v_mem", "i_syn"] + (["i_syn2"] if two else [])
    flags = ["always_update_omp_stat", "isyn_clock_enable", "ra_clock_enable", "ram_power_enable"]
    flags += ["bias_clock_enable", "hm_clock_enable", "ram_access_enable", "isyn2_clock_enable"]
    return {
        "input": strict("Input", **matrices, **shift),
        population: strict(
            "Hidden",
            **matrices,
            **shift,
            aliasing=(False, boolean),
            neurons=(list, several(hidden_neuron)),
        ),
        "readout": strict(
            "Readout",
            weights=(None, bytes_2d),
            **shift,
            neurons=(list, several(OutputNeuron)),
        ),
        "debug": strict(
            "Debug",
            **{f"monitor_neuron_{m}": (None, anything) for m in monitors},
            **dict.fromkeys(flags, (False, boolean)),
        ),
    }


class Spike(Strict):
    FIELDS: ClassVar[dict] = {"neuron_id": (0, within(0, 15)), "timestep": (0, within(0, 1 << 30))}


class TriggerProcessing(Strict):
    FIELDS: ClassVar[dict] = {"target_timestep": (0, within(0, 1 << 30))}


class TriggerReadout(Strict):
    pass


class Readout(SimpleNamespace):
    pass


EVENTS = SimpleNamespace(
    Spike=Spike, TriggerProcessing=TriggerProcessing, TriggerReadout=TriggerReadout, Readout=Readout
)
