"""Run a Plan in the library that was generated and built for its model."""

from __future__ import annotations

import ctypes
import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2 import cache, population_source
from neurosim.engines.brian2.simulation import Simulation
from neurosim.engines.engine import ByDigest
from neurosim.equations.functions import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from neurosim.engines.brian2.plan import Plan, Spikes
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
    library, manifest = _load(ByDigest.of(plan.model), plan.per_neuron)
    arrays = _arrays(plan, manifest)
    pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays.values()))
    courses = {name: c * manifest["scales"][name] for name, c in plan.courses.items()}
    inputs = [
        _Input(arrays[f"_array_neurons_{name}"].ctypes.data, course.ctypes.data, course.shape[1])
        for name, course in courses.items()
    ]
    weights = {event: _weights(train, manifest) for event, train in plan.trains.items()}
    trains = [
        _Train(
            manifest["events"].index(event),
            len(train.weights),
            train.counts.ctypes.data,
            weights[event].ctypes.data,
        )
        for event, train in plan.trains.items()
    ]
    traces = {name: np.empty((plan.steps, len(plan.watched))) for name in plan.record}
    monitors = [
        _Monitor(
            manifest["record"].index(name),
            len(plan.watched),
            plan.watched.ctypes.data,
            trace.ctypes.data,
        )
        for name, trace in traces.items()
    ]
    drives = (*_counted(_Input, inputs), *_counted(_Train, trains), *_counted(_Monitor, monitors))
    handle = library.create(ctypes.byref(pointers), plan.n, plan.dt, plan.seed)
    try:
        chunk = max(1, _VALUES_AT_ONCE // plan.n)
        for first in range(0, plan.steps, chunk):
            steps = min(chunk, plan.steps - first)
            library.run(handle, steps, *drives)
            report(steps)
        fired = _spikes(library, handle)
    finally:
        library.destroy(handle)
    states = {variable: arrays[name] for name, variable, _, _ in manifest["arrays"]}
    plan.refuse_infinite({**states, **traces})
    units = {name: manifest["units"][name] for name in plan.record}
    return Simulation(plan.n, plan.steps, plan.dt, *fired, traces, units, plan.watched)


def _counted(kind: Any, items: list[Any]) -> tuple[Any, int]:
    """Return a C array of structs and its length."""
    return (kind * len(items))(*items), len(items)


def _weights(train: Spikes, manifest: dict[str, Any]) -> np.ndarray:
    return np.ascontiguousarray(train.weights, dtype=_TYPES[manifest["weights"]])


def _spikes(library: Any, handle: int) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and neurons of all spikes."""
    places = [ctypes.POINTER(ctypes.c_int64)() for _ in range(2)]
    count = library.spikes(handle, *map(ctypes.byref, places))
    if count == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    neurons, steps = (np.ctypeslib.as_array(place, (count,)).copy() for place in places)
    return steps, neurons


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
