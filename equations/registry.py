"""All declarations by name."""

from __future__ import annotations

from importlib import import_module

from neurosim.equations.declaration import Declaration

from neurosim.errors import InputError

_FAMILIES = ("xylo",)
"""Modules of this package that declare models, in the order of the catalogue."""


def declarations() -> dict[str, Declaration]:
    """Return all declarations by name, in the order of the catalogue.

    Raises:
        InputError: two declarations have the same name.
    """
    known: dict[str, Declaration] = {}
    for family in _FAMILIES:
        module = import_module(f"neurosim.equations.{family}")
        for value in vars(module).values():
            if isinstance(value, Declaration) and known.get(value.name, value) is not value:
                raise InputError(f"{family}.py declares {value.name!r} a second time; rename one")
            if isinstance(value, Declaration):
                known[value.name] = value
    return known


def get(name: str) -> Declaration:
    """Return the declaration of that name.

    Raises:
        InputError: no declaration has that name; all known ones are listed.
    """
    known = declarations()
    if name not in known:
        raise InputError(f"no model is named {name!r}; choose one of {', '.join(known)}")
    return known[name]
