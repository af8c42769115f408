"""Write the C++ of a Xylo network: Brian2 translates the equations, a template has the rest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2.parameters import neurons
from neurosim.equations.groups import full_equations
from neurosim.equations.functions import brian2_functions

if TYPE_CHECKING:
    from neurosim.equations import Declaration


def template() -> str:
    """Return the C++ around the generated code, with gaps for it."""
    return Path(__file__).with_name("xylo.cpp").read_text()


@dataclass(frozen=True)
class Population:
    """A population in C++, as the template needs it."""

    name: str
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    pointers: str
    """Lines that give the arrays the names which the code uses."""
    once: dict[str, str]
    """Of each block: what runs before its loop."""
    each: dict[str, str]
    """Of each block: the body of its loop over the neurons `_idx`."""
    step: tuple[str, ...]
    """Names of the blocks run each step."""
    events: tuple[str, ...]
    """Names of the blocks run when a presynaptic neuron has spiked."""
    support: tuple[str, ...]
    """Lines that define the functions called."""


def source(synapses: int) -> str:
    """Return the C++ of a network whose hidden neurons have that many synapses."""
    import jinja2

    from neurosim.equations.sandbox import forget, load, sandbox

    load()
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    with sandbox(CPPStandaloneDevice()):
        populations = [_translate(name, model) for name, model in neurons(synapses).items()]
        forget()
    hidden, output = populations
    assert set(output.support) <= set(hidden.support), "output neurons call other functions"
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(template()).render(
        synapses=synapses,
        populations=populations,
        receive=[name for name in hidden.events if name.startswith("receive")],
        support_code="\n".join(hidden.support),
    )


def _translate(name: str, model: Declaration) -> Population:
    """Let Brian2 translate all code of a population to C++, on 16-bit integers."""
    from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
    from brian2.codegen.translation import analyse_identifiers
    from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

    group = _variables(name, model, full_equations(model))
    synapse = _variables(f"{name}_synapse", model, f"{model.synapse}\nspikes : integer (shared)")
    incoming = {f"{n}_post": variable for n, variable in group.variables.items()}
    incoming |= {"w": synapse.variables["w"], "spikes_pre": synapse.variables["spikes"]}
    code = dict(model.step) | dict(model.events)
    known = dict(group.variables) | incoming
    identifiers = set()
    for block in code.values():
        _, used, unknown = analyse_identifiers(block, known, recursive=True)
        identifiers |= used | unknown
    variables = {n: incoming[n] for n in identifiers & incoming.keys()}
    rest = identifiers - variables.keys()
    variables |= group.resolve_all(sorted(rest), run_namespace={}, user_identifiers=rest)
    generator = CPPCodeGenerator(
        variables,
        defaultdict(lambda: "_idx", spikes_pre="0"),
        owner=group,
        iterate_all=True,
        codeobj_class=CPPStandaloneCodeObject,
        name=name,
        template_name="stateupdate",
        allows_scalar_write=True,
    )
    once, each, keywords = generator.translate(code, dtype=float)
    return Population(
        name=name,
        states=model.variables,
        parameters=tuple(model.parameters),
        pointers="\n".join(keywords["pointers_lines"]),
        once={block: "\n".join(lines) for block, lines in once.items()},
        each={block: "\n".join(lines) for block, lines in each.items()},
        step=tuple(model.step),
        events=tuple(model.events),
        support=tuple(keywords["support_code_lines"]),
    )


def _variables(name: str, model: Declaration, equations: str) -> Any:
    """Return a group of 16-bit integer variables; it names them in C++ and is never run."""
    import brian2

    text = brian2.Equations(equations)
    types = dict.fromkeys(text.names, np.int16)
    namespace = brian2_functions(model.functions)
    return brian2.NeuronGroup(2, text, name=name, dtype=types, namespace=namespace)
