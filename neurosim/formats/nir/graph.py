"""A flat graph of NIR's nodes: who receives whose signal, in what order, of what shape."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import Convention

NEURONS = ("LIF", "CubaLIF", "IF", "LI", "CubaLI", "I")

Edge = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes of one level, without inputs and outputs, and how they are stepped."""

    nodes: dict[str, Any]
    """By name: nodes of nir."""
    edges: tuple[Edge, ...]
    inputs: tuple[str, ...]
    """Nodes that receive the input."""
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
    def synapses(self) -> int:
        """Synapses per neuron: one."""
        return 1

    @property
    def lag(self) -> int:
        """Steps by which the output lags the input: none, a signal passes all nodes at once."""
        return 0

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the nodes with neurons, in the order of the file's signal flow."""
        return tuple(name for name in self.order() if kind(self.nodes[name]) in NEURONS)

    def digest(self) -> str:
        """Return a hash of everything that determines the dynamics."""
        state = hashlib.sha256()
        for name, node in self.nodes.items():
            state.update(f"{name}{kind(node)}".encode())
            for field in fields(node):
                value = getattr(node, field.name)
                if isinstance(value, np.ndarray):
                    state.update(f"{field.name}{value.shape}{value.dtype}".encode())
                    state.update(np.ascontiguousarray(value).tobytes())
                elif field.name not in ("input_type", "output_type", "metadata"):
                    state.update(f"{field.name}{value!r}".encode())
        order = (self.edges, self.inputs, self.outputs, self.shape)
        state.update(repr((order, self.convention, self.dt, sorted(self.limits.items()))).encode())
        return state.hexdigest()[:16]

    def most_spikes(self, name: str) -> int:
        """Return the most spikes in a step of a node."""
        return self.limits.get(name, self.convention.max_spikes)

    def before(self, name: str) -> tuple[str, ...]:
        """Return the nodes whose signals a node receives, in the order of the edges."""
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


def output_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Return the shape of each node's output; a signal of zeros is sent through.

    Raises:
        InputError: shapes do not fit each other.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    back = graph.recurrent()
    for name in graph.order():
        node = graph.nodes[name]
        received = [shapes[a] for a in graph.before(name) if (a, name) not in back]
        if name in graph.inputs:
            received.append(graph.shape)
        if not received:
            raise InputError(f"node {name} receives no signal")
        if len({int(np.prod(s)) for s in received}) > 1:
            raise InputError(f"node {name} adds signals of shapes {received}; they must be equal")
        if kind(node) in NEURONS:
            shapes[name] = neuron_shape(name, node, received[0])
        else:
            shapes[name] = layers.apply(name, node, np.zeros((1, 1, *received[0]))).shape[2:]
    for a, b in back:
        target = shapes[b] if kind(graph.nodes[b]) in NEURONS else None
        if target is not None and int(np.prod(target)) != int(np.prod(shapes[a])):
            raise InputError(f"edge {a} -> {b} takes {shapes[a]} to {target}")
    return shapes


def neuron_shape(name: str, node: Any, signal: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a node of neurons; parameters of one value serve its whole signal.

    Args:
        name: of the node, for the message.
        node: one of nir's, with a parameter r.
        signal: shape of the signal that it receives, without samples and steps.

    Raises:
        InputError: the node has another number of neurons than the signal values.
    """
    shape = tuple(np.shape(node.r))
    if int(np.prod(shape)) not in (1, int(np.prod(signal))):
        raise InputError(f"node {name} has {shape} neurons and receives a signal of shape {signal}")
    return signal
