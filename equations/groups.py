"""Declarations as Brian2 groups."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from neurosim.equations.functions import brian2_functions
from neurosim.equations.sandbox import load
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.equations.declaration import Declaration

INTEGER = "integer"
"""Unit of a parameter that is a whole number."""


def quantity(value: Any, unit: str) -> Any:
    """Return a number or array in a unit like "mV", "nS/ms", "1" or "integer" as Brian2 counts it.

    Raises:
        InputError: Brian2 has no such unit.
    """
    if unit in ("1", INTEGER):
        return value
    load()
    from brian2.units import allunits, stdunits

    try:
        return value * eval(unit, {"__builtins__": {}}, {**vars(allunits), **vars(stdunits)})
    except (NameError, SyntaxError, TypeError) as error:
        raise InputError(f"unit {unit!r} is not known to Brian2 ({error})") from None


def full_equations(
    declaration: Declaration, per_neuron: Collection[str] | None = None, context: str = ""
) -> str:
    """Return all equations of a group: the declared ones, open slots filled, and the parameters.

    Args:
        declaration: a neuron or fragment.
        per_neuron: names of the parameters with a value for each neuron; the others are shared.
            None means all.
        context: further equations.
    """
    names = declaration.parameters.keys() if per_neuron is None else per_neuron
    parameters = (
        f"{name} : {_base_unit(p.unit)} (constant{'' if name in names else ', shared'})"
        for name, p in declaration.parameters.items()
    )
    return "\n".join(filter(None, (declaration.complete_equations, context, *parameters)))


def _base_unit(unit: str) -> str:
    """Return how Brian2 names the dimension of a unit in equations."""
    if unit in ("1", INTEGER):
        return unit
    load()
    from brian2.units.fundamentalunits import get_dimensions, get_unit

    return repr(get_unit(get_dimensions(quantity(1.0, unit))))


def group(
    declaration: Declaration,
    n: int,
    *,
    per_neuron: Collection[str] | None = None,
    context: str = "",
    **options: Any,
) -> Any:
    """Return a Brian2 NeuronGroup of n units, without the blocks of `step`, `initial` and `events`.

    Parameters are set to their defaults.

    Args:
        declaration: a neuron or fragment.
        n: number of units.
        per_neuron: names of the parameters with a value for each neuron; None means all.
        context: further equations.
        options: for NeuronGroup, in place of what is declared.
    """
    brian2 = load()
    declared = {
        "threshold": declaration.threshold,
        "reset": declaration.reset,
        "refractory": declaration.refractory or False,
        "method": declaration.methods,
        "namespace": brian2_functions(declaration.functions),
    }
    equations = full_equations(declaration, per_neuron, context)
    members = brian2.NeuronGroup(n, equations, **{**declared, **options})
    for name, parameter in declaration.parameters.items():
        setattr(members, name, quantity(parameter.default, parameter.unit))
    return members
