"""The targets that a simulation can run on."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurosim.engines.brian2 import cache
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.engines.brian2.plan import Plan
    from neurosim.engines.brian2.simulation import Simulation

Report = Callable[[int], None]
Run = Callable[[Any, Any], None]
"""Runs a Brian2 network for a duration."""

RUNTIME = ("numpy", "cython")
"""Targets of Brian2's runtime; "cpp_standalone" and "cuda_standalone" build a program."""
TARGETS = ("auto", "library", *RUNTIME, "cpp_standalone", "cuda_standalone")


def checked(target: str) -> str:
    """Return a target.

    Raises:
        InputError: there is no such target.
    """
    if target not in TARGETS:
        raise InputError(f"target {target!r} is not known; choose from {', '.join(TARGETS)}")
    return target


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
    """Run a Plan on a target.

    Raises:
        InputError: the target keeps what it builds, and the model holds objects of a script.
    """
    if plan.model.namespace and target not in RUNTIME:
        raise InputError(
            f"{plan.model.name} uses {', '.join(plan.model.namespace)} of a script, for which "
            f"nothing can be kept; choose target {' or '.join(map(repr, RUNTIME))}, or run "
            "model.neurons(n) in Brian2"
        )
    if target == "library":
        from neurosim.engines.brian2 import population_run

        return population_run.run(plan, report)
    if target in RUNTIME:
        from neurosim.engines.brian2 import objects

        return objects.run(plan, target, report)
    from neurosim.engines.brian2 import standalone

    return standalone.run(plan, target, threads, report)


class Population(Protocol):
    """Neurons that run some steps at a time: what they receive may follow from what they did."""

    @property
    def traces(self) -> Mapping[str, np.ndarray]:
        """(steps, watched) by variable; as many rows as steps have run are filled."""
        ...

    def feed(self, name: str, step: int, values: np.ndarray) -> None:
        """Set what an input that changes in time is in a step that has not run."""
        ...

    def advance(self, steps: int) -> None:
        """Run the next steps."""
        ...


@contextmanager
def population(plan: Plan, target: str) -> Iterator[Population]:
    """Yield the neurons of a Plan, before their first step.

    Raises:
        InputError: the target runs programs, which do not stop between steps.
    """
    if target == "library":
        from neurosim.engines.brian2 import population_run

        with closing(population_run.Population(plan)) as library:
            yield library
        return
    if target not in RUNTIME:
        raise InputError(f"target {target!r} does not stop between steps; choose library or numpy")
    from neurosim.engines.brian2 import objects
    from neurosim.equations import sandbox

    with sandbox.sandbox(target=target, as_written=plan.model.is_map):
        yield objects.Population(plan)


@contextmanager
def session(target: str, as_written: bool = False, threads: int = 1) -> Iterator[Run]:
    """Enter a sandbox for Brian2 objects of one network, and yield what runs it on a target.

    Monitors are read inside. A standalone target builds a program for this one network.

    Args:
        target: of Brian2's runtime, or a standalone one.
        as_written: keep the order of operations.
        threads: of cpp_standalone.

    Raises:
        InputError: there is no such target for objects.
        UnavailableError: the target needs what is not installed.
    """
    from neurosim.equations import sandbox

    if target in RUNTIME:
        with sandbox.sandbox(target=target, as_written=as_written):
            yield sandbox.run
        return
    from neurosim.engines.brian2 import standalone

    if target not in standalone.TARGETS:
        known = ", ".join((*RUNTIME, *standalone.TARGETS))
        raise InputError(f"target {target!r} is not known; choose from {known}")
    with (
        tempfile.TemporaryDirectory(prefix="neurosim-") as folder,
        standalone.sandbox_of(target, as_written, threads) as device,
    ):

        def run(network: Any, duration: Any) -> None:
            network.run(duration, namespace={})
            standalone.build_and_run(device, Path(folder))

        yield run


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
