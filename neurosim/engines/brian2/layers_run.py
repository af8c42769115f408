"""Run a Network in float64, in a library generated from the declared discrete-time neuron.

Brian2 translates the neuron's equations to C++; the template `layers.cpp` has the rest.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2 import cache
from neurosim.engines.brian2.codegen import Translation, render, translate
from neurosim.engines.engine import Records, not_finite
from neurosim.equations.groups import group
from neurosim.equations.lif_map import LIF_MAP, LIF_MAP_TWO_SYNAPSES
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.equations import Declaration
    from neurosim.network import Layer, Network

STATES = ("v_mem", "i_syn", "i_syn_2", "spikes")


def parameters(network: Network, k: int) -> dict[str, np.ndarray]:
    """Return the parameters of layer k by their declared names, float64 (neurons,)."""
    layer = network.layers[k]
    alpha, beta = layer.decays(network.dt)
    values = {
        "alpha": alpha,
        "beta": beta[:, 0],
        "bias": layer.bias,
        "theta_0": layer.threshold,
        "max_spikes": np.full(layer.n_out, layer.max_spikes),
        "I": np.zeros(layer.n_out),
    }
    if network.synapses == 2:
        # A layer with one synapse in a net with two: the second receives nothing.
        values["beta_2"] = beta[:, -1]
    return {name: np.array(value, dtype=float) for name, value in values.items()}


def _matrices(layer: Layer, weight: np.ndarray | None, synapses: int) -> list[np.ndarray | None]:
    """Return a weight matrix (pre, neurons) for each synapse, zero where the layer has fewer."""
    if weight is None:
        return [None] * synapses
    full = np.zeros((*weight.shape[:2], synapses))
    full[:, :, : layer.synapses] = weight.reshape(*weight.shape[:2], -1)
    return [np.ascontiguousarray(full[:, :, s]) for s in range(synapses)]


@lru_cache
def _types(synapses: int) -> tuple[type[ctypes.Structure], type[ctypes.Structure]]:
    """Return the C++ structs Layer and Record."""
    names = list(_neuron(synapses).parameters)

    class Layer(ctypes.Structure):
        _fields_ = (
            ("inputs", ctypes.c_int64),
            ("neurons", ctypes.c_int64),
            ("input", ctypes.c_void_p * synapses),
            ("recurrent", ctypes.c_void_p * synapses),
            *((name, ctypes.c_void_p) for name in names),
        )

    class Record(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_void_p) for name in _states(synapses))

    return Layer, Record


@lru_cache
def _load(synapses: int) -> Any:
    """Return the function `run` of the library; built if need be."""
    name = cache.key("layers", _neuron(synapses).digest())
    run = ctypes.CDLL(str(cache.library(name, partial(_files, synapses)))).run
    run.restype = ctypes.c_int64
    run.argtypes = (
        (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
        + (ctypes.c_int64,) * 2
        + (ctypes.c_void_p,)
    )
    return run


def run(network: Network, raster: np.ndarray, record: tuple[str, ...]) -> Records:
    """Run all samples of a raster, each from a zero state.

    Args:
        network: the layers.
        raster: uint8 (samples, time, channels), contiguous.
        record: names of variables.

    Returns:
        Of each layer, arrays (samples, time, neurons) by variable: spikes in the smallest unsigned
        type that holds `max_spikes`, states float64.

    Raises:
        InputError: a layer has more than two synapses, or its state is no longer finite.
        UnavailableError: the library has to be built, and there is no compiler.
    """
    synapses = network.synapses
    if synapses > 2:
        raise InputError(f"a layer has {synapses} synapses; the brian2 engine runs at most 2")
    function = _load(synapses)
    layer_type, record_type = _types(synapses)
    alive: list[np.ndarray] = []  # what the structs point to

    def pointer(array: np.ndarray | None) -> int | None:
        if array is None:
            return None
        alive.append(array)
        return array.ctypes.data

    structs, records = [], []
    for k, layer in enumerate(network.layers):
        values = {name: pointer(array) for name, array in parameters(network, k).items()}
        matrices = {
            name: (ctypes.c_void_p * synapses)(*map(pointer, _matrices(layer, weight, synapses)))
            for name, weight in (("input", layer.weight), ("recurrent", layer.recurrent))
        }
        structs.append(layer_type(layer.n_in, layer.n_out, **matrices, **values))
        shape = (*raster.shape[:2], layer.n_out)
        records.append(
            {
                name: np.empty(shape, np.uint32 if name == "spikes" else np.float64)
                for name in _states(synapses)
                if name in record
            }
        )
    outputs = [record_type(**{n: pointer(a) for n, a in arrays.items()}) for arrays in records]
    depth = len(structs)
    blown_up = function(
        (layer_type * depth)(*structs),
        depth,
        raster.ctypes.data,
        *raster.shape[:2],
        (record_type * depth)(*outputs),
    )
    if blown_up >= 0:
        raise InputError(not_finite(sample=blown_up // depth, layer=blown_up % depth))
    for layer, arrays in zip(network.layers, records, strict=True):
        arrays["spikes"] = arrays["spikes"].astype(np.min_scalar_type(layer.max_spikes))
    return records


# --- the library ----------------------------------------------------------------------------------


def _neuron(synapses: int) -> Declaration:
    """Return the declaration of a neuron with that many synapses, one or two."""
    return LIF_MAP if synapses == 1 else LIF_MAP_TWO_SYNAPSES


def _states(synapses: int) -> tuple[str, ...]:
    """Return its state variables."""
    return tuple(name for name in _neuron(synapses).variables if name in STATES)


def _files(synapses: int) -> dict[str, str]:
    """Return the C++ of a network whose neurons have that many synapses."""
    from neurosim.equations.sandbox import forget, load, sandbox

    load()
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    model = _neuron(synapses)
    with sandbox(CPPStandaloneDevice(), as_written=True):
        code = _translate(model)
        forget()
    text = render(
        "layers.cpp",
        code=code,
        support_code="\n".join(code.support),
        states=_states(synapses),
        parameters=list(model.parameters),
        arrays=[*_states(synapses), *model.parameters],
        step=list(model.step),
        receive=list(model.events),
    )
    return {"source.cpp": text}


def _translate(model: Declaration) -> Translation:
    import brian2

    members = group(model, 2, name="neurons")
    synapse = brian2.NeuronGroup(2, f"{model.synapse}\nspikes : 1 (shared)", name="synapse")
    incoming = {f"{name}_post": v for name, v in members.variables.items()}
    incoming |= {"w": synapse.variables["w"], "spikes_pre": synapse.variables["spikes"]}
    return translate(members, {**model.step, **model.events}, extra=incoming)
