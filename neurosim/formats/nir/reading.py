"""A NIR file as a `Graph` that can be run, or an error that says what cannot."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np

from neurosim import hdf5, outside
from neurosim.errors import InputError, shown
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import (
    CONVENTIONS,
    PARAMETERS,
    Convention,
    parameters,
    rockpool_dt,
)
from neurosim.formats.nir.flow import Edge
from neurosim.formats.nir.graph import NEURONS, Graph, kind

METADATA = "neurosim"
"""Key of our metadata in a graph."""
_METADATA_TYPES = {
    "source": (str,),
    "scheme": (str,),
    "reset": (str,),
    "at_threshold": (bool,),
    "dt": (float, int),
    "max_spikes": (dict,),
}


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
            where neurosim wrote it, else "nir" is assumed, which `verify` refuses.
        dt: time step in the unit of the file's time constants, where the convention has none.
        reset: one of `convention.RESETS`, where the source's usual one was not used.

    Raises:
        InputError: the file is no NIR, holds what cannot be run, or lacks a time step.
    """
    values = hdf5.read(path, "NIR file").values
    version = str(values.get("version", ""))
    what = f"NIR file, written by NIR {shown(version)}" if version.startswith("0.") else "NIR file"
    with outside.reading(path, what):
        graph = nir.dict2NIRNode(_as_written_now(values["node"]))
        return from_nir(graph, source=source, dt=dt, reset=reset)


def _as_written_now(values: dict[str, Any]) -> dict[str, Any]:
    """Return a node's values as nir 1 writes them, on all levels.

    Versions before 1 left out the images' size of a convolution, and wrote one number for all
    neurons where they share it. Shapes are not checked by nir but by `Graph.shapes`, which needs
    none of those that a file may leave out.
    """
    node: dict[str, Any] = {
        k: _as_written_now(v) if isinstance(v, dict) else v for k, v in values.items()
    }
    named = node.get("type")
    if named == "NIRGraph":
        node["type_check"] = False
    elif named in ("Conv1d", "Conv2d"):
        node.setdefault("input_shape", None)
    elif named in NEURONS:
        sizes = {np.shape(node[name]) for name in PARAMETERS if name in node}
        if len(sizes) == 2 and () in sizes:
            (shape,) = sizes - {()}
            shared = [n for n in PARAMETERS if n in node and np.shape(node[n]) == ()]
            node |= {name: np.full(shape, node[name]) for name in shared}
    return node


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
    convention = _convention(known.get("source") if source is None else source, known)
    if reset is not None:
        convention = replace(convention, reset=reset)
    steps = [step for step in (dt, known.get("dt"), convention.dt) if step is not None]
    dt = _step(steps[0] if steps else None, convention, nodes)
    shape = _input_shape(graph, nodes, heads)
    limits = _limits(known.get("max_spikes"), nodes)
    assumed = _assumed(source, reset, known, convention)
    flat = Graph(nodes, edges, heads, tails, shape, convention, dt, limits, {}, assumed)
    flat = stepped(flat, convention, assumed)
    _check_output(graph, flat)
    return flat


def stepped(graph: Graph, convention: Convention, assumed: str = "") -> Graph:
    """Return a graph that is stepped by another convention, with the same dt.

    Args:
        graph: any.
        convention: the new one.
        assumed: what of it nobody states.

    Raises:
        InputError: a node cannot be stepped so.
    """
    says = {
        "source": convention.source,
        "dt": graph.dt,
        "scheme": convention.scheme,
        "reset": convention.reset,
        "start": convention.start,
        "fires": "at the threshold" if convention.at_threshold else "above the threshold",
        "max_spikes": graph.limits or convention.max_spikes,
        "nodes": [kind(graph.nodes[name]) for name in graph.flow.order()],
        **({"assumed": assumed} if assumed else {}),
        **({"note": convention.note} if convention.note else {}),
    }
    graph = replace(graph, convention=convention, says=says, assumed=assumed)
    for name in graph.populations:
        parameters(graph.nodes[name], convention, graph.dt, graph.most_spikes(name))
    return graph


def _assumed(
    source: str | Convention | None,
    reset: str | None,
    known: dict[str, Any],
    convention: Convention,
) -> str:
    """Return what of a convention neither the file nor the caller states, and what to do."""
    if source is None and "source" not in known:
        return (
            "the file does not say who wrote it, on which its steps and resets depend: name the "
            f"source (--source), one of {', '.join(CONVENTIONS)}"
        )
    if convention.resets and not isinstance(source, Convention) and not (reset or "reset" in known):
        return (
            f"files of {convention.source} do not say how its neurons reset: name the reset "
            f"(--reset), one of {', '.join(convention.resets)}"
        )
    return ""


def _check_output(graph: Any, flat: Graph) -> None:
    """Check all shapes, and that the output's own axes are those of what it is read from."""
    stated = next(n for n in graph.nodes.values() if kind(n) == "Output").output_type
    shape = tuple(int(n) for n in np.atleast_1d(stated["output"]))
    for name in flat.outputs:
        read = flat.shapes[name][1]
        if math.prod(shape) == math.prod(read) and not layers.same_axes(shape, read):
            raise InputError(f"its output states shape {shape}, node {name} gives {read}")


def _metadata(graph: Any) -> dict[str, Any]:
    """Return what neurosim wrote into a graph's metadata."""
    metadata = graph.metadata if isinstance(graph.metadata, dict) else {}
    text = metadata.get(METADATA)
    if text is None:
        return {}
    try:
        known = dict(json.loads(text.decode() if isinstance(text, bytes) else str(text)))
    except (ValueError, TypeError, RecursionError) as error:
        reason = outside.reason(error)
        raise InputError(f"its neurosim metadata cannot be read ({reason})") from error
    for name, types in _METADATA_TYPES.items():
        value = known.get(name)
        odd = isinstance(value, bool) and bool not in types
        if name in known and (odd or not isinstance(value, types)):
            raise InputError(f"its neurosim metadata give {name} as {shown(value)}")
    return known


def _convention(source: str | Convention | None, known: dict[str, Any]) -> Convention:
    if isinstance(source, Convention):
        return source
    name = "nir" if source is None else source
    if name not in CONVENTIONS:
        raise InputError(f"source {name!r} is not known; choose from {', '.join(CONVENTIONS)}")
    convention = CONVENTIONS[name]
    changes = {n: known[n] for n in ("scheme", "reset", "at_threshold") if n in known}
    try:
        return replace(convention, **changes)
    except TypeError as error:
        raise InputError(f"its neurosim metadata are odd ({error})") from error


def _limits(limits: Any, nodes: dict[str, Any]) -> dict[str, int]:
    """Return the most spikes of a step by node, as neurosim writes them."""
    if limits is None:
        return {}
    spiking = {name for name, node in nodes.items() if kind(node) in NEURONS}
    if not isinstance(limits, dict) or set(limits) != spiking:
        raise InputError(f"its metadata give max_spikes {limits}; expected are {sorted(spiking)}")
    for name, most in limits.items():
        if not isinstance(most, int) or most < 1:
            raise InputError(f"its metadata give max_spikes {most!r} for {name}; it is 1 or more")
    return dict(limits)


def _step(dt: Any, convention: Convention, nodes: dict[str, Any]) -> float:
    if dt is None and convention.source == "rockpool":
        hidden = [rockpool_dt(n.tau_mem, n.r) for n in nodes.values() if kind(n) == "CubaLIF"]
        dt = float(np.median(hidden)) if hidden else None
    if dt is None:
        raise InputError(
            "it states no time step: give dt in the unit of its time constants (--dt), or say who "
            f"wrote it (--source), one of {', '.join(CONVENTIONS)}"
        )
    try:
        step = float(dt)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"dt is {shown(dt)}; it must be a positive time") from None
    if not (np.isfinite(step) and step > 0):
        raise InputError(f"dt is {step}; it must be a positive time")
    return step


def _flatten(
    graph: Any, prefix: str
) -> tuple[dict[str, Any], tuple[Edge, ...], tuple[str, ...], tuple[str, ...]]:
    """Return nodes and edges of all levels, and the nodes that receive input and feed output."""
    nodes: dict[str, Any] = {}
    heads: dict[str, tuple[str, ...]] = {}
    tails: dict[str, tuple[str, ...]] = {}
    inner: list[Edge] = []
    for name, node in graph.nodes.items():
        path = prefix + name
        if kind(node) == "NIRGraph":
            sub, edges, sub_heads, sub_tails = _flatten(node, f"{path}.")
            _add(nodes, sub)
            inner += edges
            heads[name], tails[name] = sub_heads, sub_tails
        elif kind(node) in ("Input", "Output"):
            continue
        else:
            _add(nodes, {path: node})
            heads[name] = tails[name] = (path,)
    ends = {n: kind(node) for n, node in graph.nodes.items() if kind(node) in ("Input", "Output")}
    for end in ("Input", "Output"):
        count = list(ends.values()).count(end)
        if count != 1:
            raise InputError(f"graph {prefix or 'of the file'!r} has {count} {end} nodes; one runs")
    first: list[str] = []
    last: list[str] = []
    _check_edges(graph, prefix)
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
    return nodes, tuple(inner), tuple(first), tuple(last)


def _add(nodes: dict[str, Any], new: dict[str, Any]) -> None:
    """Add nodes by their names.

    Raises:
        InputError: a name is taken, which parts of names joined by dots may be.
    """
    for name, node in new.items():
        if name in nodes:
            raise InputError(
                f"two nodes are called {name!r}, one of them within a graph; rename one"
            )
        nodes[name] = node


def _check_edges(graph: Any, prefix: str) -> None:
    """Refuse an edge that is there twice, as nir does: it is not said what that means."""
    seen: set[Edge] = set()
    for a, b in graph.edges:
        if (a, b) in seen:
            raise InputError(
                f"edge {prefix}{a} -> {prefix}{b} is there twice; leave one out, or double its "
                "weights"
            )
        seen.add((a, b))


def _input_shape(graph: Any, nodes: dict[str, Any], heads: tuple[str, ...]) -> tuple[int, ...]:
    """Return the shape of the input; a batch axis that a source left in it is dropped."""
    shapes = next(n for n in graph.nodes.values() if kind(n) == "Input").input_type
    stated = shapes.get("input") if isinstance(shapes, dict) else None
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
