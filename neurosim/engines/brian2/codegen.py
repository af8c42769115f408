"""Let Brian2's code generator translate abstract code to C++, for templates of our own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Array:
    """An array that generated code works on."""

    name: str
    """Its name in C++."""
    variable: str
    """The variable's name in the equations."""
    type: str
    """Its element type in C++."""
    scalar: bool
    """Whether all neurons share one value."""


@dataclass(frozen=True)
class Translation:
    """Blocks of abstract code over one group, in C++."""

    once: Mapping[str, str]
    """Of each block: what runs before its loop."""
    each: Mapping[str, str]
    """Of each block: the body of its loop over the neurons `_idx`."""
    pointers: str
    """Lines that define the units and array names which the code uses."""
    support: tuple[str, ...]
    """Lines that define the functions called."""
    arrays: tuple[Array, ...]
    """All arrays that the pointers need."""


def translate(
    group: Any,
    blocks: Mapping[str, str],
    *,
    extra: Mapping[str, Any] | None = None,
    index: Mapping[str, str] | None = None,
    needed: tuple[str, ...] = (),
    unconditional: Collection[str] = (),
) -> Translation:
    """Translate blocks of abstract code to C++ for Brian2's active standalone device.

    Args:
        group: whose variables and functions the code uses.
        blocks: abstract code by name.
        extra: further Brian2 variables by name.
        index: the C++ index of a variable where it is not `_idx`.
        needed: variables of the group whose arrays are wanted in any case.
        unconditional: names of blocks that write variables even of a refractory neuron.
    """
    from brian2.codegen.generators.cpp_generator import c_data_type
    from brian2.codegen.translation import analyse_identifiers
    from brian2.core.variables import ArrayVariable
    from brian2.devices.device import get_device

    extra = dict(extra or {})
    known = dict(group.variables) | extra
    identifiers = set(needed)
    for code in blocks.values():
        _, used, unknown = analyse_identifiers(code, known, recursive=True)
        identifiers |= used | unknown
    variables = {n: extra[n] for n in identifiers & extra.keys()}
    rest = identifiers - variables.keys()
    variables |= group.resolve_all(sorted(rest), run_namespace={}, user_identifiers=set())
    for variable in list(variables.values()):
        condition = getattr(variable, "conditional_write", None)  # "unless refractory"
        if condition is not None:
            variables[condition.name] = condition
    index = _indices(variables) | dict(index or {})
    once: dict[str, str] = {}
    each: dict[str, str] = {}
    for always in (False, True):
        chosen = {name: code for name, code in blocks.items() if (name in unconditional) == always}
        generator = _generator(group, variables, index, always)
        before, loop, keywords = generator.translate(chosen, dtype=float)
        once |= {name: "\n".join(lines) for name, lines in before.items()}
        each |= {name: "\n".join(lines) for name, lines in loop.items()}
    arrays = {
        get_device().get_array_name(v, access_data=False): v
        for v in variables.values()
        if isinstance(v, ArrayVariable)
    }
    return Translation(
        once={name: once[name] for name in blocks},
        each={name: each[name] for name in blocks},
        pointers="\n".join((*_constants(variables), *sorted(keywords["pointers_lines"]))),
        support=tuple(keywords["support_code_lines"]),
        arrays=tuple(
            Array(name, v.name, c_data_type(v.dtype), bool(v.scalar))
            for name, v in sorted(arrays.items())
        ),
    )


def _constants(variables: Mapping[str, Any]) -> list[str]:
    """Return lines that define the units which the code uses."""
    from brian2.core.variables import Constant

    return [
        f"const double {name} = {float(v.value)!r}; (void){name};"
        for name, v in sorted(variables.items())
        if isinstance(v, Constant) and name != "N"
    ]


def _generator(
    group: Any, variables: dict[str, Any], index: Mapping[str, str], always: bool
) -> Any:
    """Return Brian2's generator of C++.

    Args:
        group: whose code it writes.
        variables: all variables that the code uses, by name.
        index: the C++ index of a variable where it is not `_idx`.
        always: whether variables are written even of a refractory neuron.
    """
    from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
    from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

    return CPPCodeGenerator(
        variables,
        defaultdict(lambda: "_idx", index),
        owner=group,
        iterate_all=True,
        codeobj_class=CPPStandaloneCodeObject,
        name=group.name,
        template_name="stateupdate",
        override_conditional_write={"not_refractory"} if always else set(),
        allows_scalar_write=True,
    )


def _indices(variables: Mapping[str, Any]) -> dict[str, str]:
    """Variables shared by all neurons have the index 0."""
    return {name: "0" for name, v in variables.items() if getattr(v, "scalar", False)}


def support_code(*translations: Translation) -> str:
    """Return the functions of several translations, those with most of them defining all.

    Raises:
        AssertionError: one calls a function that no other knows.
    """
    most = max(translations, key=lambda t: len(t.support))
    for translation in translations:
        assert set(translation.support) <= set(most.support), "populations call other functions"
    return "\n".join(most.support)


def template(name: str) -> str:
    """Return the text of a C++ template of this package."""
    return Path(__file__).with_name(name).read_text()


def render(name: str, **values: Any) -> str:
    """Fill the C++ template of that name."""
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    text: str = environment.from_string(template(name)).render(**values)
    return re.sub(r"[ \t]+\n", "\n", text)
