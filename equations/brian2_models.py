"""A model as users of Brian2 write it, as a declaration."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.equations.declaration import SLOTS, Declaration, Parameter, defined_names
from neurosim.equations.groups import quantity
from neurosim.equations.sandbox import load
from neurosim.errors import InputError

METHODS = ("exact", "euler", "heun")
"""The integrators that Brian2 tries where none is named."""

_USUAL = {
    "amp": "nA",
    "farad": "pF",
    "ohm": "Mohm",
    "second": "ms",
    "siemens": "nS",
    "volt": "mV",
}
"""Units of a zero, which has none of its own."""

_IN_GROUPS = ("N", "dt", "i", "lastspike", "not_refractory", "t", "t_in_timesteps")
"""Names that every group of Brian2 defines."""


def from_brian2(
    equations: Any,
    *,
    threshold: str | None = None,
    reset: str | None = None,
    refractory: Any = False,
    method: str | Sequence[str] | None = None,
    namespace: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    inputs: Iterable[str] = (),
    rest: Any = None,
    synapse: str = "",
    events: Mapping[str, str] | None = None,
    name: str = "model",
    meaning: str = "",
    reference: str = "",
) -> Declaration:
    """Return the declaration of a model that is written for Brian2's NeuronGroup.

        tau, v_t = 10*ms, -50*mV
        model = from_brian2(
            "dv/dt = (E_L - v + R*I)/tau : volt",
            threshold="v > v_t", reset="v = E_L", refractory=2*ms, rest="E_L",
            namespace={"tau": tau, "v_t": v_t, "E_L": -70*mV, "R": 100*Mohm, "I": 0.3*nA},
            inputs=["I"],
        )
        group = (model + get("stochastic-threshold-per-spike")).neurons(100)

    The numbers that equations and code use become parameters with their value as the default.
    `model.neurons(n)` gives the same spikes as the NeuronGroup that these arguments describe.

    Args:
        equations: as for NeuronGroup, a string or Equations.
        threshold: condition of a spike.
        reset: code run at a spike.
        refractory: a time, or an expression for a time or condition; False for none.
        method: name of an integrator, or several to try in turn; Brian2's choice by default.
        namespace: numbers, quantities, functions and TimedArrays by name; what the caller's
            variables are called by default, as in Brian2.
        initial: by variable, quantities or expressions at the start; all others start at zero.
        inputs: parameters that may change in time, like an input current.
        rest: the potential from which a threshold counts, as a name, expression or quantity: opens
            the model for threshold rules and, if there is a threshold "v > level", for conditions
            (escape noise). Without it a dimensionless threshold counts from 0, and one with a unit
            is open only where `threshold_scale` stands in the equations. `I_noise` (amp) and
            `noise` (a number) in the equations open it for these slots.
        synapse: Brian2 equations of a synapse's variables, for `events`.
        events: code by name, run for each synapse that transmits, like "g_post += w".
        name: lower-case letters, digits and hyphens.
        meaning: one sentence.
        reference: where it comes from.

    Raises:
        InputError: a name is defined nowhere, or the equations do not fit.
    """
    brian2 = load()
    if namespace is None:
        from brian2.core.namespace import get_local_namespace

        namespace = get_local_namespace(level=1)
    text = _text(brian2, equations)
    rest, constants = _expression(brian2, rest), {}
    refractory, period = _refractory(brian2, refractory, text)
    if period is not None:
        constants[refractory] = period
    events = dict(events or {})
    starts = {key: str(_expression(brian2, value)) for key, value in (initial or {}).items()}
    code = (threshold, reset, refractory, rest, *events.values(), *starts.values())
    used = _used(brian2, name, text, synapse, [part for part in code if part])
    if threshold is not None:
        text, threshold, slots = _opened(brian2, text, threshold, rest, used)
    else:
        slots = ()
    slots += tuple(slot for slot in SLOTS if _slot_variable(slot) in used and slot not in slots)
    used -= {_slot_variable(slot) for slot in slots}
    for identifier in sorted(used):
        if identifier not in constants:
            constants[identifier] = _looked_up(name, identifier, namespace)
    parameters, objects = _sorted_out(brian2, constants, set(inputs))
    if missing := sorted(set(inputs) - set(parameters)):
        known = ", ".join(parameters) or "none"
        raise InputError(f"{name}: input {missing[0]!r} is no parameter; there are {known}")
    return Declaration(
        name=name,
        meaning=meaning,
        equations=text,
        parameters=parameters,
        reference=reference,
        threshold=threshold,
        reset=reset,
        refractory=refractory,
        initial=starts,
        events=events,
        synapse=synapse,
        methods=METHODS if method is None else (method,) if isinstance(method, str) else (*method,),
        slots=slots,
        namespace=objects,
    )


def _text(brian2: Any, equations: Any) -> str:
    """Return equations as text with one on each line."""
    if isinstance(equations, str):
        parsed = _parsed(brian2, equations)
        if set(defined_names(equations)) == set(parsed):
            return equations
    elif isinstance(equations, brian2.Equations):
        parsed = equations
    else:
        raise InputError(f"equations are {equations!r}; give a string or Equations of Brian2")
    lines = []
    for equation in parsed.values():
        name, expression = equation.varname, ""
        if equation.expr is not None:
            expression = f" = {' '.join(equation.expr.code.split())}"
        left = f"d{name}/dt" if equation.type == "differential equation" else name
        kind = {"integer": "integer", "boolean": "boolean"}.get(equation.var_type)
        flags = f" ({', '.join(equation.flags)})" if equation.flags else ""
        lines.append(f"{left}{expression} : {kind or _unit_name(equation)}{flags}")
    return "\n".join(lines)


def _unit_name(equation: Any) -> str:
    return "1" if equation.dim.is_dimensionless else repr(equation.unit)


def _parsed(brian2: Any, equations: str) -> Any:
    """Return Equations of a string.

    Raises:
        InputError: it cannot be parsed.
    """
    from brian2.equations.equations import EquationError

    try:
        return brian2.Equations(equations)
    except (EquationError, SyntaxError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise InputError(f"equations cannot be read: {reason}") from error


def _expression(brian2: Any, value: Any) -> str | None:
    """Return a quantity, number or expression as an expression that gives it to the bit."""
    if value is None or isinstance(value, str):
        return value
    if np.ndim(value):
        raise InputError(f"{value} is an array; give one value here, and arrays to neurons()")
    if isinstance(value, brian2.Quantity) and not value.dim.is_dimensionless:
        from brian2.units.fundamentalunits import get_unit

        return f"{float(value)!r}*{get_unit(value.dim)!r}"
    return repr(float(value))


def _refractory(brian2: Any, refractory: Any, text: str) -> tuple[str | None, Any]:
    """Return the expression of refractoriness, and the time that a name of ours stands for."""
    if refractory is False or refractory is None:
        return None, None
    if isinstance(refractory, str):
        return refractory, None
    if getattr(refractory, "dim", None) is not brian2.second.dim:
        raise InputError(f"refractory is {refractory}; it is a time, like 2*ms, or an expression")
    taken = defined_names(text)
    free = (n for n in ("tau_ref", "refractory_time", "t_refractory") if n not in taken)
    return next(free), refractory


def _used(brian2: Any, name: str, text: str, synapse: str, code: list[str]) -> set[str]:
    """Return the names that equations and code use and neither they nor Brian2 define."""
    from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS, DEFAULT_UNITS
    from brian2.utils.stringtools import get_identifiers

    parsed, of_synapse = _parsed(brian2, text), _parsed(brian2, synapse)
    used = set(parsed.identifiers) | set(of_synapse.identifiers)
    assigned: set[str] = set()
    for block in code:
        used |= get_identifiers(block)
        assigned |= set(re.findall(r"(?m)^\s*(\w+)\s*=(?!=)", block))
    used = {re.sub(r"_(pre|post)$", "", identifier) for identifier in used}
    known = {*parsed, *of_synapse, *assigned, *_IN_GROUPS}
    known |= {*DEFAULT_CONSTANTS, *DEFAULT_FUNCTIONS, *DEFAULT_UNITS, "True", "False"}
    known |= {"and", "or", "not", "if", "else", "spikes"}
    return {n for n in used - known if n != "xi" and not n.startswith("xi_")}


def _slot_variable(slot: str) -> str:
    """Return the name that stands for what fills a slot; none where a condition does."""
    return (defined_names(SLOTS[slot]) or ("",))[0]


def _opened(
    brian2: Any, text: str, threshold: str, rest: str | None, used: set[str]
) -> tuple[str, str, tuple[str, ...]]:
    """Return equations and threshold with the scale of the threshold in them, and open slots."""
    parsed = _parsed(brian2, text)
    scale = _slot_variable("threshold")
    if scale in used or scale in parsed:
        return text, threshold, ()
    comparison = _comparison(threshold)
    if comparison is None or comparison[0] not in parsed:
        if rest is None:
            return text, threshold, ()
        raise InputError(
            f"threshold is {threshold!r}; to count it from rest={rest!r}, write it as "
            "'v > level', or put threshold_scale into it"
        )
    variable, sign, level = comparison
    equation = parsed[variable]
    if rest is None and not equation.dim.is_dimensionless:
        return text, threshold, ()
    unit = _unit_name(equation)
    theta = next(n for n in ("theta", "threshold_now") if n not in parsed and n not in used)
    above = f"({level})" if rest is None else f"(({level}) - ({rest}))"
    foot = "" if rest is None else f"({rest}) + "
    lines = [f"{theta} = {foot}{scale}*{above} : {unit}"]
    slots: tuple[str, ...] = ("threshold",)
    if "depolarisation" not in parsed and "depolarisation" not in used:
        lifted = variable if rest is None else f"({variable} - ({rest}))"
        lines.append(f"depolarisation = {lifted}/{above} : 1")
        slots += ("condition",)
    return "\n".join([text.rstrip(), *lines]), f"{variable} {sign} {theta}", slots


def _comparison(threshold: str) -> tuple[str, str, str] | None:
    """Return variable, sign and level of a threshold like "v > level"; None of another form."""
    try:
        node = ast.parse(threshold.strip(), mode="eval").body
    except SyntaxError:
        return None
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
        return None
    sign = {ast.Gt: ">", ast.GtE: ">="}.get(type(node.ops[0]))
    if sign is None or not isinstance(node.left, ast.Name):
        return None
    return node.left.id, sign, ast.unparse(node.comparators[0])


def _looked_up(name: str, identifier: str, namespace: Mapping[str, Any]) -> Any:
    """Return what a name stands for.

    Raises:
        InputError: nothing, or no number.
    """
    if identifier not in namespace:
        raise InputError(
            f"{name}: {identifier!r} is used and nowhere defined; give it a value in namespace="
            f"{{{identifier!r}: ...}}, or an equation"
        )
    value = namespace[identifier]
    if not callable(value) and np.ndim(value):
        raise InputError(
            f"{name}: {identifier!r} has shape {np.shape(value)}; give one value here, and an "
            f"array to neurons(n, {identifier}=...)"
        )
    return value


def _sorted_out(
    brian2: Any, constants: Mapping[str, Any], inputs: set[str]
) -> tuple[dict[str, Parameter], dict[str, Any]]:
    """Return the parameters among constants, and what stays an object of the script."""
    from brian2.core.namespace import DEFAULT_CONSTANTS

    parameters, objects = {}, {}
    for name, value in constants.items():
        try:
            brian2.Equations(f"{name} : 1")
            allowed = name not in DEFAULT_CONSTANTS
        except (ValueError, SyntaxError):
            allowed = False
        if callable(value) or isinstance(value, bool) or not allowed:
            objects[name] = value
            continue
        number, unit = _number_and_unit(brian2, value)
        parameters[name] = Parameter(number, unit, "", varies=name in inputs)
    return parameters, objects


def _number_and_unit(brian2: Any, value: Any) -> tuple[float, str]:
    """Return a value as a number and the name of its unit, which give it back to the bit."""
    if not isinstance(value, brian2.Quantity) or value.dim.is_dimensionless:
        return float(value), "1"
    from brian2.units.fundamentalunits import get_unit

    best, base = value.get_best_unit(), get_unit(value.dim)
    if float(value) == 0 and repr(base) in _USUAL:
        return 0.0, _USUAL[repr(base)]
    for unit, text in ((best, str(best)), (best, repr(best)), (base, repr(base))):
        number = round(float(value) / float(unit), 12)
        try:
            if float(quantity(number, text)) == float(value):
                return number, text
        except InputError:  # no expression, like "uF / (cm^2)"
            continue
    return float(value), repr(get_unit(value.dim))
