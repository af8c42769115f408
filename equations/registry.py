"""All declarations by name."""

from __future__ import annotations

import runpy
from importlib import import_module
from pathlib import Path

from neurosim.equations.declaration import Declaration
from neurosim.errors import InputError

_FAMILIES = (
    "lif",
    "adaptive_lif",
    "nonlinear_if",
    "hodgkin_huxley",
    "lif_map",
    "nir_neuron",
    "loihi",
    "xylo",
    "threshold_rules",
    "noise",
    "homeostasis",
)
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
            for model in value if isinstance(value, tuple) else (value,):
                if isinstance(model, Declaration):
                    register(known, model)
    return known


def register(known: dict[str, Declaration], model: Declaration) -> None:
    """Add a declaration to those known.

    Raises:
        InputError: another one has its name.
    """
    if known.get(model.name, model) is not model:
        raise InputError(f"{model.name!r} is declared twice; rename one. Known: {', '.join(known)}")
    known[model.name] = model


def get(name: str) -> Declaration:
    """Return the declaration of that name.

    Raises:
        InputError: no declaration has that name; all known ones are listed.
    """
    known = declarations()
    if name not in known:
        raise InputError(f"no model is named {name!r}; choose one of {', '.join(known)}")
    return known[name]


def from_file(path: str | Path) -> dict[str, Declaration]:
    """Return the declarations that a Python file makes, by name, in their order.

    The file is run. It may declare models with `Declaration` or `from_brian2`, alone or in tuples.

    Raises:
        InputError: there is no such file, it fails, or it declares nothing of its own.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    shipped = {id(model) for model in declarations().values()}
    try:
        made = runpy.run_path(str(path))
    except Exception as error:  # whatever the file does
        raise InputError(f"{path}: {type(error).__name__}: {error}") from error
    own: dict[str, Declaration] = {}
    for value in made.values():
        for model in value if isinstance(value, tuple | list) else (value,):
            if isinstance(model, Declaration) and id(model) not in shipped:
                register(own, model)
    if not own:
        raise InputError(f"{path} declares no model; give one a name: rule = Declaration(...)")
    return own
