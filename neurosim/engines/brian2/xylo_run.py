"""Run a XyloSpec in a library whose arithmetic Brian2 generated from the declared equations."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2 import cache, xylo_source
from neurosim.engines.brian2.xylo_parameters import (
    Neurons,
    alias_targets,
    models,
    populations,
    weights,
)
from neurosim.engines.engine import Records
from neurosim.equations.functions import TABLE
from neurosim.equations.xylo import MAX_INPUT

if TYPE_CHECKING:
    from neurosim.xylo.spec import XyloSpec

_INT16: Any = ctypes.POINTER(ctypes.c_int16)
_INT32: Any = ctypes.POINTER(ctypes.c_int32)
_UINT8: Any = ctypes.POINTER(ctypes.c_uint8)
_POINTERS = {
    np.dtype(np.int16): _INT16,
    np.dtype(np.int32): _INT32,
    np.dtype(np.uint8): _UINT8,
}


class _Weights(ctypes.Structure):
    _fields_ = (("values", _INT16), ("first", _INT32), ("last", _INT32))


@lru_cache
def _model_type(synapses: int) -> type[ctypes.Structure]:
    """Return the C++ struct Model."""
    names = [(p, name) for p, model in models(synapses).items() for name in model.parameters]

    class Model(ctypes.Structure):
        _fields_ = (
            *((n, ctypes.c_int32) for n in ("channels", "hidden", "output")),
            *((n, ctypes.c_int32) for n in ("first_output", "max_input")),
            ("alias", _INT32),
            ("input", _Weights * synapses),
            ("recurrent", _Weights * synapses),
            ("readout", _Weights * 1),
            *((f"{population}_{name}", _INT16) for population, name in names),
        )

    return Model


@lru_cache
def _record_type(synapses: int) -> type[ctypes.Structure]:
    """Return the C++ struct Record."""
    names = [(p, name) for p, model in models(synapses).items() for name in model.variables]

    class Record(ctypes.Structure):
        _fields_ = tuple(
            (f"{population}_{name}", _UINT8 if name == "spikes" else _INT16)
            for population, name in names
        )

    return Record


_loading = threading.Lock()
"""Held while a library is loaded: its types of structs must be made once."""


def load(synapses: int) -> Any:
    """Return the function `run` of the library for that many synapses; built if need be.

    Raises:
        UnavailableError: it has to be built, and there is no compiler.
    """
    with _loading:
        return _load(synapses)


@lru_cache
def _load(synapses: int) -> Any:
    declared = [model.digest() for model in models(synapses).values()]
    functions = [entry.cpp for entry in TABLE.values()]
    name = cache.key("xylo", *declared, *functions)
    run = ctypes.CDLL(str(cache.library(name, partial(xylo_source.files, synapses)))).run
    run.restype = None
    run.argtypes = (
        ctypes.POINTER(_model_type(synapses)),
        _UINT8,
        *(ctypes.c_int64,) * 2,
        ctypes.POINTER(_record_type(synapses)),
    )
    return run


def run(spec: XyloSpec, raster: np.ndarray, record: tuple[str, ...], threads: int) -> Records:
    """Run all samples, shared out among threads.

    Args:
        spec: the network.
        raster: uint8 (samples, steps, channels), contiguous.
        record: names of variables.
        threads: at most this many at once; they change nothing in the result.

    Returns:
        Of the hidden and the output neurons, arrays (samples, steps, neurons) by variable.
    """
    synapses, (samples, steps, _) = spec.synapses, raster.shape
    function, record_type = load(synapses), _record_type(synapses)
    neurons = populations(spec)
    pointed_at: list[np.ndarray] = []
    model = _model(spec, neurons, pointed_at)
    records = {
        population: {
            name: np.empty((samples, steps, of.n), np.uint8 if name == "spikes" else np.int16)
            for name in of.model.variables
            if name in record
        }
        for population, of in neurons.items()
    }

    def part(first: int, last: int) -> None:
        pointers = {
            f"{population}_{name}": _pointer(array[first:last])
            for population, arrays in records.items()
            for name, array in arrays.items()
        }
        part_of_raster = _pointer(raster[first:last])
        function(model, part_of_raster, last - first, steps, record_type(**pointers))

    edges = np.linspace(0, samples, min(threads, samples) + 1).astype(int).tolist()
    if len(edges) == 2:
        part(0, samples)
    else:
        with ThreadPoolExecutor(len(edges) - 1) as pool:
            list(pool.map(part, edges[:-1], edges[1:]))
    return list(records.values())


def _model(
    spec: XyloSpec, neurons: dict[str, Neurons], pointed_at: list[np.ndarray]
) -> ctypes.Structure:
    """Return a specification in the memory layout of the library.

    Args:
        spec: the network.
        neurons: its populations.
        pointed_at: takes the arrays to which it points: they must live as long.
    """

    def pointer(array: np.ndarray) -> Any:
        pointed_at.append(array)
        return _pointer(array)

    def rows(matrix: np.ndarray) -> _Weights:
        """Return a matrix with the range of each row that is not zero."""
        used = matrix != 0
        width = matrix.shape[1]
        first = np.where(used.any(axis=1), used.argmax(axis=1), 0)
        last = np.where(used.any(axis=1), width - used[:, ::-1].argmax(axis=1), 0)
        return _Weights(pointer(matrix), *(pointer(e.astype(np.int32)) for e in (first, last)))

    aliases = alias_targets(spec)
    matrices = {
        name: (_Weights * len(of_synapses))(*map(rows, of_synapses))
        for name, of_synapses in weights(spec).items()
    }
    values = {
        f"{population}_{name}": pointer(array)
        for population, of in neurons.items()
        for name, array in of.parameters.items()
    }
    channels, _, synapses = spec.weights_in.shape
    return _model_type(synapses)(
        channels=channels,
        hidden=neurons["hidden"].n,
        output=neurons["output"].n,
        first_output=neurons["hidden"].n - len(spec.weights_out),
        max_input=MAX_INPUT,
        alias=None if aliases is None else pointer(aliases),
        **matrices,
        **values,
    )


def _pointer(array: np.ndarray) -> Any:
    return array.ctypes.data_as(_POINTERS[array.dtype])
