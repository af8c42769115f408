"""Declaration: a neuron, rule or homeostat stated once: Brian2 equations and their meaning.

Fragments (threshold rules, noise, firing conditions) are declared likewise and added to a neuron:
`neuron + fragment` is a neuron again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from math import inf, isfinite
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from neurosim.equations import connections, dimensions, groups
from neurosim.equations.groups import INTEGER, quantity
from neurosim.errors import InputError

SLOTS = {
    "threshold": "threshold_scale = 1 : 1",
    "current": "I_noise = 0*amp : amp",
    "noise": "noise = 0 : 1",
    "condition": "",
}
"""What a neuron leaves open for a fragment, and the equation that stands there without one.

`threshold`: the scale of its threshold above rest. `current`: a current beside its input.
`noise`: what a neuron that counts steps adds to its membrane. `condition`: when it fires.
"""

_NAME = re.compile(r"[a-z][a-z0-9-]*( \+ [a-z][a-z0-9-]*)*")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Parameter:
    """A number that a model needs, with what a reader must know about it."""

    default: float
    unit: str
    """A Brian2 unit like "mV", "1" for a dimensionless number, or "integer"."""
    meaning: str
    low: float = -inf
    """Smallest value allowed, in `unit`."""
    high: float = inf
    """Largest value allowed, in `unit`."""
    varies: bool = False
    """Whether it is an input: it may change in time."""

    def __post_init__(self) -> None:
        if not (isfinite(self.default) and self.low <= self.default <= self.high):
            raise InputError(
                f"parameter default {self.default} {self.unit} lies outside its bounds "
                f"{self.low}..{self.high}"
            )

    def check(self, name: str, values: npt.ArrayLike) -> None:
        """Refuse values of the parameter that are no numbers or lie outside its bounds.

        Args:
            name: how the message calls it.
            values: a number or an array of them, in `unit`.

        Raises:
            InputError: one does; it is named.
        """
        array = np.asarray(values, dtype=float)
        bad = ~np.isfinite(array) | (array < self.low) | (array > self.high)
        if self.unit == INTEGER:
            bad |= array != np.floor(array)
        if bad.any():
            unit = "" if self.unit == "1" else f" {self.unit}"
            allowed = self.bounds or "a number"
            raise InputError(f"{name} is {array[bad].flat[0]:g}{unit}; allowed is {allowed}")

    def numbers(self, name: str, value: Any) -> np.ndarray:
        """Return values of the parameter as floats in `unit`.

        Args:
            name: how a message calls it.
            value: a number or an array of them in `unit`, or a Brian2 quantity.

        Raises:
            InputError: the dimension is another, it is no number or lies outside the bounds.
        """
        if hasattr(value, "dim"):
            factor = quantity(1.0, self.unit)
            if getattr(factor, "dim", None) is not value.dim and not value.dim.is_dimensionless:
                raise InputError(f"{name} is {value}; it needs a quantity like 1 {self.unit}")
            value = np.asarray(value) / float(factor)
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"{name} is {value!r}; give numbers in {self.unit}") from None
        self.check(name, array)
        return array

    @property
    def bounds(self) -> str:
        """The allowed range as text, like "0..15"; empty where everything is allowed."""
        if (self.low, self.high) == (-inf, inf):
            return ""
        if self.high == inf:
            return f">= {self.low:g}"
        if self.low == -inf:
            return f"<= {self.high:g}"
        return f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True, repr=False)
class Declaration:
    """A model or a fragment of one: name, meaning, equations, parameters and reference.

    A neuron leaves slots open, a fragment fills one: `neuron + fragment` is a neuron again.
    Parameters are no part of `equations`: each becomes a constant variable of its unit, so that its
    value can change without a new build. Dimensions are checked when a declaration is made, with
    Brian2; a text that has passed is not checked again.

    Raises:
        InputError: a name is malformed, a parameter is declared twice or never used, or the
            equations do not fit together in their dimensions.
    """

    name: str
    meaning: str
    """One sentence."""
    equations: str
    """Brian2 equations: differential equations, subexpressions and state variables."""
    parameters: Mapping[str, Parameter]
    reference: str
    """Where it comes from, with its DOI."""
    threshold: str | None = None
    """Brian2 condition that makes a spike."""
    reset: str | None = None
    """Abstract code run at a spike."""
    refractory: str | None = None
    """Brian2 expression for the time (or condition) without a further spike."""
    step: Mapping[str, str] = field(default_factory=dict)
    """Abstract code by name, run once each time step in this order."""
    initial: Mapping[str, str] = field(default_factory=dict)
    """Expressions by variable, set in this order at the start; all others start at zero."""
    events: Mapping[str, str] = field(default_factory=dict)
    """Abstract code by name, run for each synapse that transmits, with `_pre` and `_post`."""
    synapse: str = ""
    """Brian2 equations of a synapse's own variables, for `events`."""
    functions: tuple[str, ...] = ()
    """Names of the functions of `neurosim.equations.functions` that the code uses."""
    methods: tuple[str, ...] = ("exact", "rk4", "euler")
    """Brian2's integrators; the first that can do it is taken."""
    slots: tuple[str, ...] = ()
    """Slots that the neuron leaves open, names of `SLOTS`."""
    fills: str = ""
    """The slot that a fragment fills; empty for what stands alone."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Variables of the neuron that a fragment reads, with their units."""
    namespace: Mapping[str, Any] = field(default_factory=dict)
    """Functions, TimedArrays and constants of a script by name, where a model was made there."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(f"model name {self.name!r}: use lower-case letters, digits, hyphens")
        for name in ("parameters", "step", "initial", "events", "needs", "namespace"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        for slot in (*self.slots, *filter(None, [self.fills])):
            if slot not in SLOTS:
                raise InputError(f"{self.name}: slot {slot!r} is not one of {', '.join(SLOTS)}")
        defined, used = set(self.variables), set(_IDENTIFIER.findall(self.code))
        for name in self.parameters:
            if name in defined:
                raise InputError(
                    f"{self.name}: parameter {name!r} is a variable too; state it once"
                )
            if name not in used and f"{name}_post" not in used:
                raise InputError(f"{self.name}: parameter {name!r} is never used; remove it")
        dimensions.check(self)

    def __repr__(self) -> str:
        parameters = ", ".join(self.parameters) or "no parameters"
        role = (
            f"fills {self.fills}" if self.fills else f"open for {', '.join(self.slots) or 'none'}"
        )
        return f"Declaration {self.name} ({parameters}; {role})"

    def plot(self) -> list[Any]:
        """Draw the answer to a step of input, the f-I curve and what moves the threshold.

        Some seconds are simulated. A rule is drawn on the first neuron of the catalogue that takes
        it.

        Returns:
            The axes of a new figure of matplotlib.

        Raises:
            InputError: a neuron has no input that may change in time.
        """
        import matplotlib.pyplot as plt

        page = import_module("neurosim.figures.equation")  # a room above, loaded when used
        return list(page.draw(page.compute(self), plt.figure()).axes)

    def __add__(self, fragment: Declaration) -> Declaration:
        """Return the neuron with the fragment in the slot that it fills.

        Equations, parameters and resets of both are joined, the neuron's first; what the fragment
        does in a step and at the start comes before the neuron's own; a fragment for the slot
        `condition` replaces the neuron's threshold condition.

        Raises:
            InputError: the fragment fills no slot, the neuron does not leave that one open or lacks
                a variable the fragment reads, or both use a name.
        """
        name = f"{self.name} + {fragment.name}"
        if reason := self.misfit(fragment):
            raise InputError(f"{name}: {reason}")
        taken = set(self.parameters) | set(self.variables)
        if clash := sorted(taken & (set(fragment.parameters) | set(fragment.variables))):
            raise InputError(f"{name}: both use {clash[0]!r}; they cannot be composed")
        steps = {f"{fragment.name} {block}": code for block, code in fragment.step.items()}
        return replace(
            self,
            name=name,
            meaning=f"{self.meaning} {fragment.meaning}".strip(),
            equations=f"{self.equations.rstrip()}\n{fragment.equations}",
            parameters={**self.parameters, **fragment.parameters},
            reference="; ".join(dict.fromkeys(filter(None, (self.reference, fragment.reference)))),
            threshold=fragment.threshold or self.threshold,
            reset="\n".join(filter(None, (self.reset, fragment.reset))) or None,
            step={**steps, **self.step},
            initial={**fragment.initial, **self.initial},
            functions=tuple(dict.fromkeys((*self.functions, *fragment.functions))),
            namespace={**self.namespace, **fragment.namespace},
            slots=tuple(slot for slot in self.slots if slot != fragment.fills),
        )

    def misfit(self, fragment: Declaration) -> str:
        """Return why a fragment does not fit onto this neuron; empty if it does."""
        if not fragment.fills:
            return f"{fragment.name} fills no slot; only threshold rules and noise are added"
        if self.fills:
            return f"{self.name} is no neuron; write neuron + rule"
        if fragment.fills not in self.slots:
            offered = ", ".join(self.slots) or "none"
            hint = (
                "" if self.reference else "; from_brian2(..., rest=...) opens a model's threshold"
            )
            return f"it fills the slot {fragment.fills!r}, open are: {offered}{hint}"
        known = set(self.all_variables) | set(self.parameters)
        lacking = sorted(set(fragment.needs) - known)
        return f"{self.name} has no {lacking[0]!r}" if lacking else ""

    def without_refractoriness(self) -> Declaration:
        """Return the same neuron for a refractory time of zero, without the work that one takes.

        Raises:
            InputError: its refractoriness is no parameter that could be zero.
        """
        name = self.refractory
        if name not in self.parameters:
            raise InputError(f"{self.name} has no refractory time to leave out")
        return replace(
            self,
            equations=self.equations.replace("(unless refractory)", ""),
            step={
                block: code.replace("int(not_refractory)*", "") for block, code in self.step.items()
            },
            parameters={key: value for key, value in self.parameters.items() if key != name},
            refractory=None,
        )

    def parameter(self, name: str) -> Parameter:
        """Return a parameter.

        Raises:
            InputError: there is none of that name; all are listed.
        """
        if name not in self.parameters:
            known = ", ".join((*self.parameters, *self.events))
            raise InputError(f"{self.name} has no parameter {name!r}; choose from {known}")
        return self.parameters[name]

    def neurons(
        self,
        n: int,
        *,
        parameters: Mapping[str, Any] | None = None,
        per_neuron: Collection[str] = (),
        **options: Any,
    ) -> Any:
        """Return a complete Brian2 NeuronGroup of n neurons, for use in any Brian2 script.

            group = neurosim.equations.get("lif").neurons(100, I=0.3 * nA, v="E_L + 5*mV*rand()")
            monitor = SpikeMonitor(group)
            run(1 * second)

        Everything declared is in it: parameters, initial values, the blocks of `step` in their
        order, refractoriness, functions. It works on all targets of Brian2, in a Network or by
        `run()`. Steps run in the slot "groups" after the state update. With the same seed it gives
        the spikes that `simulate` gives on the same target.

        Args:
            n: number of neurons.
            parameters: values by name, like `options`: for names that Python or `neurons` uses.
            per_neuron: parameters that shall have a value for each neuron though one number is
                given here; others that are numbers are shared by all neurons, which is faster.
                Inputs (`I`, `mu`) always have one for each.
            options: values by name. Of a parameter: a number in its declared unit, a Brian2
                quantity, an array or quantity (n,), an expression of variables as a string (which
                bounds are not checked for), or for an input a TimedArray of (steps,) or (steps, n).
                Of a variable: its initial value, a quantity or an expression. Further options of
                NeuronGroup: name, clock, dt, order, method, namespace, events, dtype.

        Raises:
            InputError: this is a fragment, a name is unknown, or a value has the wrong dimension or
                shape or is out of its bounds.
        """
        if self.fills:
            raise InputError(f"{self.name} is a fragment; add it to a neuron: get('lif') + it")
        return groups.neurons(self, n, parameters=parameters, per_neuron=per_neuron, **options)

    def synapses(
        self,
        pre: Any,
        post: Any,
        event: str | None = None,
        *,
        weight: Any = None,
        delay: Any = None,
        i: Any = None,
        j: Any = None,
        values: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Return connected Brian2 Synapses onto neurons of this model.

            inputs = PoissonGroup(500, rates=8 * Hz)
            links = model.synapses(inputs, group, weight=0.4 * mV, delay=1.5 * ms, p=0.1)

        A presynaptic spike does what the model declares for the event; a source whose neurons
        spike several times in a step (a variable `spikes`) counts as often. Whatever the rule,
        synapses come sorted by their source, on which the speed of a network depends.

        Args:
            pre: group of Brian2 that spikes.
            post: neurons of this model, or of one with the variables that the event changes.
            event: of the model, like "receive"; the only one, or "receive", where left out.
            weight: of the synapses, in the dimension of the model's `w`: a quantity, which all
                share, an array or quantity (synapses,) with i and j, or an expression, like
                "0.1*mV*rand()".
            delay: a time that all share, an array (synapses,) with i and j, or an expression; none
                by default.
            i: (synapses,) sources; or a rule for the sources of each target, like
                "k for k in sample(N_pre, size=80)".
            j: (synapses,) targets; or a rule for the targets of each source.
            values: of further variables of the synapse by name, like `weight`.
            options: condition, p, n, skip_if_invalid as for Brian2's `connect`, all pairs without
                any; name, namespace, method, order, dtype for Synapses.

        Raises:
            InputError: there is no such event, a name is unknown, or a value has the wrong
                dimension or shape.
        """
        return connections.synapses(
            self, pre, post, event, weight=weight, delay=delay, i=i, j=j, values=values, **options
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that the equations define, in their order."""
        return defined_names(self.equations)

    @property
    def complete_equations(self) -> str:
        """The equations with what stands in each open slot by default."""
        defaults = (SLOTS[slot] for slot in self.slots)
        return "\n".join(filter(None, (self.equations, *defaults)))

    @property
    def all_variables(self) -> tuple[str, ...]:
        """Names of all variables of the complete equations, in their order."""
        return defined_names(self.complete_equations)

    @property
    def is_map(self) -> bool:
        """Whether it has no differential equation: its steps are exact and computed as written."""
        return re.search(r"^\s*d\w+/dt", self.equations, re.MULTILINE) is None

    @property
    def code(self) -> str:
        """All equations and code as one text."""
        parts = (self.equations, self.threshold, self.reset, self.refractory)
        blocks = (*self.step.values(), *self.initial.values(), *self.events.values())
        return "\n".join(part for part in (*parts, *blocks) if part)

    def digest(self) -> str:
        """Return a hash of everything that determines the dynamics and their units."""
        content = [
            (f.name, dict(value) if isinstance(value, Mapping) else value)
            for f in fields(self)
            if f.name not in ("name", "meaning", "reference", "namespace")
            for value in (getattr(self, f.name),)
        ]
        content += [(name, _content(value)) for name, value in self.namespace.items()]
        return hashlib.sha256(repr(content).encode()).hexdigest()[:32]


def _content(value: Any) -> str:
    """Return what a digest takes of an object of a script: the numbers of a TimedArray."""
    numbers = getattr(value, "values", None)
    if isinstance(numbers, np.ndarray):
        return f"{hashlib.sha256(numbers.tobytes()).hexdigest()} {numbers.shape} {value.dt}"
    return str(getattr(value, "__qualname__", value))


def defined_names(equations: str) -> tuple[str, ...]:
    """Return the names on the left-hand sides of Brian2 equations, in their order."""
    lines = (line.split("#")[0].strip() for line in equations.splitlines())
    left = (re.match(r"d(\w+)/dt\s*=|(\w+)\s*(?:=[^=]|:)", line) for line in lines if line)
    return tuple(m[1] or m[2] for m in left if m)
