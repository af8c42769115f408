"""Run a Plan in the library that was generated and built for its model."""

from __future__ import annotations

import ctypes
import json
from contextlib import closing
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2 import cache, population_source
from neurosim.engines.brian2.simulation import Simulation
from neurosim.engines.engine import ByDigest
from neurosim.equations.functions import TABLE
from neurosim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from neurosim.engines.brian2.plan import Plan
    from neurosim.equations import Declaration

_TYPES: dict[str, type] = {
    "double": np.float64,
    "int32_t": np.int32,
    "int64_t": np.int64,
    "char": np.bool_,
}
_NEVER = -1e4
"""Time of the last spike of a neuron that has not fired, in seconds, as in Brian2."""
_VALUES_AT_ONCE = 2_000_000
"""Steps times neurons between two reports of progress."""


class _Input(ctypes.Structure):
    _fields_ = (
        ("target", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("width", ctypes.c_int64),
    )


class _Train(ctypes.Structure):
    _fields_ = (
        ("event", ctypes.c_int32),
        ("channels", ctypes.c_int64),
        ("counts", ctypes.c_void_p),
        ("weights", ctypes.c_void_p),
    )


class _Monitor(ctypes.Structure):
    _fields_ = (
        ("variable", ctypes.c_int32),
        ("n", ctypes.c_int64),
        ("watched", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
    )


def run(plan: Plan, report: Callable[[int], None]) -> Simulation:
    """Run a Plan; `report` is called now and then with the number of steps done.

    Raises:
        InputError: a variable is no longer finite.
        UnavailableError: the library has to be built, and there is no compiler.
    """
    with closing(Population(plan)) as population:
        population.advance(plan.steps, report)
        return population.result()


class Population:
    """The neurons of a Plan in their library, which runs some steps at a time.

    Raises:
        UnavailableError: the library has to be built, and there is no compiler.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._library, self._manifest = _load(ByDigest.of(plan.model), plan.per_neuron)
        self._arrays = _arrays(plan, self._manifest)
        scales = self._manifest["scales"]
        self._courses = {
            name: course if scales[name] == 1 else course * scales[name]
            for name, course in plan.courses.items()
        }
        self.traces: dict[str, np.ndarray] = {
            name: np.empty((plan.steps, len(plan.watched))) for name in plan.record
        }
        """(steps, watched) by variable; as many rows as steps have run are filled."""
        self._weights: dict[str, np.ndarray] = {
            event: np.ascontiguousarray(train.weights, dtype=_TYPES[self._manifest["weights"]])
            for event, train in plan.trains.items()
        }
        self._drives = (
            *_counted(_Input, self._inputs()),
            *_counted(_Train, self._trains()),
            *_counted(_Monitor, self._monitors()),
        )
        self._pointers = (ctypes.c_void_p * len(self._arrays))(
            *(a.ctypes.data for a in self._arrays.values())
        )
        self._handle = self._library.create(
            ctypes.byref(self._pointers), plan.n, plan.dt, plan.seed
        )

    def _inputs(self) -> list[_Input]:
        return [
            _Input(
                self._arrays[f"_array_neurons_{name}"].ctypes.data,
                course.ctypes.data,
                course.shape[1],
            )
            for name, course in self._courses.items()
        ]

    def _trains(self) -> list[_Train]:
        return [
            _Train(
                self._manifest["events"].index(event),
                len(train.weights),
                train.counts.ctypes.data,
                self._weights[event].ctypes.data,
            )
            for event, train in self.plan.trains.items()
        ]

    def _monitors(self) -> list[_Monitor]:
        return [
            _Monitor(
                self._manifest["record"].index(name),
                len(self.plan.watched),
                self.plan.watched.ctypes.data,
                trace.ctypes.data,
            )
            for name, trace in self.traces.items()
        ]

    def for_circuit(self) -> dict[str, Any]:
        """Return handle, functions, inputs and monitors for a circuit that runs these neurons."""
        inputs, n_inputs, _, _, monitors, n_monitors = self._drives
        functions = {
            name: ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value
            for name in ("begin_step", "deliver", "end_step")
        }
        return {
            "handle": self._handle,
            **functions,
            "inputs": ctypes.addressof(inputs),
            "n_inputs": n_inputs,
            "monitors": ctypes.addressof(monitors),
            "n_monitors": n_monitors,
        }

    def event(self, name: str) -> int:
        """Return the number of an event whose weights are floats.

        Raises:
            InputError: they are whole numbers.
        """
        if self._manifest["weights"] != "double":
            raise InputError(f"{self.plan.model.name} has whole numbers as weights, for one chip")
        return int(self._manifest["events"].index(name))

    def state(self, name: str) -> np.ndarray:
        """Return the values (n,) or (1,) of a variable or parameter, in SI units, to read or write.

        Raises:
            InputError: the library keeps no such variable.
        """
        for array, variable, *_ in self._manifest["arrays"]:
            if variable == name:
                return self._arrays[array]
        kept = ", ".join(variable for _, variable, *_ in self._manifest["arrays"])
        raise InputError(f"{self.plan.model.name} keeps no variable {name!r}; it keeps {kept}")

    def feed(self, name: str, step: int, values: np.ndarray) -> None:
        """Set what an input that changes in time is in a step that has not run.

        It is written into the Plan's own course where that is in the unit of the library.
        """
        self._courses[name][step] = values * self._manifest["scales"][name]

    def spike_count(self) -> int:
        """Return how many spikes there were so far."""
        return _places(self._library, self._handle)[0]

    def advance(self, steps: int, report: Callable[[int], None] = lambda _: None) -> None:
        """Run the next steps; `report` is called now and then with the number done."""
        chunk = max(1, _VALUES_AT_ONCE // self.plan.n)
        for first in range(0, steps, chunk):
            now = min(chunk, steps - first)
            self._library.run(self._handle, now, *self._drives)
            report(now)

    def result(self) -> Simulation:
        """Return what was recorded, when all steps have run.

        Raises:
            InputError: a variable is no longer finite.
        """
        plan, fired = self.plan, _spikes(self._library, self._handle)
        states = {variable: self._arrays[name] for name, variable, *_ in self._manifest["arrays"]}
        plan.refuse_infinite({**states, **self.traces})
        units = {name: self._manifest["units"][name] for name in plan.record}
        return Simulation(plan.n, plan.steps, plan.dt, *fired, self.traces, units, plan.watched)

    def close(self) -> None:
        """Give the library's memory back."""
        self._library.destroy(self._handle)


def _counted(kind: Any, items: list[Any]) -> tuple[Any, int]:
    """Return a C array of structs and its length."""
    return (kind * len(items))(*items), len(items)


def _spikes(library: Any, handle: int) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and neurons of all spikes."""
    count, places = _places(library, handle)
    if count == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    neurons, steps = (np.ctypeslib.as_array(place, (count,)).copy() for place in places)
    return steps, neurons


def _places(library: Any, handle: int) -> tuple[int, list[Any]]:
    """Return the number of spikes, and where their neurons and steps are."""
    places = [ctypes.POINTER(ctypes.c_int64)() for _ in range(2)]
    return int(library.spikes(handle, *map(ctypes.byref, places))), places


def _arrays(plan: Plan, manifest: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays that the library works on, with parameters and Brian2's initial values."""
    arrays = {}
    for name, variable, kind, scalar in manifest["arrays"]:
        array: np.ndarray = np.zeros(1 if scalar else plan.n, dtype=_TYPES[kind])
        if variable in plan.values:
            array[:] = plan.values[variable] * manifest["scales"][variable]
        elif variable == "dt":
            array[:] = plan.dt
        elif variable == "lastspike":
            array[:] = _NEVER
        elif variable == "not_refractory":
            array[:] = True
        elif variable == "i":
            array[:] = np.arange(plan.n)
        arrays[name] = array
    return arrays


@lru_cache(maxsize=256)
def _load(key: ByDigest[Declaration], per_neuron: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """Return the library of a model and what there is to know of it; built if need be."""
    functions = [TABLE[name].cpp for name in key.model.functions]
    name = cache.key("population", key.digest, repr(per_neuron), *functions)
    built = cache.library(name, partial(population_source.files, key.model, per_neuron))
    manifest = json.loads(built.with_name("manifest.json").read_text())
    library = ctypes.CDLL(str(built))
    library.create.restype = ctypes.c_void_p
    library.create.argtypes = (
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_double,
        ctypes.c_uint32,
    )
    library.destroy.argtypes = (ctypes.c_void_p,)
    library.run.argtypes = (
        ctypes.c_void_p,
        ctypes.c_int64,
        *(ctypes.c_void_p, ctypes.c_int64) * 3,
    )
    library.spikes.restype = ctypes.c_int64
    library.spikes.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return library, manifest
