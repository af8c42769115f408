"""One file a figure: `compute()` gives arrays, `draw(arrays)` a matplotlib Figure.

What a figure shows is computed as it is drawn, or read from figures/data: the results of the study
of its name (or of `STUDY`), or its `TABLE`, whose rows `measure()` returns.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from neurosim import store
from neurosim.errors import InputError, nearest

if TYPE_CHECKING:
    from rich.console import Console

_NOT_FIGURES = ("equation", "gallery", "panels")
"""The page of a model that `neurosim equations NAME --plot` draws, that of all pictures, and what
draws the figures of studies."""


@cache
def names() -> tuple[str, ...]:
    """Return the names of all figures."""
    files = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in files if name not in _NOT_FIGURES))


def get(name: str) -> ModuleType:
    """Return the module of a figure: TITLE, compute, draw.

    Raises:
        InputError: no figure has that name.
    """
    if name not in names():
        raise InputError(f"figure {name!r} is not known; {nearest(name, names())}")
    return import_module(f"neurosim.figures.{name}")


def findings() -> dict[str, tuple[str, str]]:
    """Return title and paragraph of every figure that states a finding."""
    modules = {name: get(name) for name in names()}
    return {
        name: (module.TITLE, module.FINDING)
        for name, module in modules.items()
        if hasattr(module, "FINDING")
    }


def study_of(name: str) -> str | None:
    """Return the study whose results a figure shows, if it shows one's."""
    from neurosim import studies

    named: str | None = getattr(get(name), "STUDY", None)
    return named or (name if name in studies.names() else None)


def make(name: str, folder: Path) -> list[Path]:
    """Draw a figure from what is stored, or computed now; return the files written."""
    from neurosim import drawing

    figure = get(name)
    return drawing.save(figure.draw(figure.compute()), folder / name)


def draw_results(table: Path) -> list[Path]:
    """Draw the figure of a study beside its results; return the files.

    There is none of a study without a figure, or of a part of the grid that its figure needs more
    of.
    """
    from neurosim import drawing

    if table.stem not in names():
        return []
    figure = get(table.stem)
    try:
        picture = figure.draw(figure.compute(table))
    except KeyError:
        return []
    return drawing.save(picture, table.with_suffix(""))


def measure(name: str, folder: Path) -> Path:
    """Measure the table of a figure that has one, and write it to a folder."""
    figure = get(name)
    command = getattr(figure, "COMMAND", f"neurosim figures {name} --recompute --ship")
    return store.write_table(folder / figure.TABLE, figure.measure(), command=command, digits=6)


def remake(name: str, folder: Path, console: Console, *, ship: bool = False) -> list[Path]:
    """Measure anew what a figure shows, draw it, and return the files written.

    Its study runs in runs/studies, where what was run before is kept; its table goes to `folder`.

    Args:
        name: of the figure.
        folder: of pictures and tables.
        console: where the progress of a study is shown.
        ship: store results and table in figures/data too.
    """
    from neurosim import drawing, studies
    from neurosim.studies import runner

    figure, sources, written = get(name), [], []
    if study := study_of(name):
        chosen = studies.get(study)
        run = runner.run_study(chosen, runner.FULL, ship=ship, draw=draw_results, console=console)
        sources.append(run[0])
    if hasattr(figure, "TABLE"):
        table = measure(name, folder)
        if ship:
            store.write_text(store.shipped() / figure.TABLE, table.read_text(encoding="utf-8"))
        sources.append(table)
        written.append(table)
    return drawing.save(figure.draw(figure.compute(*sources)), folder / name) + written
