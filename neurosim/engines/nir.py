"""Run a NIR graph: Brian2 or numpy steps the neurons, numpy does what has no state.

A loop carries the signal of the step before. It is solved by waveform relaxation (Lelarasmee,
Ruehli, Sangiovanni-Vincentelli, IEEE Trans. CAD 1:131, 1982, doi:10.1109/TCAD.1982.1270004): the
whole course of time is run with the last pass's course in the loop, until it stays. As each pass
makes at least one more step right, that takes at most as many passes as there are steps.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from neurosim.engines.engine import Engine, Records
from neurosim.errors import InputError
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import parameters
from neurosim.formats.nir.graph import NEURONS, Graph, kind, output_shapes
from neurosim.raster import as_samples

States = dict[str, np.ndarray]
Stepper = Callable[[States, np.ndarray], States]

VARIABLES = ("spikes", "v_mem", "i_syn")


class NirEngine(Engine):
    """Runs a NIR graph, neurons in Brian2.

    A population is a node with neurons, named as in the file, its neurons flattened. Nodes that do
    not spike (LI) have states only.
    """

    name = "nir"
    models: ClassVar[tuple[type[Any], ...]] = (Graph,)

    def _run(
        self, model: Graph, raster: np.ndarray, variables: tuple[str, ...]
    ) -> tuple[Records, dict[str, Any]]:
        if not model.populations:
            raise InputError("the NIR graph has no neurons")
        states = _relax(model, np.moveaxis(raster, 1, 0), self._step)
        most = np.min_scalar_type(max(model.most_spikes(name) for name in model.populations))
        types: dict[str, Any] = {"spikes": most, "v_mem": np.float64, "i_syn": np.float64}
        records = [
            {
                v: np.ascontiguousarray(np.moveaxis(states[name][v], 0, 1), dtype=types[v])
                for v in variables
            }
            for name in model.populations
        ]
        return records, {"nir": model.says, **self._versions()}

    def _events(self, model: Any, raster: np.ndarray) -> np.ndarray:
        """Return counts or currents as float64 (samples, time, *shape of the graph's input)."""
        raster = as_samples(raster)
        if raster.dtype.kind not in "biuf":
            raise InputError(f"raster has dtype {raster.dtype}; give counts or currents")
        values = int(np.prod(raster.shape[2:]))
        if 0 in raster.shape or values != model.channels:
            raise InputError(
                f"raster has shape {raster.shape}; the NIR graph reads (samples, time, "
                f"{', '.join(map(str, model.shape))})"
            )
        if not np.isfinite(raster).all():
            raise InputError("raster holds values that are not finite")
        return raster.astype(np.float64).reshape(*raster.shape[:2], *model.shape)

    def _step(self, values: States, current: np.ndarray) -> States:
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

    def _versions(self) -> dict[str, str]:
        return {"brian2": version("brian2")}


class NirNumpyEngine(NirEngine):
    """Runs a NIR graph in numpy: the same arithmetic, written from the declared equations."""

    name = "nir-numpy"

    def _step(self, values: States, current: np.ndarray) -> States:
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

    def _versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}


def _relax(graph: Graph, x: np.ndarray, stepper: Stepper) -> dict[str, States]:
    """Run all nodes until the signals of the edges that lead back stay as they are."""
    back, order, rest = graph.recurrent(), graph.order(), _rest(graph)
    signals: dict[str, np.ndarray] = {}
    inputs: dict[str, np.ndarray] = {}
    states: dict[str, States] = {}
    for _ in range(len(x) + 1):
        before = {a: signals.get(a) for a, _ in back}
        for name in order:
            total = _input(graph, name, signals, before, x, rest)
            if name in inputs and np.array_equal(inputs[name], total):
                continue
            inputs[name], node = total, graph.nodes[name]
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
        parts = [rest[a] for a in graph.before(name) if (a, name) not in back]
        total = parts[0] if parts else np.zeros((1, 1, *graph.shape))
        for part in parts[1:]:
            total = total + part.reshape(total.shape)
        rest[name] = layers.apply(name, node, total)
    return rest


def _same(a: np.ndarray | None, b: np.ndarray) -> bool:
    return a is not None and np.array_equal(a, b)


def _input(
    graph: Graph,
    name: str,
    signals: dict[str, np.ndarray],
    before: dict[str, np.ndarray | None],
    x: np.ndarray,
    rest: dict[str, np.ndarray],
) -> np.ndarray:
    """Add up the signals into a node; what leads back comes a step late, from the pass before."""
    back = graph.recurrent()
    parts = [x] if name in graph.inputs else []
    late = []
    for a in graph.before(name):
        if (a, name) not in back:
            parts.append(signals[a])
        elif (course := before[a]) is not None:
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
    stepped = stepper(spread, flat.reshape(steps, -1))
    return {variable: stepped[variable].reshape(flat.shape) for variable in VARIABLES}


ENGINE, NUMPY_ENGINE = NirEngine(), NirNumpyEngine()
