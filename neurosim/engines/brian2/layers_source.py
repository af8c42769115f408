"""Write the C++ of a layered network: Brian2 translates the equations, a template has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.engines.brian2.codegen import Translation, render, translate
from neurosim.equations.groups import group
from neurosim.equations.lif_map import LIF_MAP, LIF_MAP_TWO_SYNAPSES

if TYPE_CHECKING:
    from neurosim.equations import Declaration

STATES = ("v_mem", "i_syn", "i_syn_2", "spikes")


def neuron(synapses: int) -> Declaration:
    """Return the declaration of a neuron with that many synapses, one or two."""
    return LIF_MAP if synapses == 1 else LIF_MAP_TWO_SYNAPSES


def states(synapses: int) -> tuple[str, ...]:
    """Return its state variables."""
    return tuple(name for name in neuron(synapses).variables if name in STATES)


def files(synapses: int) -> dict[str, str]:
    """Return the C++ of a network whose neurons have that many synapses."""
    from neurosim.equations.sandbox import forget, load, sandbox

    load()
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    model = neuron(synapses)
    with sandbox(CPPStandaloneDevice(), as_written=True):
        code = _translate(model)
        forget()
    text = render(
        "layers.cpp",
        code=code,
        support_code="\n".join(code.support),
        states=states(synapses),
        parameters=list(model.parameters),
        arrays=[*states(synapses), *model.parameters],
        step=list(model.step),
        receive=list(model.events),
    )
    return {"source.cpp": text}


def _translate(model: Declaration) -> Translation:
    import brian2

    members = group(model, 2, name="neurons")
    synapse = brian2.NeuronGroup(2, f"{model.synapse}\nspikes : 1 (shared)", name="synapse")
    incoming = {f"{name}_post": v for name, v in members.variables.items()}
    incoming |= {"w": synapse.variables["w"], "spikes_pre": synapse.variables["spikes"]}
    return translate(members, {**model.step, **model.events}, extra=incoming)
