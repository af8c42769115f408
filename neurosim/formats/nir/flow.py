"""Who hears whom in a graph of nodes, in what order, and which connections act a step later.

A connection leads from one neuron node to another, or back to itself, through nodes without
state. One that closes a loop carries the spikes of the step before. It closes a loop if every path
from the input to its source passes its target; where a loop can be entered at several nodes, so
that none comes first, all connections within it do. The order of nodes and edges has no say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from neurosim.errors import InputError

Edge = tuple[str, str]
Names = frozenset[str]
N = TypeVar("N", str, Names)

INPUT = "\0"
"""Stands for the graph's input among the neurons that a node hears; no node has this name."""


@dataclass(frozen=True)
class Flow:
    """How signals pass a graph within a step."""

    neurons: tuple[str, ...]
    """Nodes with neurons, each after those that it hears in the same step."""
    between: tuple[str, ...]
    """Nodes without state, each after those that it hears."""
    hears: Mapping[str, Names]
    """By node: the neuron nodes, and INPUT, whose signals reach it without passing another one."""
    late: Mapping[str, Names]
    """By neuron node: those that it hears a step later."""
    before: Mapping[str, tuple[str, ...]]
    """By node: the nodes whose signals it receives."""

    together: tuple[tuple[str, ...], ...]
    """The neuron nodes by the loops that they lie in, one alone where in none: each set after those
    that lead to it, and within it as in `neurons`."""

    def towards(self, neuron: str) -> tuple[str, ...]:
        """Return the nodes without state whose signals reach a neuron node, in their order."""
        reaching: set[str] = set()
        heads = [neuron]
        while heads:
            new = {a for a in self.before[heads.pop()] if a not in self.late} - reaching
            reaching |= new
            heads += new
        return tuple(name for name in self.between if name in reaching)

    def order(self) -> tuple[str, ...]:
        """Return all nodes: neurons in their order, each after the nodes that lead to it."""
        listed: dict[str, None] = {}
        for neuron in self.neurons:
            listed |= dict.fromkeys((*self.towards(neuron), neuron))
        return tuple(listed | dict.fromkeys(self.between))


def flow(
    nodes: Iterable[str],
    edges: Iterable[Edge],
    inputs: Iterable[str],
    has_neurons: Callable[[str], bool],
) -> Flow:
    """Return how signals pass a graph.

    Args:
        nodes: their names.
        edges: from the first to the second.
        inputs: nodes that receive the input.
        has_neurons: whether a node has neurons.

    Raises:
        InputError: nodes without neurons form a loop, which no step ends.
    """
    nodes, inputs = tuple(nodes), set(inputs)
    neurons = tuple(name for name in nodes if has_neurons(name))
    before: dict[str, tuple[str, ...]] = dict.fromkeys(nodes, ())
    for a, b in edges:
        before[b] += (a,)
    stateless = {
        name: {a for a in before[name] if not has_neurons(a)}
        for name in nodes
        if not has_neurons(name)
    }
    between = _sorted(stateless)
    if len(between) < len(stateless):
        left = sorted(set(stateless) - set(between))
        raise InputError(
            f"nodes {', '.join(left)} hold a loop without neurons, which no time step ends; "
            "put neurons into it or take out a connection"
        )
    hears: dict[str, Names] = {}
    for name in (*between, *neurons):
        own = [frozenset({a}) if has_neurons(a) else hears[a] for a in before[name]]
        hears[name] = frozenset().union(*own, {INPUT} if name in inputs else ())
    late = _late({name: hears[name] for name in neurons})
    now = {name: hears[name] - late[name] - {INPUT} for name in neurons}
    order = _sorted(now)
    return Flow(order, between, hears, late, before, _together(order, hears))


def _sorted(before: Mapping[N, Iterable[N]]) -> tuple[N, ...]:
    """Return nodes, each after those before it; those in or behind a loop are left out."""
    left = {name: set(names) for name, names in before.items()}
    done: dict[N, None] = {}
    while ready := [name for name, names in left.items() if not names - done.keys()]:
        done |= dict.fromkeys(ready)
        for name in ready:
            del left[name]
    return tuple(done)


def _late(hears: Mapping[str, Names]) -> dict[str, Names]:
    """Return the neuron nodes that each one hears a step later, from those that it hears."""
    late: dict[str, set[str]] = {name: set() for name in hears}
    for members in _loops(hears):
        for target in members:
            first = _reached(hears, without=target)
            late[target] |= {a for a in hears[target] & members if a == target or a not in first}
    rest = {name: hears[name] - late[name] for name in hears}
    for members in _loops(rest):
        for target in members:
            late[target] |= rest[target] & members
    return {name: frozenset(names) for name, names in late.items()}


def _together(order: tuple[str, ...], hears: Mapping[str, Names]) -> tuple[tuple[str, ...], ...]:
    """Return neuron nodes in sets that lead to each other, each set after those that it hears."""
    alone = {name: frozenset({name}) for name in order}
    within = alone | {
        name: frozenset(members)
        for members in _loops({name: hears[name] for name in order})
        for name in members
    }
    before = {
        members: {within[a] for name in members for a in hears[name] - {INPUT}} - {members}
        for members in (within[name] for name in order)
    }
    return tuple(tuple(n for n in order if n in members) for members in _sorted(before))


def _reached(hears: Mapping[str, Names], without: str) -> set[str]:
    """Return what the input reaches on paths that do not pass one neuron node."""
    reached = {INPUT}
    while new := {
        name
        for name, names in hears.items()
        if name != without and name not in reached and names & reached
    }:
        reached |= new
    return reached


def _loops(hears: Mapping[str, Names]) -> Iterator[set[str]]:
    """Yield the sets of neuron nodes that all lead to each other."""
    place = {name: k for k, name in enumerate(hears)}
    pairs = [(place[a], place[b]) for b, names in hears.items() for a in names if a != INPUT]
    rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
    shape = (len(hears), len(hears))
    links = coo_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
    _, group = connected_components(links, connection="strong")
    names = np.array(list(hears), dtype=object)
    for k in np.unique(group):
        members = set(names[group == k])
        if len(members) > 1 or any(a in hears[a] for a in members):
            yield members
