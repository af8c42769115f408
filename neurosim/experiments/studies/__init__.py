"""Both papers' studies: a grid of cases, a function case -> rows, results that survive a kill.

Each study is a file with a STUDY: `neurosim study NAME` runs it, `neurosim claims` judges by it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from neurosim.errors import InputError, nearest

if TYPE_CHECKING:
    from neurosim.experiments.studies.study import Study

PAPERS = ("aspen", "ahsar")


def names() -> tuple[str, ...]:
    """Return the names of all studies."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name.startswith(tuple(f"{p}_" for p in PAPERS))))


def get(name: str) -> Study:
    """Return a study by name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in names():
        raise InputError(f"study {name!r} is not known; {nearest(name, names())}")
    study: Study = import_module(f"{__name__}.{name}").STUDY
    return study
