"""The threshold of a Brian2 group that a script has already: found, written to, put back."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurosim.equations.groups import assign
from neurosim.equations.sandbox import load, program
from neurosim.errors import InputError

SCALE = "threshold_scale"
NAME = re.compile(r"[A-Za-z_]\w*")


def threshold_variable(group: Any, name: str | None) -> str:
    """Return the variable of a group that its threshold is set by.

    Args:
        group: a NeuronGroup or a part of one.
        name: of the variable; without one the only one that the condition compares with.

    Raises:
        InputError: there is none with a value for each neuron, or several; what was found is
            listed, with what to write.
    """
    condition = owner(group).events.get("spike")
    if condition is None:
        raise InputError(f"{group.name} has no threshold: its neurons do not spike")
    kinds = _kinds(group, condition)
    free = [known for known, kind in kinds.items() if kind == ""]
    if name is not None:
        if name in free:
            return name
        reason = kinds.get(name, "not part of the threshold")
        raise InputError(f"{group.name}: {name!r} is {reason}. {_remedy(group, condition, kinds)}")
    chosen = [SCALE] if SCALE in free else free
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise InputError(
            f"{group.name}: the threshold {condition!r} depends on {', '.join(chosen)}; say which "
            f"one to set, like variable={chosen[0]!r}"
        )
    raise InputError(f"{group.name}: {_remedy(group, condition, kinds)}")


def check_runtime(what: str) -> None:
    """Refuse what a network in Brian2's runtime can do and a program cannot.

    Raises:
        InputError: Brian2 writes a program.
    """
    if program() is not None:
        raise InputError(f"{what}: a program cannot be changed once it is written; build another")


def owner(group: Any) -> Any:
    """Return the NeuronGroup that a group is part of, or the group itself."""
    return getattr(group, "source", group)


def _kinds(group: Any, condition: str) -> dict[str, str]:
    """Return the names that a threshold depends on, and why one cannot be set; "" where it can."""
    brian2 = load()
    equations, kinds = owner(group).equations, {}
    left = [condition]
    while left:
        for name in sorted(set(NAME.findall(left.pop()))):
            if name in kinds or name in brian2.DEFAULT_FUNCTIONS or name in _WORDS:
                continue
            if name not in equations:
                if name not in brian2.DEFAULT_UNITS and name not in group.variables:
                    kinds[name] = "a constant of the script"
                continue
            equation = equations[name]
            if equation.type == "subexpression":
                kinds[name] = "an expression of other variables"
                left.append(equation.expr.code)
            elif equation.type == "differential equation":
                kinds[name] = "a variable with a differential equation"
            elif "shared" in equation.flags:
                kinds[name] = "shared by all neurons"
            else:
                kinds[name] = ""
    return kinds


_WORDS = ("and", "or", "not", "True", "False", "t", "dt", "i", "N")


def _remedy(group: Any, condition: str, kinds: dict[str, str]) -> str:
    names = "; ".join(f"{name}: {kind or 'can be set'}" for name, kind in kinds.items())
    left = _left(condition) or "v"
    equation = owner(group).equations.get(left)
    unit = "1" if equation is None or equation.dim.is_dimensionless else repr(equation.unit)
    return (
        f"the threshold {condition!r} has no variable with a value for each neuron ({names}). Write"
        f" 'v_th : {unit}' into the equations and '{left} > v_th' as the threshold, and set v_th at"
        " the start; or make the neurons by (model + equations.get('driven-threshold')).neurons(n)"
    )


def _left(condition: str) -> str:
    """Return the variable on the left of a comparison; nothing where there is none."""
    try:
        node = ast.parse(condition.strip(), mode="eval").body
    except SyntaxError:
        return ""
    left = node.left if isinstance(node, ast.Compare) else None
    return left.id if isinstance(left, ast.Name) else ""


class ThresholdSetter:
    """Code of a group that sets its thresholds to rest + scale (base - rest) now and then.

    `base` is the threshold that the group had before, neuron by neuron.

    Args:
        group: a NeuronGroup.
        variable: of the group, that its threshold is set by.
        rest: the potential that the threshold counts from: an expression in variables of the
            group, or a quantity; 0 by default where the variable has no unit.

    Raises:
        InputError: rest is missing or in another dimension, or the group is regulated already.
    """

    def __init__(self, group: Any, variable: str, rest: Any) -> None:
        self.group, self.variable = group, variable
        self._rest = rest_of(group, variable, rest)
        self._base, self._scale = f"{variable}_before", f"{variable}_scale"
        if self._base in group.variables:
            raise InputError(f"{group.name} is regulated already; detach that first")
        self._known = set(group.variables)
        self._objects: list[tuple[Any, Any]] = []
        self._undo: list[Callable[[], None]] = []
        self._code = f"{self._rest} + {self._scale}*({self._base} - {self._rest})"
        dimension = group.variables[variable].dim
        group.variables.add_array(self._base, size=len(group), dimensions=dimension, constant=True)
        assign(group, self._base, variable)

    def follow(self, source: Any, variable: str) -> None:
        """Let each neuron read its scale from a group of as many units."""
        self.refer(self._scale, source, variable)

    def follow_units(
        self, source: Any, variable: str, parts: Sequence[tuple[int, int, int]]
    ) -> None:
        """Let parts of the group, each (start, stop, unit), read their scale from a unit.

        It is done as Brian2's linked variables are. Neurons in no part keep their thresholds.
        """
        units = np.full(len(self.group), -1, dtype=np.int32)
        for start, stop, unit in parts:
            units[start:stop] = unit
        regulated, index = units >= 0, f"{self._scale}_unit"
        self._add_numbers(index, np.maximum(units, 0))
        if not regulated.all():
            self._add_numbers(f"{self.variable}_regulated", regulated.astype(np.int32))
            self._code = (
                f"{self.variable}_regulated*({self._code})"
                f" + (1 - {self.variable}_regulated)*{self.variable}"
            )
        self.refer(self._scale, source, variable, index)

    def _add_numbers(self, name: str, values: np.ndarray) -> None:
        """Give the group whole numbers that nothing changes, (neurons,)."""
        self.group.variables.add_array(
            name,
            size=len(values),
            dtype=np.int32,
            constant=True,
            read_only=True,
            values=values.astype(np.int32),
        )

    def refer(self, name: str, source: Any, variable: str, index: str | None = None) -> None:
        """Let the group read a variable of another group by a name of its own."""
        self.group.variables.add_reference(name, source, variable, index=index)

    def every(self, clock: Any, when: str, order: int = 0) -> None:
        """Set the thresholds at each step of a clock."""
        code = f"{self.variable} = {self._code}"
        runner = self.group.run_regularly(code, when=when, order=order, clock=clock)
        self.holds(self.group, runner)

    def holds(self, group: Any, part: Any) -> None:
        """Remember that a part was put into a group, or put it there."""
        brian2 = load()
        if part not in group.contained_objects:
            group.contained_objects.append(part)
        self._objects.append((group, part))
        if isinstance(part, brian2.Synapses):
            # Brian2's programs know of those alone that a network holds by themselves.
            getattr(brian2.get_device(), "synapses", set()).add(part)

    def on_detach(self, undo: Callable[[], None]) -> None:
        """Call something when all is put back."""
        self._undo.append(undo)

    def detach(self) -> None:
        """Give the group the threshold, variables and parts that it had before."""
        assign(self.group, self.variable, self._base)
        for group, part in reversed(self._objects):
            group.contained_objects.remove(part)
        for name in set(self.group.variables) - self._known:
            self.group.variables._variables.pop(name)
            self.group.variables.indices.pop(name, None)
        for undo in self._undo:
            undo()


def rest_of(group: Any, variable: str, rest: Any) -> str:
    """Return the potential that a threshold counts from as an expression.

    Raises:
        InputError: it is missing or in another dimension.
    """
    dimension = group.variables[variable].dim
    if rest is None:
        if dimension.is_dimensionless:
            return "0"
        raise InputError(
            f"{group.name}: say which potential the threshold {variable!r} counts from, "
            f"like rest=-70*mV or rest='E_L'"
        )
    if isinstance(rest, str):
        return f"({rest})"
    if getattr(rest, "dim", dimension if dimension.is_dimensionless else None) is not dimension:
        raise InputError(f"rest is {rest}; it needs the dimension of {variable!r} of {group.name}")
    return f"({float(rest)!r}*{group.variables[variable].unit!r})"
