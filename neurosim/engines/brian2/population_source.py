"""Write the C++ of a population of any declared neuron."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from neurosim.engines.brian2.codegen import render, translate
from neurosim.engines.brian2.objects import unit_of
from neurosim.equations.groups import group, quantity

if TYPE_CHECKING:
    from neurosim.equations import Declaration

TEMPLATE = "population.cpp"


def files(model: Declaration, per_neuron: Collection[str]) -> dict[str, str]:
    """Return the C++ of a population, and what a caller must know of it as JSON.

    Args:
        model: a neuron.
        per_neuron: names of the parameters with a value for each neuron.
    """
    from neurosim.equations.sandbox import forget, load, sandbox

    load()
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    with sandbox(CPPStandaloneDevice(), as_written=model.is_map):
        values = _values(model, per_neuron)
        forget()
    return {
        "source.cpp": render(TEMPLATE, **values),
        "manifest.json": json.dumps(_manifest(model, values), indent=1),
    }


def recordable(model: Declaration) -> tuple[str, ...]:
    """Return the names of all variables that can be recorded."""
    return model.all_variables


def _values(model: Declaration, per_neuron: Collection[str]) -> dict[str, Any]:
    """Return what the template needs."""
    import brian2
    from brian2.core.variables import AuxiliaryVariable, Variables

    members = group(model, 2, per_neuron=per_neuron, name="neurons")
    synapse = brian2.NeuronGroup(2, f"{model.synapse}\nspikes : integer (shared)", name="synapse")
    extra = {f"{name}_post": v for name, v in members.variables.items()}
    extra |= {n: v for n, v in synapse.variables.items() if n == "w"}
    extra["spikes_pre"] = synapse.variables["spikes"]
    results = Variables(None)
    results.add_auxiliary_variable("_value", dtype=float)
    results.add_auxiliary_variable("_cond", dtype=bool)
    extra |= {name: v for name, v in results.items() if isinstance(v, AuxiliaryVariable)}
    initial = {f"initial_{name}": f"{name} = {value}" for name, value in model.initial.items()}
    record = {f"record_{name}": f"_value = {name}" for name in recordable(model)}
    step = {f"step_{_label(name)}": block for name, block in model.step.items()}
    events = {f"event_{_label(name)}": block for name, block in model.events.items()}
    dynamics = _dynamics(members)
    blocks = initial | dynamics | step | events | record
    refractory = bool(model.refractory)
    needed = ("t", "lastspike", "not_refractory") if refractory else ()
    # A refractory neuron is reset and initialised like any other.
    always = ("reset", *initial)
    code = translate(members, blocks, extra=extra, needed=needed, unconditional=always)
    # Brian2 knows one index; weights have that of their synapse.
    weights = "_array_synapse_w[_idx]", "_array_synapse_w[_synapse]"
    each = {name: text.replace(*weights) for name, text in code.each.items()}
    code = replace(code, each=each)
    types = [array.type for array in code.arrays if array.name == "_array_synapse_w"]
    scalar = {array.variable for array in code.arrays if array.scalar}
    return {
        "code": code,
        "support_code": "\n".join(code.support),
        "initial": list(initial),
        "shared": [f"initial_{name}" for name in model.initial if name in scalar],
        "state": [name for name in ("recovery", "state") if name in dynamics],
        "step": list(step),
        "events": list(events),
        "record": list(record),
        "refractory": refractory,
        "period": _period(model, dynamics),
        "clock": any(array.name == "_array_defaultclock_t" for array in code.arrays),
        "weight_type": types[0] if types else "double",
        "units": {name: unit_of(members.variables[name]) for name in recordable(model)},
    }


def _dynamics(members: Any) -> dict[str, str]:
    """Return Brian2's abstract code for state update, threshold and reset.

    Which neurons have recovered from their refractory time is found in a loop of its own: it has
    whole numbers, which would keep a compiler from vector code for the equations.
    """
    names = {"StateUpdater": "state", "Thresholder": "threshold", "Resetter": "reset"}
    blocks = {}
    for runner in members.contained_objects:
        runner.update_abstract_code(run_namespace={})
        if runner.abstract_code.strip():
            blocks[names[type(runner).__name__]] = runner.abstract_code
    first, _, rest = blocks.get("state", "").partition("\n")
    if first.startswith("not_refractory ="):
        blocks |= {"recovery": first, "state": rest}
    return {name: code for name, code in blocks.items() if code.strip()}


def _period(model: Declaration, dynamics: dict[str, str]) -> str | None:
    """Return the array of the refractory time, where that is a parameter: it alone can change it.

    While it stays, time alone moves a neuron, out of its refractory time: only those in it need be
    looked at. Other conditions may bring any neuron in.
    """
    known = "recovery" in dynamics and model.refractory in model.parameters
    return f"_array_neurons_{model.refractory}" if known else None


def _label(name: str) -> str:
    """Return a name as an identifier."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _manifest(model: Declaration, values: dict[str, Any]) -> dict[str, Any]:
    arrays = [a for a in values["code"].arrays if not a.name.startswith("_array_synapse_")]
    return {
        "arrays": [(a.name, a.variable, a.type, a.scalar) for a in arrays],
        "events": list(model.events),
        "weights": values["weight_type"],
        "record": [name.removeprefix("record_") for name in values["record"]],
        "units": values["units"],
        "scales": {n: float(quantity(1.0, p.unit)) for n, p in model.parameters.items()},
    }
