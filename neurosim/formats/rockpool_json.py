"""Read rockpool's modules by their names and parameters: the JSON file of `module.save(path)`.

Nothing in the file is executed. Modules of numpy or jax in memory, which rockpool does not save,
are read in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside
from neurosim.errors import InputError, shown
from neurosim.network import Layer, Network
from neurosim.outside import JSON_BYTES
from neurosim.xylo.decays import shift_tau

LINEAR = ("LinearTorch", "LinearJax", "Linear", "linear")
NEURONS = ("LIFTorch", "LIFJax", "LIF", "LIFBitshiftTorch", "neurons")
"""Names of modules: of classes, or of parts of a SynNet."""
SYNNET = ("linear", "neurons", "dropout")
"""Parts of a layer in rockpool's SynNet, in their order; the last layer's number is "out"."""

Named = tuple[str, dict[str, Any]]


def load(path: str | Path) -> Network:
    """Return the network of a saved Sequential of linear and LIF modules in turn.

    Rockpool saves parameters by module name, like "0_LinearTorch": the class names are all that
    says what a module is. Decays are those that the modules compute with. A SynNet's layers are
    those of its `seq`; a single number is that of all neurons.

    Raises:
        InputError: no such file, or it holds what a Network cannot say.
    """
    path = Path(path)
    saved = outside.json_of(path, JSON_BYTES)
    with outside.reading(path, "rockpool Sequential of LinearTorch and LIFTorch modules or SynNet"):
        return network_of(saved)


def network_of(saved: Any) -> Network:
    """Return the network of modules: parameters by name, in dictionaries by the modules' names.

    Raises:
        InputError: they are what a Network cannot say.
        KeyError, TypeError, ValueError: a parameter is missing or odd (see `outside.reading`).
    """
    if not isinstance(saved, dict):
        raise InputError("holds no modules; save a rockpool Sequential with module.save(path)")
    if "class_name" in saved:  # of rockpool before version 2
        name = shown(saved["class_name"], 60)
        raise InputError(f"holds one {name}, and no Sequential of linear and LIF modules")
    if list(saved) == ["seq"]:  # rockpool's SynNet, which wraps its layers
        saved = saved["seq"]
    modules = list(_flat("", saved))
    if not modules or len(modules) % 2:
        raise InputError(
            f"holds {len(modules)} modules; a Network needs pairs of a linear and a LIF module"
        )
    pairs = list(zip(modules[::2], modules[1::2], strict=True))
    for pair in pairs:
        _check_kinds(*pair)
    steps = {float(_value(neurons, "dt")) for _, (_, neurons) in pairs}
    if len(steps) > 1:
        raise InputError(f"modules have different time steps dt {sorted(steps)}; use one")
    dt = steps.pop()
    return Network(tuple(_layer(linear, neurons, dt) for linear, neurons in pairs), dt=dt)


def _flat(path: str, saved: dict[str, Any]) -> Iterator[Named]:
    """Yield the innermost modules with their names, in the order of the numbers they begin with."""

    def place(name: str) -> tuple[float, int]:
        head, _, kind = name.partition("_")
        within = SYNNET.index(kind) if kind in SYNNET else 0
        if head == "out" and kind in SYNNET:
            return np.inf, within
        if not head.isdigit():
            raise InputError(f"module {path + name!r} has no number: only sequentials can be read")
        return int(head), within

    for name in sorted(saved, key=place):
        inner = saved[name]
        kind = name.partition("_")[2]
        if "Residual" in kind:
            raise InputError(f"module {path}{name} is a Residual, which a Network cannot say")
        if "Sequential" in kind:
            yield from _flat(f"{path}{name}.", inner)
        elif kind != "dropout":  # of a SynNet, in training only
            yield f"{path}{name}", inner


def _value(module: dict[str, Any], name: str) -> Any:
    """Return a parameter; rockpool writes each as a string of JSON."""
    value = module[name]
    return json.loads(value) if isinstance(value, str) else value


def _array(module: dict[str, Any], name: str) -> np.ndarray:
    """Return a parameter: arrays in the precision they have, what was text in float32."""
    values = _value(module, name)
    kept = isinstance(values, float | np.ndarray) and not isinstance(module[name], str)
    single = not kept or np.asarray(values).dtype == np.float32
    return np.array(values, dtype=np.float32 if single else np.float64)


def _check_kinds(linear: Named, neurons: Named) -> None:
    """Refuse modules of other kinds than a layer's, by their names, and a bias of currents."""
    for (name, module), kinds in ((linear, LINEAR), (neurons, NEURONS)):
        if name.rpartition("_")[2] not in kinds:
            raise InputError(f"module {name} cannot be read here; expected is {' or '.join(kinds)}")
        if kinds is LINEAR and module.get("bias") is not None:
            raise InputError(f"module {name} has a bias, which would enter the synaptic currents")


def _layer(linear: Named, neurons: Named, dt: float) -> Layer:
    """Return the layer of one linear and one LIF module."""
    name, module = neurons
    if float(_value(module, "noise_std")):
        raise InputError(f"module {name} has noise; a Network is deterministic")
    weight, n = _array(linear[1], "weight"), _neurons(module)
    if weight.ndim != 2 or weight.shape[1] % (n or weight.shape[1]):
        raise InputError(f"module {linear[0]} has weights {weight.shape} for {n} neurons")
    n = n or weight.shape[1]  # all parameters are single numbers: each neuron has one synapse
    synapses = weight.shape[1] // n
    shape = (n,) if synapses == 1 else (n, synapses)
    recurrent = None
    if _value(module, "_has_rec"):
        recurrent = _array(module, "w_rec").reshape(n, *shape)
    return Layer(
        weight=weight.reshape(len(weight), *shape),
        tau_mem=_each(_tau(name, module, "mem", "alpha", dt), (n,)),
        tau_syn=_each(_tau(name, module, "syn", "beta", dt), shape),
        threshold=_each(_array(module, "threshold"), (n,)),
        bias=_each(_array(module, "bias"), (n,)),
        recurrent=recurrent,
        max_spikes=_value(module, "max_spikes_per_dt"),
    )


def _neurons(module: dict[str, Any]) -> int:
    """Return how many neurons a module has; 0 where one number serves all of them."""
    if "w_rec" in module:
        return len(_array(module, "w_rec"))
    names = ("threshold", "bias", "tau_mem", "dash_mem", "alpha")
    shapes = [_array(module, name).shape for name in names if name in module]
    return max((shape[0] for shape in shapes if shape), default=0)


def _each(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a parameter of each neuron or synapse.

    A single number is that of all of them; (1, synapses) is that of all neurons.
    """
    shared = len(shape) == 2 and values.shape == (1, shape[1])
    return np.broadcast_to(values, shape) if shared or values.size == 1 else values.reshape(shape)


def _tau(name: str, module: dict[str, Any], which: str, decay: str, dt: float) -> np.ndarray:
    """Return time constants in seconds, in any of rockpool's leak modes."""
    if f"tau_{which}" in module:
        tau = _array(module, f"tau_{which}")
        if not name.endswith("LIFBitshiftTorch"):
            return tau
        dash = np.rint(np.log2(tau.astype(float) / dt))
    elif f"dash_{which}" in module:
        dash = _array(module, f"dash_{which}").astype(float)
    else:
        dash = -np.log2(1 - _array(module, decay).astype(float))
    time_constants: np.ndarray = shift_tau(dash, dt).astype(np.float32)
    return time_constants
