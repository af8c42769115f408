"""A study: a grid of cases times seeds, and a function that measures one case."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from neurosim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import RenderableType

Case = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What is measured, for which cases, and how its results are laid out."""

    name: str
    title: str
    measure: Callable[..., list[Row]]
    """measure(**case) -> rows without the case's own values; a function of a module, so that other
    processes find it."""
    grid: Mapping[str, Sequence[Any]]
    """Values of each axis; the cases are their product times the seeds."""
    index: tuple[str, ...]
    """Columns that name a row: axes of the grid, "seed", and axes that the rows add."""
    units: Mapping[str, str]
    """Unit of every other column; these are the results."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Given to every case alike."""
    seeds: int = 3
    fast: Mapping[str, Any] = field(default_factory=dict)
    """What a fast run takes instead: axes by sequences, settings by values, `seeds`."""
    show: Callable[[xr.Dataset], RenderableType] | None = None
    """Makes a table of the results for the terminal."""

    def cases(self, seeds: int | None = None, *, fast: bool = False) -> list[Case]:
        """Return all cases, seeds in the outer loop: a study cut short is complete for some.

        Raises:
            InputError: `seeds` is below 1.
        """
        change = dict(self.fast) if fast else {}
        count = seeds if seeds is not None else change.get("seeds", self.seeds)
        if count < 1:
            raise InputError(f"seeds is {count}; a study needs at least one")
        grid = {axis: change.get(axis, values) for axis, values in self.grid.items()}
        settings = {name: change.get(name, value) for name, value in self.settings.items()}
        return [
            {**settings, **dict(zip(grid, point, strict=True)), "seed": seed}
            for seed in range(count)
            for point in product(*grid.values())
        ]

    def label(self, case: Case) -> Row:
        """Return the part of a case that names its rows."""
        return {name: case[name] for name in (*self.grid, "seed")}


def key(study: Study, case: Case) -> str:
    """Return the name of a case's file: a hash of the study's name and all values of the case."""
    text = json.dumps([study.name, case], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
