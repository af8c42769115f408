"""Graphs within graphs as one level of nodes.

An Input or Output of a graph within another one passes signals on: it is left out, and what leads
to it leads to what it leads to. Such a graph is written in one of two ways. It is a node of its
own, a NIRGraph; or its nodes stand among the others, called "name.input", "name.lif" and
"name.output", and edges to and from "name" mean its Input and Output (snnTorch, in files of
version 0.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from neurosim.errors import InputError, shown
from neurosim.formats.nir.flow import Edge
from neurosim.formats.nir.graph import kind

PORTS = ("Input", "Output")
MOST_EDGES = 100_000


@dataclass
class Level:
    """A graph's nodes with neurons or weights, and who leads to whom, on one level."""

    nodes: dict[str, Any] = field(default_factory=dict)
    """By path, names joined by dots."""
    edges: tuple[Edge, ...] = ()
    heads: tuple[str, ...] = ()
    """Nodes that the graph's Input leads to, once for each way."""
    tails: tuple[str, ...] = ()
    """Nodes that lead to the graph's Output."""
    input: Any = None
    """The graph's own Input, of nir."""
    output: Any = None


def flatten(graph: Any) -> Level:
    """Return a graph of nir on one level.

    Raises:
        InputError: an edge names a node that is not there, two nodes have one path, or the graph or
            one within it has not one Input and one Output.
    """
    walk = _Walk()
    walk.enter(graph, "")
    heads: dict[str, list[str]] = {}
    for a, b in walk.edges:
        heads.setdefault(a, []).append(b)
    own = {end: walk.own(graph, end) for end in PORTS}
    edges: list[Edge] = []
    for source, first in walk.edges:
        if source in walk.ports and source != own["Input"]:
            continue  # passed on the way from a node
        for target in _reached(first, heads, walk.ports, ()):
            edges.append((source, target))
            if len(edges) > MOST_EDGES:
                raise InputError(f"it connects its nodes in more than {MOST_EDGES:,} ways")
    tails = [a for a, b in edges if b == own["Output"]]
    edges = [(a, b) for a, b in edges if b in walk.nodes]
    if own["Input"] in tails:
        raise InputError(f"its Input {own['Input']!r} leads to its Output with nothing between")
    level = Level(walk.nodes, tails=tuple(tails))
    level.heads = tuple(b for a, b in edges if a == own["Input"])
    level.edges = tuple((a, b) for a, b in edges if a != own["Input"])
    level.input, level.output = (graph.nodes[own[end]] for end in PORTS)
    for end, names in (("Input", level.heads), ("Output", level.tails)):
        if not names:
            raise InputError(f"its {end} {own[end]!r} is not connected with any other node")
    return level


class _Walk:
    """Gathers nodes, Inputs and Outputs, and edges of all levels under their paths."""

    def __init__(self) -> None:
        self.nodes: dict[str, Any] = {}
        self.ports: dict[str, str] = {}
        """Paths of Inputs and Outputs, and which of both each is."""
        self.edges: list[Edge] = []

    def enter(self, graph: Any, prefix: str) -> None:
        """Gather a graph's nodes and edges, and those of the graphs in it."""
        for name, node in graph.nodes.items():
            path = prefix + name
            if path in self.nodes or path in self.ports:
                raise InputError(
                    f"two nodes are called {path!r}, one of them within a graph; rename one"
                )
            if kind(node) == "NIRGraph":
                self.enter(node, f"{path}.")
            elif kind(node) in PORTS:
                self.ports[path] = kind(node)
            else:
                self.nodes[path] = node
        known: set[Edge] = set()
        for a, b in graph.edges:
            if (a, b) in known:
                raise InputError(
                    f"edge {prefix}{a} -> {prefix}{b} is there twice; leave one out, or double "
                    "its weights"
                )
            known.add((a, b))
            ends = (_end(graph, prefix, (a, b), k) for k in (0, 1))
            self.edges.append((next(ends), next(ends)))

    def own(self, graph: Any, end: str) -> str:
        """Return the name of the graph's own Input or Output: no edge leads into or out of it.

        Raises:
            InputError: there is none, or several.
        """
        all_of = [n for n, node in graph.nodes.items() if kind(node) == end]
        passed = {b for _, b in self.edges} if end == "Input" else {a for a, _ in self.edges}
        own: list[str] = [name for name in all_of if name not in passed]
        if len(own) == 1:
            return own[0]
        where = "enters" if end == "Input" else "leaves"
        if not all_of:
            lack = [p for p in PORTS if all(kind(node) != p for node in graph.nodes.values())]
            raise InputError(
                f"its graph has no {' and no '.join(lack)} node ({_names(graph)}): it does not say "
                f"where its {end.lower()} {where}"
            )
        if not own:
            raise InputError(f"its {end} node {shown(all_of[0])} lies between other nodes")
        raise InputError(f"its graph has {len(own)} {end} nodes ({', '.join(own)}); one runs")


def _end(graph: Any, prefix: str, edge: Edge, side: int) -> str:
    """Return the path that an edge begins (side 0) or ends at (side 1)."""
    name, port = edge[side], PORTS[1 - side]
    node, place = graph.nodes.get(name), f"edge {shown(edge[0])} -> {shown(edge[1])}"
    if node is not None and kind(node) != "NIRGraph":
        return prefix + name
    within = graph.nodes if node is None else node.nodes
    start = f"{name}." if node is None else ""
    members = [n for n in within if n.startswith(start)]
    if not members:
        where = f"graph {prefix[:-1]!r}" if prefix else "its graph"
        raise InputError(
            f"{place} of {where} names {shown(name)!r}, which is none of its nodes "
            f"({_names(graph)})"
        )
    doors = [n for n in members if kind(within[n]) == port and "." not in n[len(start) :]]
    if len(doors) != 1:
        raise InputError(
            f"{place}: graph {prefix + name!r} has {len(doors)} {port} nodes "
            f"({shown(', '.join(members))}); one of them is needed"
        )
    return f"{prefix}{name}.{doors[0][len(start) :]}"


def _names(graph: Any) -> str:
    return shown(", ".join(graph.nodes))


def _reached(
    target: str, heads: dict[str, list[str]], ports: dict[str, str], passed: tuple[str, ...]
) -> Iterator[str]:
    """Yield where an edge to a target leads, through ports: nodes, and Outputs that lead nowhere.

    Raises:
        InputError: ports lead in a circle.
    """
    if target not in ports or target not in heads:
        yield target
        return
    if target in passed:
        raise InputError(
            f"{shown(', '.join(passed))} pass signals on in a circle without neurons, which no "
            "time step ends"
        )
    for following in heads[target]:
        yield from _reached(following, heads, ports, (*passed, target))
