"""A study: a grid of cases times seeds, and a function that measures one case."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from neurosim.errors import InputError, UnavailableError

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import RenderableType

Case = dict[str, Any]
Row = dict[str, Any]
Training = dict[str, Any]
"""Settings of `TrainConfig` that a study changes for all its nets alike."""
Only = Mapping[str, Sequence[str]]


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
    units: Mapping[str, str]
    """Unit of every other column; these are the results."""
    index: tuple[str, ...] = ()
    """Columns that name a row: axes of the grid, "seed", and axes that the rows add; without those
    if left out."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Given to every case alike."""
    seeds: int = 3
    fast: Mapping[str, Any] = field(default_factory=dict)
    """What a fast run takes instead: axes by sequences, settings by values, `seeds`."""
    show: Callable[[xr.Dataset], RenderableType] | None = None
    """Makes a table of the results for the terminal."""
    user_files: tuple[str, Mapping[str, str]] | None = None
    """An axis whose values name data that the user brings, and for each value the set's name in
    `neurosim data list`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", self.index or (*self.grid, "seed"))

    def cases(
        self, seeds: int | None = None, *, fast: bool = False, only: Only | None = None
    ) -> list[Case]:
        """Return all cases, seeds in the outer loop: a study cut short is complete for some.

        Args:
            seeds: number of seeds; the study's own when left out.
            fast: the small version.
            only: values of some axes, as text; the others are left out.

        Raises:
            InputError: `seeds` is below 1, or `only` names what the grid does not have.
        """
        change = dict(self.fast) if fast else {}
        count = seeds if seeds is not None else change.get("seeds", self.seeds)
        if count < 1:
            raise InputError(f"seeds is {count}; a study needs at least one")
        grid = {axis: change.get(axis, values) for axis, values in self.grid.items()}
        for axis, texts in (only or {}).items():
            known = {_text(value): value for value in grid.get(axis, ())}
            unknown = [text for text in texts if text not in known]
            if unknown or not known:
                whole = "; ".join(f"{k}={','.join(map(_text, v))}" for k, v in grid.items())
                raise InputError(
                    f"only {axis}={','.join(texts)}: {', '.join(unknown) or axis} is not in the "
                    f"grid of {self.name}: {whole}"
                )
            grid[axis] = [known[text] for text in texts]
        settings = {name: change.get(name, value) for name, value in self.settings.items()}
        return [
            {**settings, **dict(zip(grid, point, strict=True)), "seed": seed}
            for seed in range(count)
            for point in product(*grid.values())
        ]

    def label(self, case: Case) -> Row:
        """Return the part of a case that names its rows."""
        return {name: case[name] for name in (*self.grid, "seed")}

    def look_for_files(self, cases: Sequence[Case]) -> None:
        """Look for the user's files that some cases read, before anything is trained.

        Raises:
            UnavailableError: those of a set are missing.
        """
        if self.user_files is None:
            return
        from neurosim.data import catalogue

        axis, sets = self.user_files
        missing = {}
        for value, name in sets.items():
            try:
                catalogue.find(name)
            except UnavailableError as error:
                missing[value] = str(error)
        lacking = [v for v in dict.fromkeys(case[axis] for case in cases) if v in missing]
        if not lacking:
            return
        text = missing[lacking[0]]
        if others := " and ".join(sets[value] for value in lacking[1:]):
            text += f"; {others} must be brought too: see `neurosim data list`"
        if present := ",".join(value for value in sets if value not in missing):
            text += f"; or run what is there: --only {axis}={present}"
        raise UnavailableError(text)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def key(study: Study, case: Case) -> str:
    """Return the name of a case's file: a hash of the study's name and all values of the case."""
    text = json.dumps([study.name, case], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
