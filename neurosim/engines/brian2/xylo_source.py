"""Write the C++ of a Xylo network: Brian2 translates the equations, a template has the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2.codegen import Translation, render, support_code, translate
from neurosim.engines.brian2.xylo_parameters import models
from neurosim.equations.functions import brian2_functions
from neurosim.equations.groups import full_equations

if TYPE_CHECKING:
    from neurosim.equations import Declaration

TEMPLATE = "xylo.cpp"


@dataclass(frozen=True)
class Population:
    """A population in C++, as the template needs it."""

    name: str
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    step: tuple[str, ...]
    """Names of the blocks run each step."""
    events: tuple[str, ...]
    """Names of the blocks run when a presynaptic neuron has spiked."""
    code: Translation


def files(synapses: int) -> dict[str, str]:
    """Return the C++ of a network whose hidden neurons have that many synapses."""
    from neurosim.equations.sandbox import forget, load, sandbox

    load()
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    with sandbox(CPPStandaloneDevice(), as_written=True):
        populations = [_translate(name, model) for name, model in models(synapses).items()]
        forget()
    text = render(
        TEMPLATE,
        synapses=synapses,
        populations=populations,
        receive=[name for name in populations[0].events if name.startswith("receive")],
        support_code=support_code(*(population.code for population in populations)),
    )
    return {"source.cpp": text}


def _translate(name: str, model: Declaration) -> Population:
    """Translate all code of a population, on 16-bit integers."""
    group = _variables(name, model, full_equations(model))
    synapse = _variables(f"{name}_synapse", model, f"{model.synapse}\nspikes : integer (shared)")
    incoming = {f"{n}_post": variable for n, variable in group.variables.items()}
    incoming |= {"w": synapse.variables["w"], "spikes_pre": synapse.variables["spikes"]}
    code = translate(group, {**model.step, **model.events}, extra=incoming)
    return Population(
        name=name,
        states=model.variables,
        parameters=tuple(model.parameters),
        step=tuple(model.step),
        events=tuple(model.events),
        code=code,
    )


def _variables(name: str, model: Declaration, equations: str) -> Any:
    """Return a group of 16-bit integer variables; it names them in C++ and is never run."""
    import brian2

    text = brian2.Equations(equations)
    types = dict.fromkeys(text.names, np.int16)
    namespace = brian2_functions(model.functions)
    return brian2.NeuronGroup(2, text, name=name, dtype=types, namespace=namespace)
