"""Draw a circuit: connections, weights, delays, parameters and initial values, all of its seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuits import connect_kernels as kernels
from neurosim.circuits.plan import (
    CircuitPlan,
    GivenSpikes,
    Link,
    Node,
    PoissonInput,
    PoissonSource,
)
from neurosim.circuits.rules import Connections, Ends
from neurosim.engines.brian2.plan import Plan, make_plan
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.circuits.circuit import Circuit, PoissonDrive, Population, Projection


def plan(circuit: Circuit, steps: int) -> CircuitPlan:
    """Return the circuit drawn, for a number of steps.

    Raises:
        InputError: a setting is invalid.
    """
    return CircuitPlan(
        circuit.dt,
        steps,
        tuple(p.name for p in circuit.populations),
        tuple(_node(circuit, p, steps) for p in circuit.populations),
        tuple(_link(circuit, k, q) for k, q in enumerate(circuit.projections)),
        tuple(_poisson(circuit, k, d, steps) for k, d in enumerate(circuit.drives)),
    )


def initial_values(circuit: Circuit, population: Population) -> dict[str, np.ndarray]:
    """Return initial values (n,) by variable in SI units, of those that were set.

    Raises:
        InputError: a shape does not fit.
    """
    return {
        name: _values(
            f"initial {name}", value, population.n, _rng(circuit, "initial", population.name, name)
        )
        for name, value in population.settings.get("initial", {}).items()
    }


def _seed(circuit: Circuit, *parts: Any) -> int:
    text = "\0".join(map(str, parts)).encode()
    entropy = [circuit.seed, *np.frombuffer(text, np.uint8)]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def _rng(circuit: Circuit, *parts: Any) -> np.random.Generator:
    return np.random.default_rng(_seed(circuit, *parts))


def _node(circuit: Circuit, population: Population, steps: int) -> Node:
    settings = population.settings
    if population.model is not None:
        return neurons(circuit, population, steps, settings["inputs"])
    if "rates" in settings:
        chances = np.ascontiguousarray(settings["rates"] * circuit.dt)
        return PoissonSource(population.n, chances, _seed(circuit, "source", population.name))
    at = np.rint(settings["times"] / circuit.dt).astype(np.int64)
    order = np.lexsort((settings["neurons"], at))
    order = order[at[order] < steps]
    rows = np.zeros(steps + 1, np.int64)
    np.cumsum(np.bincount(at[order], minlength=steps), out=rows[1:])
    return GivenSpikes(population.n, rows, settings["neurons"][order])


def neurons(
    circuit: Circuit, population: Population, steps: int, inputs: Mapping[str, Any]
) -> Plan:
    """Return the neurons of a population with a model, as they are without synapses."""
    settings, model = population.settings, population.model
    assert model is not None
    parameters = {
        name: value.rvs(size=population.n, random_state=_rng(circuit, population.name, name))
        if hasattr(value, "rvs")
        else value
        for name, value in settings["parameters"].items()
    }
    return make_plan(
        model,
        n=population.n,
        duration=steps * circuit.dt,
        dt=circuit.dt,
        parameters=parameters,
        inputs=inputs,
        record=settings["record"],
        watch=settings["watch"],
        seed=_seed(circuit, "neurons", population.name),
    )


def _link(circuit: Circuit, k: int, projection: Projection) -> Link:
    pre, post = projection.pre, projection.post
    ends = Ends(pre.n, post.n, pre is post, pre.positions, post.positions)
    drawn = projection.rule.draw(ends, _seed(circuit, "connections", k))
    label = f"{pre.name} -> {post.name}"
    weights = _of_synapses(circuit, k, f"{label}: weight", projection.weight, drawn)
    delays = _of_synapses(circuit, k, f"{label}: delay", projection.delay, drawn)
    if not (np.isfinite(weights).all() and np.isfinite(delays).all() and (delays >= 0).all()):
        raise InputError(f"{label}: a weight or delay is not finite, or a delay below 0 s")
    steps = np.floor(delays / circuit.dt + 0.5).astype(np.int32)
    targets = drawn.targets
    if len(steps) > 1:
        if (steps == steps[0]).all():
            steps = steps[:1]
        else:
            longest = int(np.diff(drawn.rows).max(initial=0))
            own = weights if len(weights) > 1 else np.zeros(0)
            kernels.by_delay(drawn.rows, targets, own, steps, np.empty(longest, np.int64))
    return Link(
        circuit.populations.index(pre),
        circuit.populations.index(post),
        projection.event,
        drawn.rows,
        targets,
        weights,
        steps,
    )


def _of_synapses(circuit: Circuit, k: int, name: str, value: Any, drawn: Connections) -> np.ndarray:
    """Return a value of synapses, (synapses,) or (1,), in SI units."""
    count = len(drawn.targets)
    if hasattr(value, "rvs"):
        return np.asarray(value.rvs(size=count, random_state=_rng(circuit, name, k)), float)
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; give a number, array or law") from None
    if array.ndim == 0:
        return array[None].copy()
    if drawn.order is None or array.shape != (count,):
        raise InputError(f"{name} has shape {array.shape}; arrays are for `pairs`, ({count},) here")
    return np.ascontiguousarray(array[drawn.order])


def _poisson(circuit: Circuit, k: int, drive: PoissonDrive, steps: int) -> PoissonInput:
    rates = drive.rate
    if rates.ndim and rates.shape != (steps,):
        raise InputError(f"poisson: rate has shape {rates.shape}; it needs ({steps},)")
    laws, course = np.unique(np.atleast_1d(rates), return_inverse=True)
    return PoissonInput(
        circuit.populations.index(drive.post),
        drive.event,
        float(drive.weight),
        laws * circuit.dt,
        course if rates.ndim else None,
        _seed(circuit, "poisson", k),
    )


def _values(name: str, value: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) values in SI units of a number, array or law."""
    array = np.asarray(value.rvs(size=n, random_state=rng) if hasattr(value, "rvs") else value)
    if array.shape not in ((), (n,)) or array.dtype.kind not in "fiub":
        raise InputError(f"{name} is {value!r}; give a number, ({n},) of them, or a law")
    return np.broadcast_to(array.astype(float), (n,))
