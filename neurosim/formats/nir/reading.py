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
    numbers,
    parameters,
    rockpool_step,
)
from neurosim.formats.nir.graph import NEURONS, Graph, kind
from neurosim.formats.nir.levels import Level, flatten

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
        dt: time step in the unit of the file's time constants. A NIR file states none, but for
            neurosim's own. Without it: the source's usual one (snnTorch 1e-4, sinabs 1, ...), or
            what `rockpool_step` finds in a file of rockpool; `Graph.says` tells which.
        reset: one of `convention.RESETS`, where the source's usual one was not used.

    Raises:
        InputError: the file is no NIR, holds what cannot be run, or lacks a time step.
    """
    values = hdf5.read(path, "NIR file").values
    version = str(values.get("version", ""))
    what = f"NIR file, written by NIR {shown(version)}" if version.startswith("0.") else "NIR file"
    with outside.reading(path, what):
        graph = nir.dict2NIRNode(_as_written_now(values["node"]))
        read = from_nir(graph, source=source, dt=dt, reset=reset)
        if left_out := _without_w_in(values["node"], ""):
            read.says["not stated"] = f"w_in of {shown(', '.join(left_out))}, which is 1 then"
        return read


def _without_w_in(values: dict[str, Any], prefix: str) -> list[str]:
    """Return the neurons with a synaptic current that state no gain of it: versions before 1."""
    names = []
    for name, node in values["nodes"].items():
        if node["type"] == "NIRGraph":
            names += _without_w_in(node, f"{prefix}{name}.")
        elif node["type"] in ("CubaLIF", "CubaLI") and "w_in" not in node:
            names.append(prefix + name)
    return names


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
    level = flatten(graph)
    nodes = level.nodes
    for name, node in nodes.items():
        if kind(node) not in (*NEURONS, *layers.KINDS):
            raise InputError(
                f"node {name} is {kind(node)}, which cannot be run here; known are "
                f"{', '.join((*NEURONS, *layers.KINDS))}"
            )
    convention = _convention(known.get("source") if source is None else source, known)
    if reset is not None:
        convention = replace(convention, reset=reset)
    dt, origin = _step(dt, known, convention, nodes)
    if origin.startswith("usual") and not isinstance(source, Convention):
        _check_unit(dt, convention.source, nodes)
    shape = _input_shape(level)
    limits = _limits(known.get("max_spikes"), nodes)
    assumed = _assumed(source, reset, known, convention)
    ends = (level.edges, level.heads, level.tails)
    says = {"dt is": origin}
    flat = Graph(nodes, *ends, shape, convention, dt, limits, says, assumed)
    flat = stepped(flat, convention, assumed)
    _check_output(level.output, flat)
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
    kept = ("dt is", "not stated")
    says = {
        "source": convention.source,
        "dt": graph.dt,
        **{name: graph.says[name] for name in kept if name in graph.says},
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
        try:
            parameters(graph.nodes[name], convention, graph.dt, graph.most_spikes(name))
        except InputError as error:
            raise InputError(f"node {name}: {error}") from error
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


def _check_output(output: Any, flat: Graph) -> None:
    """Check all shapes, and that the output's own axes are those of what it is read from."""
    shape = tuple(int(n) for n in np.atleast_1d(output.output_type["output"]))
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


def _step(
    given: Any, known: dict[str, Any], convention: Convention, nodes: dict[str, Any]
) -> tuple[float, str]:
    """Return the time step and where it comes from, which no NIR file states but neurosim's."""
    source = convention.source
    for value, origin in (
        (given, "as given"),
        (known.get("dt"), "in the file's metadata"),
        (convention.dt, f"usual for {source}"),
    ):
        if value is not None:
            return _positive(value), origin
    if source == "rockpool":
        return rockpool_step(nodes), "by r of its neurons, as rockpool writes it"
    raise InputError(
        "it states no time step: give dt in the unit of its time constants (--dt), or say who "
        f"wrote it (--source), one of {', '.join(CONVENTIONS)}"
    )


def _positive(dt: Any) -> float:
    try:
        step = float(dt)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"dt is {shown(dt)}; it must be a positive time") from None
    if not (np.isfinite(step) and step > 0):
        raise InputError(f"dt is {step}; it must be a positive time")
    return step


SLOWEST = 1000
"""Steps of the shortest time constant, above which it is in another unit than a source's dt."""


def _check_unit(dt: float, source: str, nodes: dict[str, Any]) -> None:
    """Refuse a source's usual dt where the time constants are in another unit.

    Early files of snnTorch and Norse hold time constants in steps or seconds, later ones do not.
    """
    taus = [
        float(np.min(numbers(name, getattr(node, name))))
        for node in nodes.values()
        for name in ("tau", "tau_mem", "tau_syn")
        if kind(node) in NEURONS and hasattr(node, name)
    ]
    if taus and min(taus) > SLOWEST * dt:
        raise InputError(
            f"its shortest time constant is {min(taus):.4g}, {min(taus) / dt:,.0f} steps of the "
            f"{dt:g} that is usual for {source}: it is in another unit; give dt in it (--dt), 1 "
            "where time constants are in steps"
        )


def _input_shape(level: Level) -> tuple[int, ...]:
    """Return the shape of the input; a batch axis that a source left in it is dropped."""
    shapes = level.input.input_type
    stated = shapes.get("input") if isinstance(shapes, dict) else None
    shape = () if stated is None else tuple(int(n) for n in np.atleast_1d(stated))
    for name in level.heads:
        node = level.nodes[name]
        if kind(node) in ("Linear", "Affine"):
            n = int(np.shape(node.weight)[1])
            if not shape or (int(np.prod(shape)) != n and shape[-1] == n):
                shape = (n,)
        elif kind(node) in ("Conv2d", "SumPool2d", "AvgPool2d"):
            shape = shape[-3:]
    if not shape or min(shape) < 1:
        raise InputError(f"the shape of its input is {shape}; it must be stated")
    return shape
