"""Compose a fragment (threshold rule, noise, firing condition) onto a neuron."""

from __future__ import annotations

from dataclasses import replace

from neurosim.equations.declaration import SLOTS, Declaration, defined_names
from neurosim.errors import InputError


def compose(neuron: Declaration, fragment: Declaration) -> Declaration:
    """Return the neuron with the fragment in the slot that it fills.

    Equations, parameters and resets of both are joined, the neuron's first; what the fragment does
    in a step and at the start comes before the neuron's own; a fragment for the slot `condition`
    replaces the neuron's threshold condition.

    Raises:
        InputError: the fragment fills no slot, the neuron does not leave that one open or lacks a
            variable the fragment reads, or both use a name.
    """
    reason = misfit(neuron, fragment)
    if reason:
        raise InputError(f"{neuron.name} + {fragment.name}: {reason}")
    taken = set(neuron.parameters) | set(neuron.variables)
    clash = sorted(taken & (set(fragment.parameters) | set(fragment.variables)))
    if clash:
        raise InputError(
            f"{neuron.name} + {fragment.name}: both use {clash[0]!r}; they cannot be composed"
        )
    own = {f"{fragment.name} {name}": code for name, code in fragment.step.items()}
    return replace(
        neuron,
        name=f"{neuron.name} + {fragment.name}",
        meaning=f"{neuron.meaning} {fragment.meaning}",
        equations=f"{neuron.equations.rstrip()}\n{fragment.equations}",
        parameters={**neuron.parameters, **fragment.parameters},
        reference="; ".join(dict.fromkeys((neuron.reference, fragment.reference))),
        threshold=fragment.threshold or neuron.threshold,
        reset="\n".join(filter(None, (neuron.reset, fragment.reset))) or None,
        step={**own, **neuron.step},
        initial={**fragment.initial, **neuron.initial},
        functions=tuple(dict.fromkeys((*neuron.functions, *fragment.functions))),
        slots=tuple(slot for slot in neuron.slots if slot != fragment.fills),
    )


def misfit(neuron: Declaration, fragment: Declaration) -> str:
    """Return why a fragment does not fit onto a neuron; empty if it does."""
    if not fragment.fills:
        return f"{fragment.name} fills no slot; only threshold rules and noise are added"
    if neuron.fills:
        return f"{neuron.name} is no neuron; write neuron + rule"
    if fragment.fills not in neuron.slots:
        offered = ", ".join(neuron.slots) or "none"
        return f"it fills the slot {fragment.fills!r}, open are: {offered}"
    known = set(defined_names(complete(neuron))) | set(neuron.parameters)
    lacking = sorted(set(fragment.needs) - known)
    return f"{neuron.name} has no {lacking[0]!r}" if lacking else ""


def complete(neuron: Declaration) -> str:
    """Return the equations with what stands in each open slot by default."""
    defaults = (SLOTS[slot] for slot in neuron.slots)
    return "\n".join(filter(None, (neuron.equations, *defaults)))


def without_refractoriness(neuron: Declaration) -> Declaration:
    """Return the same neuron for a refractory time of zero, without the work that one takes.

    Raises:
        InputError: its refractoriness is no parameter that could be zero.
    """
    name = neuron.refractory
    if name not in neuron.parameters:
        raise InputError(f"{neuron.name} has no refractory time to leave out")
    return replace(
        neuron,
        equations=neuron.equations.replace("(unless refractory)", ""),
        step={
            block: code.replace("int(not_refractory)*", "") for block, code in neuron.step.items()
        },
        parameters={key: value for key, value in neuron.parameters.items() if key != name},
        refractory=None,
    )
