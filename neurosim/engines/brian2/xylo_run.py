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
from neurosim.frozen import unfilled

if TYPE_CHECKING:
    from neurosim.xylo.spec import XyloSpec

_ADDRESS = ctypes.c_void_p
"""Of the first element of an array; typed pointers of ctypes would hold their arrays in cycles."""


class _Weights(ctypes.Structure):
    _fields_ = (("values", _ADDRESS), ("first", _ADDRESS), ("last", _ADDRESS))


@lru_cache
def _model_type(synapses: int) -> type[ctypes.Structure]:
    """Return the C++ struct Model."""
    names = [(p, name) for p, model in models(synapses).items() for name in model.parameters]

    class Model(ctypes.Structure):
        _fields_ = (
            *((n, ctypes.c_int32) for n in ("channels", "hidden", "output")),
            *((n, ctypes.c_int32) for n in ("first_output", "max_input")),
            ("alias", _ADDRESS),
            ("input", _Weights * synapses),
            ("recurrent", _Weights * synapses),
            ("readout", _Weights * 1),
            *((f"{population}_{name}", _ADDRESS) for population, name in names),
        )

    return Model


@lru_cache
def _record_type(synapses: int) -> type[ctypes.Structure]:
    """Return the C++ struct Record."""
    names = [(p, name) for p, model in models(synapses).items() for name in model.variables]

    class Record(ctypes.Structure):
        _fields_ = tuple((f"{population}_{name}", _ADDRESS) for population, name in names)

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
        _ADDRESS,
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
        Of the hidden and the output neurons, arrays (samples, steps, neurons) by variable, in
        memory that nobody can write to any more.
    """
    records = {
        population: {
            name: unfilled((*raster.shape[:2], of.n), np.uint8 if name == "spikes" else np.int16)
            for name in of.model.variables
            if name in record
        }
        for population, of in populations(spec).items()
    }
    _fill(spec, raster, records, threads)
    return list(records.values())


def output_spikes(spec: XyloSpec, raster: np.ndarray, threads: int) -> np.ndarray:
    """Return the output neurons' spikes alone, uint8 (samples, steps, neurons); see `run`."""
    spikes = np.empty((*raster.shape[:2], spec.outputs), np.uint8)
    _fill(spec, raster, {"output": {"spikes": spikes}}, threads)
    return spikes


def _fill(
    spec: XyloSpec, raster: np.ndarray, records: dict[str, dict[str, np.ndarray]], threads: int
) -> None:
    """Run all samples and write what they do into arrays by population and variable."""
    samples, steps, _ = raster.shape
    function, record_type = load(spec.synapses), _record_type(spec.synapses)
    pointed_at: list[np.ndarray] = []
    model = _model(spec, populations(spec), pointed_at)

    def part(first: int, last: int) -> None:
        pointers = {
            f"{population}_{name}": array[first:last].ctypes.data
            for population, arrays in records.items()
            for name, array in arrays.items()
        }
        function(
            model, raster[first:last].ctypes.data, last - first, steps, record_type(**pointers)
        )

    edges = np.linspace(0, samples, min(threads, samples) + 1).astype(int).tolist()
    if len(edges) == 2:
        part(0, samples)
    else:
        with ThreadPoolExecutor(len(edges) - 1) as pool:
            list(pool.map(part, edges[:-1], edges[1:]))


def _model(
    spec: XyloSpec, neurons: dict[str, Neurons], pointed_at: list[np.ndarray]
) -> ctypes.Structure:
    """Return a specification in the memory layout of the library.

    Args:
        spec: the network.
        neurons: its populations.
        pointed_at: takes the arrays to which it points: they must live as long.
    """

    def pointer(array: np.ndarray) -> int:
        pointed_at.append(array)
        return array.ctypes.data

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
