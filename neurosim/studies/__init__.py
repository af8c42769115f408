"""Both papers' studies: a grid of cases, a function case -> rows, results that survive a kill.

Each study is a file with a STUDY: `neurosim study NAME` runs it, `neurosim claims` judges by it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from neurosim.errors import InputError, nearest

if TYPE_CHECKING:
    from neurosim.studies.study import Study

PAPERS = ("aspen", "ahsar")


def names() -> tuple[str, ...]:
    """Return the names of all studies."""
    files = {
        paper: pkgutil.iter_modules([str(Path(__file__).with_name(paper))]) for paper in PAPERS
    }
    return tuple(
        sorted(
            f"{paper}_{file.name}"
            for paper, found in files.items()
            for file in found
            if not file.name.startswith("_")
        )
    )


def module(name: str) -> ModuleType:
    """Return the file of a study: `aspen_widths` is aspen/widths.py."""
    paper, _, file = name.partition("_")
    return import_module(f"{__name__}.{paper}.{file}")


def get(name: str) -> Study:
    """Return a study by name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in names():
        raise InputError(f"study {name!r} is not known; {nearest(name, names())}")
    return module(name).STUDY
