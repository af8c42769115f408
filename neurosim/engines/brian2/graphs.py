"""Graphs of units that diffuse into each other, as adjacency matrices."""

from __future__ import annotations

import numpy as np

from neurosim.equations.regulation import chain
from neurosim.errors import InputError
from neurosim.network import Network

__all__ = ["chain", "checked", "connectivity", "grid", "ring"]


def ring(units: int) -> np.ndarray:
    """Return the adjacency of a ring."""
    graph = chain(units)
    if units > 2:
        graph[0, -1] = graph[-1, 0] = 1
    return graph


def grid(rows: int, columns: int) -> np.ndarray:
    """Return the adjacency of a grid, unit = row * columns + column."""
    return np.kron(np.eye(rows), chain(columns)) + np.kron(chain(rows), np.eye(columns))


def connectivity(network: Network) -> np.ndarray:
    """Return the adjacency of a network's layers, weighted by how strongly they are connected.

    Layers k and k + 1 have the mean magnitude of the weights between them, scaled so that the
    strongest unit has degree 2, that of a chain.
    """
    graph = chain(len(network.layers))
    for k, layer in enumerate(network.layers[1:]):
        graph[k, k + 1] = graph[k + 1, k] = np.abs(layer.weight).mean()
    strongest = graph.sum(axis=1).max()
    return graph * (2 / strongest) if strongest > 0 else graph


def checked(graph: np.ndarray) -> np.ndarray:
    """Return an adjacency as floats.

    Raises:
        InputError: it is not square, not symmetric or somewhere negative.
    """
    graph = np.asarray(graph, dtype=float)
    if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
        raise InputError(f"graph has shape {graph.shape}; it is square: (units, units)")
    if not np.isfinite(graph).all() or (graph < 0).any() or not np.array_equal(graph, graph.T):
        raise InputError("graph must be symmetric and nowhere negative: neighbours hear each other")
    return graph
