"""A XyloSpec as plain Brian2 objects: groups, synapses, monitors.

Slower than the library. It runs without a compiler (numpy), and on a GPU. Samples are copies of the
network side by side; a neuron has the index `neuron * samples + sample`, so that any range of
neurons is a subgroup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2 import targets
from neurosim.engines.brian2.xylo_parameters import (
    Neurons,
    alias_targets,
    populations,
    weights,
)
from neurosim.engines.engine import Records
from neurosim.equations.groups import group
from neurosim.equations.xylo import MAX_INPUT

if TYPE_CHECKING:
    from neurosim.equations import Declaration
    from neurosim.xylo.spec import XyloSpec

CHUNK = 64
"""Samples in one Brian2 network; all in one where each network is a program to be built."""


def run(spec: XyloSpec, raster: np.ndarray, record: tuple[str, ...], target: str) -> Records:
    """Run all samples of a raster (samples, steps, channels) as Brian2 objects.

    Args:
        spec: the network.
        raster: event counts.
        record: names of variables.
        target: "numpy", "cython", "cpp_standalone" or "cuda_standalone".

    Returns:
        Of the hidden and the output neurons, arrays (samples, steps, neurons) by variable.
    """
    size = CHUNK if target in targets.RUNTIME else max(len(raster), 1)
    chunks = []
    for first in range(0, len(raster), size):
        with targets.session(target) as run:
            chunks.append(_run_chunk(spec, raster[first : first + size], record, run))
    return [
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for parts in zip(*chunks, strict=True)
    ]


def _run_chunk(
    spec: XyloSpec, raster: np.ndarray, record: tuple[str, ...], run: targets.Run
) -> Records:
    import brian2

    samples, steps, _ = raster.shape
    dt = 1 * brian2.ms  # Brian2's clock; the integer network counts steps
    neurons = populations(spec)
    groups = {
        name: group(of.model, of.n * samples, name=name, dt=dt) for name, of in neurons.items()
    }
    for name, members in groups.items():
        for parameter, values in neurons[name].parameters.items():
            setattr(members, parameter, np.repeat(values, samples))
    source = _input(raster, dt)
    links = _synapses(spec, neurons, source, groups, samples)
    aliases = _schedule(spec, neurons, groups, samples, dt)
    monitors = {
        name: brian2.StateMonitor(
            groups[name], [n for n in of.model.variables if n in record], True, when="end", dt=dt
        )
        for name, of in neurons.items()
    }
    network = brian2.Network(source, *groups.values(), *links, *aliases, *monitors.values())
    run(network, steps * dt)
    return [
        {v: _by_sample(getattr(monitor, v), v, samples) for v in monitor.record_variables}
        for monitor in monitors.values()
    ]


def _input(raster: np.ndarray, dt: Any) -> Any:
    """Return a group whose neurons `channel * samples + sample` emit the raster's counts."""
    import brian2

    samples, steps, channels = raster.shape
    counts = raster.transpose(1, 2, 0).reshape(steps, -1).astype(float)
    source = brian2.NeuronGroup(
        channels * samples,
        "spikes : integer",
        threshold="spikes > 0",
        namespace={"counts": brian2.TimedArray(np.minimum(counts, MAX_INPUT), dt=dt)},
        dt=dt,
    )
    source.run_regularly("spikes = int(counts(t, i))", when="start", order=-2, dt=dt)
    source.set_event_schedule("spike", when="start", order=-1)
    return source


def _synapses(
    spec: XyloSpec,
    neurons: dict[str, Neurons],
    source: Any,
    groups: dict[str, Any],
    samples: int,
) -> list[Any]:
    """Return all connections; at the start of a step they carry the spikes of the last one.

    The order is that of the chip: input channels first, presynaptic numbers ascending.
    """
    hidden, output = groups["hidden"], groups["output"]
    matrices = weights(spec)
    receive = [n for n in neurons["hidden"].model.events if n.startswith("receive")]
    feeding = hidden[hidden.N - len(spec.weights_out) * samples :]
    plan = [
        *(
            (source, hidden, "hidden", *pair)
            for pair in zip(receive, matrices["input"], strict=True)
        ),
        *((hidden, hidden, "hidden", *p) for p in zip(receive, matrices["recurrent"], strict=True)),
        (feeding, output, "output", "receive", matrices["readout"][0]),
    ]
    links = []
    for order, (pre, post, population, event, matrix) in enumerate(plan):
        if matrix.any():
            link = _link(neurons[population].model, event, pre, post, np.nonzero(matrix), samples)
            link.w = np.repeat(matrix[np.nonzero(matrix)], samples)
            link.pre.when, link.pre.order = "start", order
            links.append(link)
    return links


def _link(
    model: Declaration,
    event: str,
    pre: Any,
    post: Any,
    pairs: tuple[np.ndarray, ...],
    samples: int,
) -> Any:
    """Connect pairs of neurons (from, to) within each sample, in their order."""
    import brian2

    link = brian2.Synapses(
        pre,
        post,
        model.synapse,
        on_pre=model.events[event],
        namespace=post.namespace,
        clock=post.clock,
    )
    i, j = ((n[:, None] * samples + np.arange(samples)).ravel() for n in pairs)
    link.connect(i=i, j=j)
    return link


def _schedule(
    spec: XyloSpec,
    neurons: dict[str, Neurons],
    groups: dict[str, Any],
    samples: int,
    dt: Any,
) -> list[Any]:
    """Let all blocks of a step run in the chip's order, and return what carries the aliases.

    Hidden neurons fire in segments of neighbours, none of which has an alias to a later one of its
    own segment; a segment's aliases follow it.
    """
    for name, members in groups.items():
        step = neurons[name].model.step
        members.run_regularly(step["membrane"], when="groups", order=1, dt=dt)
    fire = neurons["output"].model.step["fire"]
    groups["output"].run_regularly(fire, when="groups", order=2, dt=dt)
    hidden, model = groups["hidden"], neurons["hidden"].model
    targets = alias_targets(spec)
    if targets is None:
        targets = np.full(spec.hidden, -1)
    carriers = []
    for k, (first, last) in enumerate(segments(targets)):
        part = hidden[first * samples : last * samples]
        part.run_regularly(model.step["fire"], when="groups", order=4 * k + 2, dt=dt)
        own = first + np.flatnonzero(targets[first:last] >= 0)
        if len(own):
            relay = _relay(hidden, own, samples, 4 * k + 3)
            pairs = (np.arange(len(own)), targets[own])
            link = _link(model, "alias", relay, hidden, pairs, samples)
            link.pre.when, link.pre.order = "groups", 4 * k + 5
            carriers += [relay, link]
    return carriers


def _relay(hidden: Any, chosen: np.ndarray, samples: int, order: int) -> Any:
    """Return a group that repeats the spikes of some neurons within the same step."""
    import brian2

    relay = brian2.NeuronGroup(
        len(chosen) * samples,
        """spikes : integer
        repeated : integer (linked)""",
        threshold="spikes > 0",
        clock=hidden.clock,
    )
    index = (chosen[:, None] * samples + np.arange(samples)).ravel()
    relay.repeated = brian2.linked_var(hidden, "spikes", index=index)
    relay.run_regularly("spikes = repeated", when="groups", order=order, dt=hidden.clock.dt)
    relay.set_event_schedule("spike", when="groups", order=order + 1)
    return relay


def segments(targets: np.ndarray) -> list[tuple[int, int]]:
    """Cut 0..len(targets) into ranges (first, last) with no alias to a later neuron inside."""
    edges = [0]
    forward = np.flatnonzero(targets > np.arange(len(targets)))
    for k in range(len(targets)):
        inside = forward[(forward >= edges[-1]) & (targets[forward] == k)]
        if len(inside):
            edges.append(k)
    return list(zip(edges, [*edges[1:], len(targets)], strict=True))


def _by_sample(values: Any, name: str, samples: int) -> np.ndarray:
    """Turn a monitor's (neurons * samples, steps) into (samples, steps, neurons)."""
    values = np.asarray(values)
    shaped = values.reshape(-1, samples, values.shape[1]).transpose(1, 2, 0)
    return np.ascontiguousarray(shaped, dtype=np.uint8 if name == "spikes" else np.int16)
