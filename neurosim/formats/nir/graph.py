"""A NIR file as a flat graph of nodes that can be run, or an error that says what cannot."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np

from neurosim import store
from neurosim.errors import InputError
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import CONVENTIONS, Convention, parameters, rockpool_dt

NEURONS = ("LIF", "CubaLIF", "IF", "LI", "CubaLI", "I")
METADATA = "neurosim"
"""Key of our metadata in a graph."""

Edge = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes of one level, without inputs and outputs, and how they are stepped."""

    nodes: dict[str, Any]
    """By name: nodes of nir."""
    edges: tuple[Edge, ...]
    inputs: tuple[str, ...]
    """Nodes that hear the input."""
    outputs: tuple[str, ...]
    """Nodes that the output is read from."""
    shape: tuple[int, ...]
    """Of the input."""
    convention: Convention
    dt: float
    limits: dict[str, int]
    """Most spikes of a step of single nodes, where they differ from the convention's."""
    says: dict[str, Any]
    """What is known about the file, JSON values: source, convention, nodes."""

    @property
    def channels(self) -> int:
        """Number of input channels, flattened."""
        return int(np.prod(self.shape))

    @property
    def neurons(self) -> tuple[str, ...]:
        """Names of the nodes with neurons, in the order of the file's signal flow."""
        return tuple(name for name in self.order() if kind(self.nodes[name]) in NEURONS)

    def most_spikes(self, name: str) -> int:
        """Return the most spikes in a step of a node."""
        return self.limits.get(name, self.convention.max_spikes)

    def before(self, name: str) -> tuple[str, ...]:
        """Return the nodes that a node hears, in the order of the edges."""
        return tuple(a for a, b in self.edges if b == name)

    def order(self) -> tuple[str, ...]:
        """Return the nodes in the order in which a signal meets them, depth first."""
        done: list[str] = []
        open_: set[str] = set()

        def visit(name: str) -> None:
            if name in open_:
                return
            open_.add(name)
            for a, b in self.edges:
                if a == name:
                    visit(b)
            done.append(name)

        for name in (*self.inputs, *self.nodes):
            visit(name)
        return tuple(reversed(done))

    def recurrent(self) -> frozenset[Edge]:
        """Return the edges that lead back: they carry the signal of the step before."""
        place = {name: k for k, name in enumerate(self.order())}
        return frozenset((a, b) for a, b in self.edges if place[a] >= place[b])


def kind(node: Any) -> str:
    """Return the name of a node's type."""
    return type(node).__name__


def load(
    path: str | Path,
    *,
    source: str | Convention | None = None,
    dt: float | None = None,
    reset: str | None = None,
) -> Graph:
    """Read a NIR file.

    Args:
        path: an HDF5 file of nir 1.x.
        source: who wrote it, a name in CONVENTIONS or a Convention; read from the file's metadata
            where neurosim wrote it, else "nir".
        dt: time step in the unit of the file's time constants, where the convention has none.
        reset: "value" or "subtract" where the source's usual one was not used.

    Raises:
        InputError: the file is no NIR, holds what cannot be run, or lacks a time step.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            store.check_hdf5(file)
        graph = nir.read(path, type_check=False)  # shapes are checked by `output_shapes`
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # nir raises whatever its parser meets
        fault = f"{type(error).__name__}: {error}"
        raise InputError(f"{path}: not a readable NIR file ({fault})") from error
    try:
        return from_nir(graph, source=source, dt=dt, reset=reset)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def from_nir(
    graph: Any,
    *,
    source: str | Convention | None = None,
    dt: float | None = None,
    reset: str | None = None,
) -> Graph:
    """Return a graph of nir's as one that runs; arguments as for `load`.

    Raises:
        InputError: it holds what cannot be run, or lacks a time step.
    """
    if not isinstance(graph, nir.NIRGraph):
        raise InputError(f"holds a {kind(graph)}; expected is a NIRGraph")
    known = _metadata(graph)
    nodes, edges, heads, tails = _flatten(graph, "")
    for name, node in nodes.items():
        if kind(node) not in (*NEURONS, *layers.KINDS):
            raise InputError(
                f"node {name} is {kind(node)}, which cannot be run here; known are "
                f"{', '.join((*NEURONS, *layers.KINDS))}"
            )
    convention = _convention(source or known.get("source"), known)
    if reset is not None:
        convention = replace(convention, reset=reset)
    dt = _step(dt or known.get("dt") or convention.dt, convention, nodes)
    shape = _input_shape(graph, nodes, heads)
    limits = _limits(known.get("max_spikes"), nodes)
    flat = Graph(nodes, edges, heads, tails, shape, convention, dt, limits, {})
    kinds = [kind(nodes[name]) for name in flat.order()]
    says = {
        "source": convention.source,
        "dt": dt,
        "scheme": convention.scheme,
        "reset": convention.reset,
        "start": convention.start,
        "fires": "at the threshold" if convention.at_threshold else "above the threshold",
        "max_spikes": limits or convention.max_spikes,
        "nodes": kinds,
        **({"note": convention.note} if convention.note else {}),
    }
    flat = replace(flat, says=says)
    for name in flat.neurons:
        parameters(nodes[name], convention, dt, flat.most_spikes(name))
    output_shapes(flat)
    return flat


def output_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Return the shape of each node's output; a signal of zeros is sent through.

    Raises:
        InputError: shapes do not fit each other.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    back = graph.recurrent()
    for name in graph.order():
        node = graph.nodes[name]
        heard = [shapes[a] for a in graph.before(name) if (a, name) not in back]
        if name in graph.inputs:
            heard.append(graph.shape)
        if not heard:
            raise InputError(f"node {name} hears nothing")
        if len({int(np.prod(s)) for s in heard}) > 1:
            raise InputError(f"node {name} hears signals of shapes {heard}; they cannot be added")
        if kind(node) in NEURONS:
            shapes[name] = neuron_shape(name, node, heard[0])
        else:
            shapes[name] = layers.apply(name, node, np.zeros((1, 1, *heard[0]))).shape[2:]
    for a, b in back:
        wanted = shapes[b] if kind(graph.nodes[b]) in NEURONS else None
        if wanted is not None and int(np.prod(wanted)) != int(np.prod(shapes[a])):
            raise InputError(f"edge {a} -> {b} takes {shapes[a]} to {wanted}")
    return shapes


def neuron_shape(name: str, node: Any, heard: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a node of neurons; parameters of one value serve all that it hears.

    Args:
        name: of the node, for the message.
        node: one of nir's, with a parameter r.
        heard: shape of the signal that it hears, without samples and steps.

    Raises:
        InputError: the node has another number of neurons than the signal values.
    """
    shape = tuple(np.shape(node.r))
    if int(np.prod(shape)) == 1:
        return heard
    if shape == heard or int(np.prod(shape)) == int(np.prod(heard)):
        return heard
    raise InputError(f"node {name} has {shape} neurons and hears a signal of shape {heard}")


def _metadata(graph: Any) -> dict[str, Any]:
    """Return what neurosim wrote into a graph's metadata."""
    given = graph.metadata if isinstance(graph.metadata, dict) else {}
    text = given.get(METADATA)
    if text is None:
        return {}
    try:
        found = json.loads(text.decode() if isinstance(text, bytes) else str(text))
        return dict(found)
    except (ValueError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"its neurosim metadata cannot be read ({error})") from error


def _convention(source: str | Convention | None, known: dict[str, Any]) -> Convention:
    if isinstance(source, Convention):
        return source
    name = source or "nir"
    if name not in CONVENTIONS:
        raise InputError(f"source {name!r} is not known; choose from {', '.join(CONVENTIONS)}")
    convention = CONVENTIONS[name]
    changes = {n: known[n] for n in ("scheme", "reset", "at_threshold") if n in known}
    try:
        return replace(convention, **changes)
    except TypeError as error:
        raise InputError(f"its neurosim metadata are odd ({error})") from error


def _limits(given: Any, nodes: dict[str, Any]) -> dict[str, int]:
    """Return the most spikes of a step by node, as neurosim writes them."""
    if given is None:
        return {}
    spiking = {name for name, node in nodes.items() if kind(node) in NEURONS}
    if not isinstance(given, dict) or set(given) != spiking:
        raise InputError(f"its metadata give max_spikes {given}; expected are {sorted(spiking)}")
    for name, most in given.items():
        if not isinstance(most, int) or most < 1:
            raise InputError(f"its metadata give max_spikes {most!r} for {name}; it is 1 or more")
    return dict(given)


def _step(dt: Any, convention: Convention, nodes: dict[str, Any]) -> float:
    if dt is None and convention.source == "rockpool":
        found = [rockpool_dt(n.tau_mem, n.r) for n in nodes.values() if kind(n) == "CubaLIF"]
        dt = float(np.median(found)) if found else None
    if dt is None:
        raise InputError(
            "it states no time step: give dt in the unit of its time constants (--dt), or say who "
            f"wrote it (--source), one of {', '.join(CONVENTIONS)}"
        )
    try:
        dt = float(dt)
    except (TypeError, ValueError):
        raise InputError(f"dt is {dt!r}; it must be a positive time") from None
    if not (np.isfinite(dt) and dt > 0):
        raise InputError(f"dt is {dt}; it must be a positive time")
    return dt


def _flatten(
    graph: Any, prefix: str
) -> tuple[dict[str, Any], tuple[Edge, ...], tuple[str, ...], tuple[str, ...]]:
    """Return nodes and edges of all levels, and which nodes hear the input and feed the output."""
    nodes: dict[str, Any] = {}
    heads: dict[str, tuple[str, ...]] = {}
    tails: dict[str, tuple[str, ...]] = {}
    inner: list[Edge] = []
    for name, node in graph.nodes.items():
        path = prefix + name
        if kind(node) == "NIRGraph":
            sub, edges, sub_heads, sub_tails = _flatten(node, f"{path}.")
            nodes |= sub
            inner += edges
            heads[name], tails[name] = sub_heads, sub_tails
        elif kind(node) in ("Input", "Output"):
            continue
        else:
            nodes[path] = node
            heads[name] = tails[name] = (path,)
    ends = {n: kind(node) for n, node in graph.nodes.items() if kind(node) in ("Input", "Output")}
    for end in ("Input", "Output"):
        if list(ends.values()).count(end) != 1:
            found = list(ends.values()).count(end)
            raise InputError(f"graph {prefix or 'of the file'!r} has {found} {end} nodes; one runs")
    first: list[str] = []
    last: list[str] = []
    for a, b in graph.edges:
        if a not in graph.nodes or b not in graph.nodes:
            raise InputError(f"edge {prefix}{a} -> {prefix}{b} names a node that is not there")
        if ends.get(a) == "Input" and ends.get(b) == "Output":
            raise InputError(f"edge {prefix}{a} -> {prefix}{b} passes the input on unchanged")
        if ends.get(a) == "Input":
            first += heads[b]
        elif ends.get(b) == "Output":
            last += tails[a]
        else:
            inner += [(x, y) for x in tails[a] for y in heads[b]]
    if not first or not last:
        raise InputError(f"graph {prefix or 'of the file'!r}: input and output are not connected")
    return nodes, _once(inner), _once(first), _once(last)


def _once(items: list[Any]) -> tuple[Any, ...]:
    """Return items in their order, each once."""
    return tuple(dict.fromkeys(items))


def _input_shape(graph: Any, nodes: dict[str, Any], heads: tuple[str, ...]) -> tuple[int, ...]:
    """Return the shape of the input; a batch axis that a source left in it is dropped."""
    given = next(n for n in graph.nodes.values() if kind(n) == "Input").input_type
    stated = given.get("input") if isinstance(given, dict) else None
    shape = () if stated is None else tuple(int(n) for n in np.atleast_1d(stated))
    for name in heads:
        node = nodes[name]
        if kind(node) in ("Linear", "Affine"):
            n = int(np.shape(node.weight)[1])
            if not shape or (int(np.prod(shape)) != n and shape[-1] == n):
                shape = (n,)
        elif kind(node) == "Conv2d":
            shape = shape[-3:]
    if not shape or min(shape) < 1:
        raise InputError(f"the shape of its input is {shape}; it must be stated")
    return shape
