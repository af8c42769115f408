"""Run a NIR graph: Brian2 steps the neurons, numpy does what has no state.

A loop carries the signal of the step before. It is solved by waveform relaxation (Lelarasmee,
Ruehli, Sangiovanni-Vincentelli, IEEE Trans. CAD 1:131, 1982, doi:10.1109/TCAD.1982.1270004): the
whole course of time is run with the last pass's course in the loop, until it stays. As each pass
makes at least one more step right, that takes at most as many passes as there are steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.errors import InputError
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import parameters
from neurosim.formats.nir.graph import NEURONS, Graph, kind, output_shapes
from neurosim.recording import Recording

States = dict[str, np.ndarray]
Stepper = Callable[[States, np.ndarray], States]

VARIABLES = ("spikes", "v_mem", "i_syn")


def run(graph: Graph, raster: np.ndarray, *, engine: str = "brian2") -> Recording:
    """Run all samples, each from a zero state, and record spikes and states of all neurons.

    Args:
        graph: what `load` gives.
        raster: (samples, time, channels) or (samples, time, *shape) counts or currents.
        engine: "brian2", or "numpy" for an independent run of the same arithmetic.

    Returns:
        A population for each node with neurons, named as in the file, neurons flattened; v_mem is
        taken after the reset. Nodes that do not spike (LI) have states only.

    Raises:
        InputError: the raster does not fit, or there are no neurons.
    """
    if engine not in _STEPPERS:
        raise InputError(f"engine {engine!r} does not run a NIR graph; choose from brian2, numpy")
    if not graph.neurons:
        raise InputError("the NIR graph has no neurons")
    x = np.moveaxis(checked(graph, raster), 1, 0)
    states = _relax(graph, x, _STEPPERS[engine])
    arrays: dict[str, Any] = {}
    most = np.min_scalar_type(max(graph.most_spikes(name) for name in graph.neurons))
    for variable in VARIABLES:
        dtype = most if variable == "spikes" else np.float64
        arrays[variable] = tuple(
            np.ascontiguousarray(np.moveaxis(states[name][variable], 0, 1), dtype=dtype)
            for name in graph.neurons
        )
    provenance = {"engine": engine, "nir": graph.says}
    return Recording(**arrays, dt=graph.dt, populations=graph.neurons, provenance=provenance)


def checked(graph: Graph, raster: np.ndarray) -> np.ndarray:
    """Return a raster as float64 (samples, time, *shape of the graph's input).

    Raises:
        InputError: the raster has another shape, no values, or some that are not finite.
    """
    try:
        raster = np.asarray(raster, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("raster holds no numbers; give (samples, time, channels)") from None
    if raster.ndim < 3 or 0 in raster.shape or int(np.prod(raster.shape[2:])) != graph.channels:
        raise InputError(
            f"raster has shape {raster.shape}; the NIR graph reads (samples, time, "
            f"{', '.join(map(str, graph.shape))})"
        )
    if not np.isfinite(raster).all():
        raise InputError("raster holds values that are not finite")
    return raster.reshape(*raster.shape[:2], *graph.shape)


def _relax(graph: Graph, x: np.ndarray, stepper: Stepper) -> dict[str, States]:
    """Run all nodes until the signals of the edges that lead back stay as they are."""
    back, order, rest = graph.recurrent(), graph.order(), _rest(graph)
    signals: dict[str, np.ndarray] = {}
    heard: dict[str, np.ndarray] = {}
    states: dict[str, States] = {}
    for _ in range(len(x) + 1):
        before = {a: signals.get(a) for a, _ in back}
        for name in order:
            total = _heard(graph, name, signals, before, x, rest)
            if name in heard and np.array_equal(heard[name], total):
                continue
            heard[name], node = total, graph.nodes[name]
            if kind(node) in NEURONS:
                states[name] = _populate(graph, name, total, stepper)
                out = states[name]["v_mem" if kind(node) in ("LI", "CubaLI", "I") else "spikes"]
                signals[name] = out.reshape(total.shape)
            else:
                signals[name] = layers.apply(name, node, total)
        if all(_same(before[a], signals[a]) for a in before):
            break
    return states


def _rest(graph: Graph) -> dict[str, np.ndarray]:
    """Return what each node gives before the first step, when no neuron has fired: biases."""
    shapes, back = output_shapes(graph), graph.recurrent()
    rest: dict[str, np.ndarray] = {}
    for name in graph.order():
        node = graph.nodes[name]
        if kind(node) in NEURONS:
            rest[name] = np.zeros((1, 1, *shapes[name]))
            continue
        heard = [rest[a] for a in graph.before(name) if (a, name) not in back]
        total = heard[0] if heard else np.zeros((1, 1, *graph.shape))
        for part in heard[1:]:
            total = total + part.reshape(total.shape)
        rest[name] = layers.apply(name, node, total)
    return rest


def _same(a: np.ndarray | None, b: np.ndarray) -> bool:
    return a is not None and np.array_equal(a, b)


def _heard(
    graph: Graph,
    name: str,
    signals: dict[str, np.ndarray],
    before: dict[str, np.ndarray | None],
    x: np.ndarray,
    rest: dict[str, np.ndarray],
) -> np.ndarray:
    """Add up what a node hears; what leads back comes a step late, from the pass before."""
    back = graph.recurrent()
    parts = [x] if name in graph.inputs else []
    late = []
    for a in graph.before(name):
        if (a, name) not in back:
            parts.append(signals[a])
        elif before[a] is not None:
            course = before[a]
            assert course is not None
            late.append(np.concatenate([np.broadcast_to(rest[a], course[:1].shape), course[:-1]]))
    total = parts[0]
    for part in (*parts[1:], *late):
        total = total + part.reshape(total.shape)
    return total


def _populate(graph: Graph, name: str, current: np.ndarray, stepper: Stepper) -> States:
    """Step one node's neurons through all samples at once: (steps, samples, neurons)."""
    steps, samples = current.shape[:2]
    flat = current.reshape(steps, samples, -1)
    most = graph.most_spikes(name)
    values = parameters(graph.nodes[name], graph.convention, graph.dt, most)
    spread = {n: np.tile(np.broadcast_to(v, flat.shape[2]), samples) for n, v in values.items()}
    found = stepper(spread, flat.reshape(steps, -1))
    return {variable: found[variable].reshape(flat.shape) for variable in VARIABLES}


def _step_brian2(values: States, current: np.ndarray) -> States:
    """Step neurons as Brian2 generates the arithmetic of `nir-neuron`."""
    from neurosim.engines.brian2 import simulate

    steps, n = current.shape
    result = simulate(
        "nir-neuron",
        n=n,
        duration=steps * 1e-3,
        dt=1e-3,
        parameters=values,
        inputs={"I": current},
        record=VARIABLES,
    )
    return {variable: np.asarray(result.traces[variable]) for variable in VARIABLES}


def _step_numpy(values: States, current: np.ndarray) -> States:
    """Step the same neurons in numpy, written from the declared equations."""
    p = {name: value.astype(float) for name, value in values.items()}
    v, i = p["V_0"].copy(), np.zeros(current.shape[1])
    out = {variable: np.empty(current.shape) for variable in VARIABLES}
    at = p["at_threshold"] > 0
    for t, arriving in enumerate(current):
        i = p["beta"] * i + p["w_in"] * arriving
        v = p["alpha"] * v + p["gain"] * i + p["drive"]
        level = v / p["theta_0"]
        fires = np.where(at, v >= p["theta_0"], v > p["theta_0"])
        count = np.where(at, np.floor(level), np.ceil(level) - 1)
        spikes = np.where(fires, np.clip(count, 1, p["max_spikes"]), 0)
        reset = np.where(fires, p["V_r"], v)
        v = np.where(p["subtract"] > 0, v - spikes * p["fall"] * p["theta_0"], reset)
        out["spikes"][t], out["v_mem"][t], out["i_syn"][t] = spikes, v, i
    return out


_STEPPERS: dict[str, Stepper] = {"brian2": _step_brian2, "numpy": _step_numpy}
