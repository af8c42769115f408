"""The targets that a simulation can run on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from neurosim.engines.brian2 import cache

if TYPE_CHECKING:
    from neurosim.engines.brian2.plan import Plan
    from neurosim.engines.brian2.simulation import Simulation

Report = Callable[[int], None]


@lru_cache
def _fastest() -> str:
    """Return the fastest target there is; without a compiler say so once."""
    if cache.compiler():
        return "library"
    warnings.warn(
        "no C++ compiler found (CXX, g++, clang++): Brian2 runs with numpy, many times slower; "
        "install a compiler",
        stacklevel=4,
    )
    return "numpy"


def choose(target: str) -> str:
    """Return the target that "auto" stands for; any other one stays."""
    return _fastest() if target == "auto" else target


def run(plan: Plan, target: str, threads: int, report: Report) -> Simulation:
    """Run a Plan on a target."""
    if target == "library":
        from neurosim.engines.brian2 import population_run

        return population_run.run(plan, report)
    if target in ("numpy", "cython"):
        from neurosim.engines.brian2 import objects

        return objects.run(plan, target, report)
    from neurosim.engines.brian2 import standalone

    return standalone.run(plan, target, threads, report)


@contextmanager
def progress_of(steps: int, shown: bool) -> Iterator[Report]:
    """Show a progress bar over `steps` steps; call what it returns with the steps done since."""
    if not shown:
        yield lambda _: None
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("simulating", total=steps)
        yield lambda done: bar.advance(task, done)
