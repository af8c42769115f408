"""Between NIR and Network, both ways: nothing is left out without an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nir
import numpy as np

from neurosim import store
from neurosim.errors import InputError
from neurosim.formats.nir.convention import Convention, numbers, parameters
from neurosim.formats.nir.graph import Graph, kind
from neurosim.formats.nir.reading import METADATA, load
from neurosim.network import Layer, Network


def read(
    path: str | Path,
    *,
    source: str | Convention | None = None,
    dt: float | None = None,
    reset: str | None = None,
) -> Network:
    """Read a NIR file as a Network; arguments as for `load`.

    Raises:
        InputError: the file cannot be read, or holds what a Network cannot say: then `run` may.
    """
    network, reason = as_network(load(path, source=source, dt=dt, reset=reset))
    if network is None:
        raise InputError(f"{path}: {reason}; the engine 'nir' may run it")
    return network


def as_network(graph: Graph) -> tuple[Network | None, str]:
    """Return a graph as a Network, or None and what a Network cannot say."""
    try:
        return _network(graph), ""
    except InputError as error:
        return None, str(error)


def _network(graph: Graph) -> Network:
    convention = graph.convention
    if convention.scheme != "liftorch" or convention.reset != "subtract":
        raise InputError(
            f"a Network steps as rockpool does and resets by subtraction, {convention.source} "
            f"({convention.scheme}, {convention.reset}) does not"
        )
    if not convention.at_threshold:
        raise InputError("a Network fires at the threshold, this graph above it")
    names = list(graph.populations)
    taken: set[str] = set(names)
    layers = []
    for k, name in enumerate(names):
        if kind(graph.nodes[name]) != "CubaLIF":
            raise InputError(f"node {name} is {kind(graph.nodes[name])}; a Network has CubaLIF")
        source = names[k - 1] if k else None
        layers.append(_layer(graph, name, source, taken))
    if left := set(graph.nodes) - taken:
        raise InputError(f"node {min(left)} is not between two populations in a row")
    if graph.outputs != (names[-1],):
        raise InputError(f"the output is read from {graph.outputs}, not from the last neurons")
    return Network(tuple(layers), dt=graph.dt)


def _layer(graph: Graph, name: str, source: str | None, taken: set[str]) -> Layer:
    """Return the layer of a CubaLIF node, its weights and its recurrent weights."""
    node = graph.nodes[name]
    forward, recurrent = None, None
    for before in graph.before(name):
        weight = _weight(graph, before)
        taken.add(before)
        sources = graph.before(before)
        if sources == (name,) and before not in graph.inputs:
            if recurrent is not None:
                raise InputError(f"node {name} has two recurrent connections; add them up")
            recurrent = weight
        elif forward is None and (
            sources == (source,) if source else before in graph.inputs and not sources
        ):
            forward = weight
        else:
            raise InputError(f"node {before} joins populations that are not in a row")
    if forward is None:
        raise InputError(f"node {name} has no weights before it")
    values = parameters(node, graph.convention, graph.dt)
    dtype = forward.dtype
    if np.any(values["V_r"]):
        raise InputError(f"node {name} has v_reset {node.v_reset}; a Network subtracts")
    for what, value, neutral in (
        ("gain r", values["gain"], 1.0),
        ("input gain w_in", values["w_in"] / values["beta"], 1.0),
    ):
        # Rounded where it was computed: a few units in the last place of the file's floats.
        if not np.allclose(value, neutral, rtol=1e-6, atol=0):
            raise InputError(
                f"node {name} has another {what} than a Network's ({value.min():.6g} to "
                f"{value.max():.6g} for 1); scale its weights instead"
            )
    n = forward.shape[1]
    return Layer(
        weight=forward,
        tau_mem=_parameter(node.tau_mem, n),
        tau_syn=_parameter(node.tau_syn, n),
        threshold=_parameter(node.v_threshold, n),
        bias=np.broadcast_to(values["drive"], n).astype(dtype),
        recurrent=recurrent,
        max_spikes=graph.most_spikes(name),
    )


def _parameter(value: Any, n: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value).reshape(-1), (n,)).copy()


def _weight(graph: Graph, name: str) -> np.ndarray:
    """Return the (from, to) weights of a linear node without bias."""
    node = graph.nodes[name]
    if kind(node) not in ("Linear", "Affine"):
        raise InputError(f"node {name} is {kind(node)}; a Network has Linear between populations")
    if kind(node) == "Affine" and np.any(node.bias):
        raise InputError(f"node {name} has a bias, which would enter the synaptic currents")
    weight = numbers(f"{kind(node)}.weight", node.weight)
    if np.asarray(node.weight).dtype == np.float32:
        weight = weight.astype(np.float32)
    return np.ascontiguousarray(weight.T)


def write(network: Network, path: str | Path) -> Path:
    """Write a Network as a NIR file: for each layer a Linear and a CubaLIF, recurrence as a loop.

    r and w_in are tau/dt and v_leak is bias tau_mem/dt, so that Euler's rule with the same dt adds
    the weights at full size, as the network does. dt, the scheme, the reset by subtraction and the
    most spikes of a step, for which NIR has no place, are in the metadata; so `read` gives the
    same network back: all arrays to the last bit but the bias, which is rounded twice.

    Raises:
        InputError: a layer has two synapses.
    """
    with store.writing(path) as file:
        nir.write(file, to_nir(network))
    return Path(path)


def to_nir(network: Network) -> Any:
    """Return a Network as a graph of nir; see `write`.

    Raises:
        InputError: a layer has two synapses.
    """
    nodes: dict[str, Any] = {"input": nir.Input(np.array([network.shape[0]]))}
    edges, last = [], "input"
    for k, layer in enumerate(network.layers):
        if layer.synapses != 1:
            raise InputError(f"layer {k} has {layer.synapses} synapses; a CubaLIF of NIR has one")
        tau_mem, tau_syn = layer.tau_mem, layer.tau_syn.reshape(-1)
        weight = layer.weight.reshape(layer.n_in, layer.n_out)
        nodes[f"linear_{k}"] = nir.Linear(np.ascontiguousarray(weight.T))
        nodes[f"lif_{k}"] = nir.CubaLIF(
            tau_mem=tau_mem,
            tau_syn=tau_syn,
            r=tau_mem.astype(float) / network.dt,
            w_in=tau_syn.astype(float) / network.dt,
            v_leak=layer.bias.astype(float) * tau_mem.astype(float) / network.dt,
            v_threshold=layer.threshold,
            v_reset=np.zeros_like(layer.threshold),
        )
        edges += [(last, f"linear_{k}"), (f"linear_{k}", f"lif_{k}")]
        if layer.recurrent is not None:
            square = layer.recurrent.reshape(layer.n_out, layer.n_out)
            nodes[f"recurrent_{k}"] = nir.Linear(np.ascontiguousarray(square.T))
            edges += [(f"lif_{k}", f"recurrent_{k}"), (f"recurrent_{k}", f"lif_{k}")]
        last = f"lif_{k}"
    nodes["output"] = nir.Output(np.array([network.shape[-1]]))
    edges.append((last, "output"))
    metadata: dict[str, Any] = {
        "source": "neurosim",
        "dt": network.dt,
        "scheme": "liftorch",
        "reset": "subtract",
    }
    metadata["at_threshold"] = True
    limits = {f"lif_{k}": layer.max_spikes for k, layer in enumerate(network.layers)}
    metadata["max_spikes"] = limits
    return nir.NIRGraph(nodes, edges, metadata={METADATA: json.dumps(metadata)})
