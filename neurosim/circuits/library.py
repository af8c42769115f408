"""Run a circuit in libraries: one for each model, built once, and one that joins them.

The step is Brian2's: state, threshold, synapses, reset. With the same connections, spikes are those
of Brian2's own objects to the bit, whatever the number of threads; only Poisson input draws other
numbers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.circuits import connect_kernels as kernels
from neurosim.circuits.plan import CircuitPlan, GivenSpikes, Link, PoissonInput, PoissonSource
from neurosim.engines.brian2 import cache, population_run
from neurosim.engines.brian2.plan import Plan
from neurosim.engines.brian2.simulation import Simulation
from neurosim.errors import InputError

_STEPS_AT_ONCE = 200
"""Between two reports of progress, and two looks for Ctrl-C."""
_POINTER, _INT64 = ctypes.c_void_p, ctypes.c_int64


class _Population(ctypes.Structure):
    _fields_ = (
        *((name, _POINTER) for name in ("handle", "begin_step", "deliver", "end_step")),
        *((name, _POINTER) for name in ("inputs", "monitors")),
        *((name, _INT64) for name in ("n_inputs", "n_monitors", "n")),
        *((name, _POINTER) for name in ("given_rows", "given_neurons", "chances")),
        ("key", ctypes.c_uint64),
    )


class _Projection(ctypes.Structure):
    _fields_ = (
        ("source", _INT64),
        ("target", _INT64),
        ("event", ctypes.c_int32),
        ("shared", ctypes.c_int32),
        *((name, _POINTER) for name in ("first", "bounds", "targets", "weights", "delays")),
        ("delay", _INT64),
        ("longest", _INT64),
    )


class _Poisson(ctypes.Structure):
    _fields_ = (
        ("target", _INT64),
        ("event", ctypes.c_int32),
        ("weight", ctypes.c_double),
        ("key", ctypes.c_uint64),
        ("table", _POINTER),
        ("entries", _INT64),
        ("course", _POINTER),
    )


class Library:
    """A circuit in its libraries, which runs some steps at a time.

    Raises:
        InputError: a model's weights are no floats.
        UnavailableError: a library has to be built, and there is no compiler.
    """

    def __init__(self, plan: CircuitPlan, threads: int = 1) -> None:
        self.plan, self.threads = plan, threads
        self._library = _load()
        self.populations = [
            population_run.Population(node) if isinstance(node, Plan) else None
            for node in plan.nodes
        ]
        self._edges = np.array(
            [[node.n * k // threads for k in range(threads + 1)] for node in plan.nodes], np.int64
        )
        self._kept: list[Any] = []  # memory that the library reads
        nodes = list(map(self._population, range(len(plan.nodes))))
        links = list(map(self._projection, plan.links))
        inputs = list(map(self._poisson, plan.poissons))
        self._handle = self._library.create(
            *_array(_Population, nodes),
            *_array(_Projection, links),
            *_array(_Poisson, inputs),
            self._keep(self._edges),
            threads,
        )

    def _keep(self, array: np.ndarray) -> int:
        self._kept.append(array)
        return int(array.ctypes.data)

    def _population(self, k: int) -> _Population:
        node, population = self.plan.nodes[k], self.populations[k]
        if population is not None:
            return _Population(n=node.n, **population.for_circuit())
        if isinstance(node, GivenSpikes):
            places = {
                "given_rows": self._keep(node.rows),
                "given_neurons": self._keep(node.neurons.astype(np.int64)),
            }
            return _Population(n=node.n, **places)
        assert isinstance(node, PoissonSource)
        return _Population(n=node.n, chances=self._keep(node.chances), key=_key(node.seed))

    def _event(self, target: int, event: str) -> int:
        population = self.populations[target]
        assert population is not None
        return population.event(event)

    def _projection(self, link: Link) -> _Projection:
        own = len(link.delays) > 1
        if own:
            runs = 1 + int(np.count_nonzero(np.diff(link.delays)))
            runs += len(link.rows)  # at most one more for each source
            first, starts = np.empty(len(link.rows), np.int64), np.empty(runs + 1, np.int64)
            steps = np.empty(runs, np.int32)
            kernels.runs_of(link.rows, link.delays, first, starts, steps)
            starts, steps = starts[: first[-1] + 1].copy(), steps[: first[-1]].copy()
        else:
            first, starts = np.arange(len(link.rows), dtype=np.int64), link.rows
            steps = link.delays
        bounds = np.empty((len(starts) - 1, self.threads + 1), np.int64)
        kernels.shares(starts, link.targets, self._edges[link.target], bounds)
        longest = int(steps.max(initial=0))
        weights = np.ascontiguousarray(link.weights, float)
        return _Projection(
            link.source, link.target, self._event(link.target, link.event), len(weights) == 1,
            self._keep(first), self._keep(bounds), self._keep(link.targets), self._keep(weights),
            self._keep(steps) if own else None, 0 if own else longest, longest,
        )  # fmt: skip

    def _poisson(self, poisson: PoissonInput) -> _Poisson:
        table = poisson_table(poisson.means)
        course = None if poisson.course is None else self._keep(poisson.course.astype(np.int32))
        return _Poisson(
            poisson.target, self._event(poisson.target, poisson.event), poisson.weight,
            _key(poisson.seed), self._keep(table), table.shape[1], course,
        )  # fmt: skip

    def advance(self, steps: int, report: Callable[[int], None] = lambda _: None) -> None:
        """Run the next steps; `report` is called now and then with the number done."""
        for first in range(0, steps, _STEPS_AT_ONCE):
            now = min(_STEPS_AT_ONCE, steps - first)
            self._library.run(self._handle, now)
            report(now)

    def result(self) -> Mapping[str, Simulation]:
        """Return what was recorded, by population, when all steps have run.

        Raises:
            InputError: a variable is no longer finite; its population is named.
        """
        return dict(starmap(self._result, enumerate(self.plan.names)))

    def _result(self, k: int, name: str) -> tuple[str, Simulation]:
        population = self.populations[k]
        if population is not None:
            try:
                return name, population.result()
            except InputError as error:
                raise InputError(f"population {name!r}: {error}") from None
        places = [ctypes.POINTER(_INT64)() for _ in range(2)]
        count = self._library.spikes(self._handle, k, *map(ctypes.byref, places))
        neurons, steps = (
            np.ctypeslib.as_array(place, (count,)).copy() if count else np.zeros(0, np.int64)
            for place in places
        )
        return name, Simulation(self.plan.nodes[k].n, self.plan.steps, self.plan.dt, steps, neurons)

    def close(self) -> None:
        """Give the libraries' memory back."""
        self._library.destroy(self._handle)
        for population in self.populations:
            if population is not None:
                population.close()


def poisson_table(means: np.ndarray) -> np.ndarray:
    """Return (laws, entries) 2^32 P(at most k spikes), for draws of 32 bits.

    What is rarer than 2^-32 is not drawn.
    """
    from scipy.stats import poisson

    most = int(poisson.isf(2.0**-33, means).max(initial=0)) + 1
    shares = poisson.cdf(np.arange(most + 1), np.asarray(means)[:, None])
    table = np.minimum(np.rint(shares * 2.0**32), 2.0**32 - 1).astype(np.uint32)
    table[:, -1] = 2**32 - 1
    return np.ascontiguousarray(table)


def _key(seed: int) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def _array(kind: Any, items: list[Any]) -> tuple[Any, int]:
    return (kind * len(items))(*items), len(items)


@lru_cache
def _load() -> Any:
    """Return the library that joins populations; built if need be."""
    source = Path(__file__).with_name("circuit.cpp").read_text()
    built = cache.library(cache.key("circuit", source), lambda: {"source.cpp": source})
    library = ctypes.CDLL(str(built))
    library.create.restype = _POINTER
    library.create.argtypes = (*(_POINTER, _INT64) * 3, _POINTER, _INT64)
    library.destroy.argtypes = (_POINTER,)
    library.run.argtypes = (_POINTER, _INT64)
    library.spikes.restype = _INT64
    library.spikes.argtypes = (_POINTER, _INT64, _POINTER, _POINTER)
    return library
