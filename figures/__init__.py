"""One file a figure: `compute()` gives arrays, `draw(arrays)` a matplotlib Figure."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

from neurosim.errors import InputError

_NOT_FIGURES = ("style", "equation", "intervals")
"""Style sheet, intervals, and the page of a model that `neurosim equations NAME --plot` draws."""


def names() -> tuple[str, ...]:
    """Return the names of all figures."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name not in _NOT_FIGURES))


def get(name: str) -> ModuleType:
    """Return the module of a figure: TITLE, compute, draw.

    Raises:
        InputError: no figure has that name.
    """
    if name not in names():
        raise InputError(f"figure {name!r} is not known; choose from {', '.join(names())}")
    return import_module(f"neurosim.figures.{name}")


def findings() -> dict[str, tuple[str, str]]:
    """Return title and paragraph of every figure that states a finding."""
    modules = {name: get(name) for name in names()}
    return {
        name: (module.TITLE, module.FINDING)
        for name, module in modules.items()
        if hasattr(module, "FINDING")
    }


def make(name: str, folder: Path) -> list[Path]:
    """Compute and draw a figure with its default settings; return the files written."""
    from neurosim.figures import style

    figure = get(name)
    return style.save(figure.draw(figure.compute()), folder / name)
