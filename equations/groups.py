"""Declarations as Brian2 groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.equations.functions import brian2_functions
from neurosim.equations.sandbox import load, program
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

    Parameters are set to their defaults. `neurons` gives the complete group.

    Args:
        declaration: a neuron or fragment.
        n: number of units.
        per_neuron: names of the parameters with a value for each neuron; None means all.
        context: further equations.
        options: for NeuronGroup, in place of what is declared; a namespace is added to it.
    """
    brian2 = load()
    declared = {
        "threshold": declaration.threshold,
        "reset": declaration.reset,
        "refractory": declaration.refractory or False,
        "method": declaration.methods,
    }
    namespace = {
        **brian2_functions(declaration.functions),
        **declaration.namespace,
        **(options.pop("namespace", None) or {}),
    }
    equations = full_equations(declaration, per_neuron, context)
    options = {**declared, **options, "namespace": namespace}
    members = brian2.NeuronGroup(n, equations, **options)
    for name, parameter in declaration.parameters.items():
        assign(members, name, quantity(parameter.default, parameter.unit))
    return members


def assign(members: Any, name: str, value: Any) -> None:
    """Set a variable of a group: a quantity, an array (n,), or an expression of its own variables.

    It is done past the group's attributes, which `spikes` and others have names of, and looks for
    no name among the local variables of whoever calls.
    """
    from brian2.units.fundamentalunits import DimensionMismatchError

    variable = members.variables[name]
    view = variable.get_addressable_value_with_unit(name, members)
    try:
        view.set_item(slice(None), value, namespace={})
    except (DimensionMismatchError, KeyError, SyntaxError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name} = {value}: {reason}") from error


def complete(
    members: Any,
    declaration: Declaration,
    settings: Mapping[str, Any],
    *,
    before_initial: Callable[[], None] = lambda: None,
    initial: Mapping[str, Any] | None = None,
    steps: bool = True,
) -> None:
    """Give a bare group its values, inputs that change in time, initial values and steps.

    Args:
        members: what `group` returns.
        declaration: that the group was made of.
        settings: by parameter, a Brian2 quantity, number or expression, or a TimedArray.
        before_initial: called when all is there but the initial values.
        initial: by variable, in this order; without those declared.
        steps: whether to add the blocks of `step`.
    """
    courses = {}
    for name, value in settings.items():
        if hasattr(value, "values") and hasattr(value, "dt"):
            courses[name] = value
        else:
            assign(members, name, value)
    for name, course in courses.items():
        members.namespace[f"course_{name}"] = course
        place = "(t, i)" if course.values.ndim > 1 else "(t)"
        code = f"{name} = course_{name}{place}"
        members.run_regularly(code, when="start", order=-3, clock=members.clock)
    before_initial()
    for name, value in (declaration.initial if initial is None else initial).items():
        assign(members, name, value)
    blocks = declaration.step.values() if steps else ()
    for order, block in enumerate(blocks, start=members.order + 1):
        members.run_regularly(block, when="groups", order=order, clock=members.clock)


# --- what `Declaration.neurons` does --------------------------------------------------------------

OPTIONS = (
    "clock",
    "codeobj_class",
    "dt",
    "dtype",
    "events",
    "method",
    "method_options",
    "name",
    "namespace",
    "order",
    "reset",
    "threshold",
)
"""Options of Brian2's NeuronGroup that `neurons` hands on."""

DRAWS: dict[str, Callable[[np.random.Generator], float]] = {
    "rand()": lambda rng: rng.random(),
    "randn()": lambda rng: rng.standard_normal(),
}
"""Initial expressions that a variable shared by all neurons can have in a program.

Brian2's programs leave such a variable at zero where an expression sets it; on a GPU all threads
would. So a number is drawn here.
"""


def neurons(
    declaration: Declaration,
    n: int,
    *,
    parameters: Mapping[str, Any] | None = None,
    per_neuron: Collection[str] = (),
    context: str = "",
    steps: bool = True,
    **options: Any,
) -> Any:
    """Return a complete Brian2 NeuronGroup; `Declaration.neurons` says how it is used.

    Args:
        declaration: a neuron, or a fragment that reads no other variables.
        n: number of neurons.
        parameters: values by name.
        per_neuron: names of parameters with a value for each neuron.
        context: further equations.
        steps: whether the blocks of `step` are in it; else the caller adds them.
        options: values by name, and options of NeuronGroup.
    """
    load()
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"n is {n}; it is a whole number >= 1")
    known = (*declaration.parameters, *declaration.all_variables)
    given = {**(parameters or {}), **{k: v for k, v in options.items() if k in known}}
    options = {name: value for name, value in options.items() if name not in known}
    for name in (*given, *per_neuron):
        if name not in known:
            raise InputError(_unknown(declaration, name))
    for name in options:
        if name not in OPTIONS:
            raise InputError(_unknown(declaration, name))
    settings = {
        name: _setting(declaration, name, value, int(n))
        for name, value in given.items()
        if name in declaration.parameters
    }
    own = {name for name, p in declaration.parameters.items() if p.varies or name in per_neuron}
    own |= {name for name, value in settings.items() if isinstance(value, str) or np.ndim(value)}
    if declaration.threshold and not (declaration.reset or declaration.refractory):
        options.setdefault("reset", "")  # a step resets it; Brian2 warns of neurons without either
    initial = {
        **declaration.initial,
        **{
            name: _initial(declaration, name, value, int(n))
            for name, value in given.items()
            if name not in declaration.parameters
        },
    }
    members = group(declaration, int(n), per_neuron=own, context=context, **options)
    complete(members, declaration, settings, initial=_drawn(members, initial), steps=steps)
    return members


def _unknown(declaration: Declaration, name: str) -> str:
    names = (*declaration.parameters, *settable(declaration))
    close = get_close_matches(name, names, 1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return (
        f"{declaration.name} has no parameter {name!r}{hint}; parameters: "
        f"{', '.join(declaration.parameters) or 'none'}; variables with an initial value: "
        f"{', '.join(settable(declaration)) or 'none'}; options of NeuronGroup: "
        f"{', '.join(OPTIONS)}"
    )


def settable(declaration: Declaration) -> tuple[str, ...]:
    """Return the names of the variables that can have an initial value, in their order."""
    defined = _defined(declaration)
    return tuple(n for n in declaration.all_variables if defined[n].type != "subexpression")


def _defined(declaration: Declaration) -> Any:
    """Return Brian2's Equations of a declaration, by variable."""
    return load().Equations(declaration.complete_equations)


def _setting(declaration: Declaration, name: str, value: Any, n: int) -> Any:
    """Return the value of a parameter as Brian2 takes it, checked as far as that is possible."""
    parameter = declaration.parameters[name]
    if isinstance(value, str):
        return value
    if hasattr(value, "values") and hasattr(value, "dt"):  # a TimedArray
        if not parameter.varies:
            varying = ", ".join(k for k, p in declaration.parameters.items() if p.varies) or "none"
            raise InputError(f"{name} does not change in time; those that may are: {varying}")
        if value.dim is not getattr(quantity(1.0, parameter.unit), "dim", value.dim):
            raise InputError(f"{name} is a TimedArray in other units; it needs {parameter.unit}")
        return value
    array = parameter.numbers(name, value)
    if array.shape not in ((), (n,)):
        raise InputError(f"{name} has shape {array.shape}; it needs a number or shape ({n},)")
    if not array.shape:
        return quantity(array.item(), parameter.unit)
    return quantity(array, parameter.unit)


def _initial(declaration: Declaration, name: str, value: Any, n: int) -> Any:
    """Return an initial value of a variable as Brian2 takes it."""
    if name not in settable(declaration):
        raise InputError(f"{name} follows from other variables of {declaration.name}; set those")
    if isinstance(value, str):
        return value
    check_dimension(name, value, _defined(declaration)[name])
    if np.shape(value) not in ((), (n,)):
        raise InputError(f"{name} has shape {np.shape(value)}; it needs a number or shape ({n},)")
    return value


_EXAMPLES = {"volt": "10*mV", "amp": "0.1*nA", "siemens": "1*nS", "second": "10*ms"}


def example(equation: Any) -> str:
    """Return how a value of the dimension of an equation of Brian2 is written."""
    if equation.dim.is_dimensionless:
        return "0.1"
    return _EXAMPLES.get(repr(equation.unit), f"1*{equation.unit!r}")


def check_dimension(name: str, value: Any, equation: Any) -> None:
    """Refuse a value of another dimension than an equation of Brian2 has.

    Raises:
        InputError: it has; the message gives an example.
    """
    dimension = getattr(value, "dim", None)
    if dimension is None and equation.dim.is_dimensionless:
        return
    if dimension is not equation.dim:
        plain = equation.dim.is_dimensionless
        needed = "a plain number" if plain else f"a quantity like {example(equation)}"
        raise InputError(f"{name} is {value}; it needs {needed}")


def _drawn(members: Any, initial: Mapping[str, Any]) -> dict[str, Any]:
    """Return initial values with numbers drawn for what programs cannot draw."""
    device = program()
    if device is None:
        return dict(initial)
    rng = np.random.default_rng(seed_of(device))
    drawn = dict(initial)
    for name, value in initial.items():
        if members.variables[name].scalar and isinstance(value, str):
            if value not in DRAWS:
                raise InputError(
                    f"{name} is shared by all neurons and starts at {value!r}, which programs "
                    "cannot work out; give a number"
                )
            drawn[name] = DRAWS[value](rng)
    return drawn


def seed_of(device: Any) -> int | None:
    """Return the seed that `brian2.seed` last gave to a program; None without one."""
    queue = getattr(device, "main_queue", None) or []
    seeds = [arguments for word, arguments in queue if word == "seed"]
    return seeds[-1] if seeds else None
