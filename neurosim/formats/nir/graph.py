"""A flat graph of NIR's nodes, and the shapes of the signals between them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import PARAMETERS, Convention
from neurosim.formats.nir.flow import Edge, Flow, flow

NEURONS = ("LIF", "CubaLIF", "IF", "LI", "CubaLI", "I")

Shape = tuple[int, ...]


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
    assumed: str = ""
    """What of the convention neither file nor caller states, with the remedy; else empty."""

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
        """Names of the nodes with neurons, in the order of the signal flow."""
        return self.flow.neurons

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

    @cached_property
    def flow(self) -> Flow:
        """Who hears whom, in what order, and which connections act a step later."""
        return flow(
            self.nodes, self.edges, self.inputs, lambda name: kind(self.nodes[name]) in NEURONS
        )

    @cached_property
    def shapes(self) -> dict[str, tuple[Shape, Shape]]:
        """By node: the shapes of its signal and of its output, without samples and steps.

        Raises:
            InputError: shapes do not fit each other.
        """
        return _shapes(self)

    def before(self, name: str) -> tuple[str, ...]:
        """Return the nodes whose signals a node receives, in the order of the edges."""
        return self.flow.before[name]


def kind(node: Any) -> str:
    """Return the name of a node's type."""
    return type(node).__name__


def _shapes(graph: Graph) -> dict[str, tuple[Shape, Shape]]:
    """Send a signal of zeros through all nodes, from the input on."""
    shapes: dict[str, tuple[Shape, Shape]] = {}
    waiting = graph.flow.order()
    while waiting:
        for name in waiting:
            if received := _received(graph, name, shapes):
                shapes[name] = (received[0], _output(name, graph.nodes[name], received[0]))
        left = tuple(name for name in waiting if name not in shapes)
        if len(left) == len(waiting):
            raise InputError(f"node {left[0]} receives no signal")
        waiting = left
    for name, (signal, _) in shapes.items():
        received = _received(graph, name, shapes)
        if any(layers.core(other) != layers.core(signal) for other in received):
            raise InputError(f"node {name} adds signals of shapes {received}; they must be equal")
    return shapes


def _received(graph: Graph, name: str, shapes: dict[str, tuple[Shape, Shape]]) -> list[Shape]:
    """Return the shapes of the signals that a node receives, as far as they are known."""
    own = [graph.shape] if name in graph.inputs else []
    return own + [shapes[a][1] for a in graph.before(name) if a in shapes]


def _output(name: str, node: Any, signal: Shape) -> Shape:
    """Return the shape of a node's output; neurons have the shape of their signal.

    Raises:
        InputError: the node cannot take the signal, or its parameters have other axes.
    """
    if kind(node) not in NEURONS:
        return layers.apply(name, node, np.zeros((1, 1, *signal))).shape[2:]
    for parameter in PARAMETERS:
        if hasattr(node, parameter):
            try:
                layers.spread(getattr(node, parameter), signal)
            except InputError as error:
                raise InputError(f"node {name}: {parameter} {error}") from error
    return signal
