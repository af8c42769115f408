"""Simulate neurons of the library and compositions of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import equations
from neurosim.engines.brian2 import cache
from neurosim.engines.brian2.plan import make_plan
from neurosim.engines.brian2.simulation import Simulation

if TYPE_CHECKING:
    from neurosim.engines.brian2.targets import Population
    from neurosim.equations import Declaration


def simulate(
    model: Declaration | str,
    *,
    duration: float,
    n: int = 1,
    dt: float = 1e-4,
    parameters: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    record: Sequence[str] = (),
    watch: Sequence[int] | None = None,
    seed: int | None = None,
    target: str = "auto",
    threads: int = 1,
    progress: bool = False,
) -> Simulation:
    """Simulate n neurons that do not hear each other.

    Args:
        model: a neuron or composition, or a neuron's name.
        duration: time to simulate in seconds.
        n: number of neurons.
        dt: time step in seconds.
        parameters: values by name, in the unit that the model declares (or Brian2 quantities): a
            number, or (n,) one for each neuron.
        inputs: like parameters, for those that may change in time: also (steps, 1) or (steps, n);
            and `Spikes` by event of the model.
        record: names of variables; when and where spikes fall always is.
        watch: numbers of the neurons whose variables are recorded, or a mask (n,); all without.
        seed: of everything random; the same seed gives the same result on the same target.
        target: "library" (C++ built once for a model, any n and duration), "numpy" or "cython"
            (Brian2's runtime), "cpp_standalone" (with OpenMP), "cuda_standalone"; "auto" is
            "library", or "numpy" where there is no compiler.
        threads: of cpp_standalone.
        progress: show a bar.

    Raises:
        InputError: a name is unknown, a value out of bounds or of a wrong shape, or a variable is
            no longer finite.
        KeyboardInterrupt: it was stopped.
        UnavailableError: the target needs what is not installed.
    """
    from neurosim.engines.brian2 import targets

    if isinstance(model, str):
        model = equations.get(model)
    targets.checked(target)
    plan = make_plan(
        model,
        n=n,
        duration=duration,
        dt=dt,
        parameters=parameters or {},
        inputs=inputs or {},
        record=record,
        watch=watch,
        seed=seed,
    )
    if target == "auto" and model.namespace:
        target = "numpy"  # objects of a script are not built and kept
    target = targets.choose(target)
    with targets.progress_of(plan.steps, progress) as report:
        result = targets.run(plan, target, threads, report)
    provenance = {
        "model": model.name,
        "digest": model.digest(),
        "target": target,
        "seed": plan.seed,
        "brian2": cache.brian2_version(),
    }
    return replace(result, provenance=provenance)


@contextmanager
def stepping(
    model: Declaration | str,
    *,
    n: int,
    steps: int,
    dt: float = 1e-4,
    parameters: Mapping[str, Any] | None = None,
    fed: Mapping[str, np.ndarray] | None = None,
    record: Sequence[str] = (),
    seed: int | None = None,
    target: str = "auto",
) -> Iterator[Population]:
    """Yield n neurons that run some steps at a time, so that loops can be closed around them.

    Variables that blow up are not refused; the traces show it.

    Args:
        model: a neuron or composition, or a neuron's name.
        n: number of neurons.
        steps: to run in all.
        dt: time step in seconds.
        parameters: values by name, as for `simulate`.
        fed: (steps, n) by name, those that change in time; `feed` replaces a step's, in the array
            itself or in a copy.
        record: names of variables, whose values are in `traces`.
        seed: of everything random.
        target: "library", "numpy", "cython" or "auto", as for `simulate`.

    Raises:
        InputError: as `simulate`, or the target does not stop between steps.
        UnavailableError: the target needs what is not installed.
    """
    from neurosim.engines.brian2 import targets

    if isinstance(model, str):
        model = equations.get(model)
    plan = make_plan(
        model,
        n=n,
        duration=steps * dt,
        dt=dt,
        parameters=parameters or {},
        inputs=fed or {},
        record=record,
        watch=None,
        seed=seed,
    )
    with targets.population(plan, targets.choose(target)) as population:
        yield population
