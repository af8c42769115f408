"""Run a NIR graph: Brian2 or numpy steps the neurons, numpy does what has no state.

A connection that closes a loop carries the spikes of the step before, see
`neurosim.formats.nir.flow`. It is solved by waveform relaxation (Lelarasmee,
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
from neurosim.formats.nir.graph import Graph, kind
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
        states = _Relaxation(model, np.moveaxis(raster, 1, 0), self._step).run()
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
        if 0 in raster.shape or not layers.same_axes(raster.shape[2:], model.shape):
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
        at, late = p["at_threshold"] > 0, p["late"] > 0
        spikes = np.zeros_like(v)
        for t, arriving in enumerate(current):
            i = p["beta"] * i + p["w_in"] * arriving
            v = p["alpha"] * v + p["gain"] * i + p["drive"]
            v = np.where(late & (spikes > 0), p["V_r"], v)
            level = v / p["theta_0"]
            fires = np.where(at, v >= p["theta_0"], v > p["theta_0"])
            count = np.where(at, np.floor(level), np.ceil(level) - 1)
            spikes = np.where(fires, np.clip(count, 1, p["max_spikes"]), 0)
            reset = np.where(fires & ~late, p["V_r"], v)
            v = np.where(p["subtract"] > 0, v - spikes * p["fall"] * p["theta_0"], reset)
            out["spikes"][t], out["v_mem"][t], out["i_syn"][t] = spikes, v, i
        if not np.isfinite(v + i).all():  # a value that is not finite stays so
            raise InputError(
                f"nir-neuron: v_mem or i_syn is no longer finite after {len(current)} steps; lower "
                "the weights or the input"
            )
        return out

    def _versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}


Key = tuple[str, frozenset[str]]
"""A node, and which of the neurons that reach it are heard a step late."""


class _Relaxation:
    """Runs all nodes until the signals of the connections that act late stay as they are."""

    def __init__(self, graph: Graph, x: np.ndarray, stepper: Stepper) -> None:
        self.graph, self.flow, self.x, self.stepper = graph, graph.flow, x, stepper
        self.inputs: dict[Key, np.ndarray] = {}
        self.signals: dict[Key, np.ndarray] = {}
        self.states: dict[str, States] = {}
        self.delayed: dict[str, np.ndarray] = {}
        """Of the neuron nodes that are heard late: their signals of the pass before."""

    def run(self) -> dict[str, States]:
        late = frozenset().union(*self.flow.late.values())
        for name in late:
            shape = (*self.x.shape[:2], *self.graph.shapes[name][1])
            self.delayed[name] = np.zeros(shape)
        for _ in range(len(self.x) + 1):
            for name in self.flow.neurons:
                for node in (*self.flow.towards(name), name):
                    self._visit(node, self.flow.late[name])
            new = {name: _a_step_later(self.signals[name, frozenset()]) for name in late}
            if all(np.array_equal(new[name], self.delayed[name]) for name in late):
                break
            self.delayed = new
        return self.states

    def _key(self, name: str, late: frozenset[str]) -> Key:
        """Return under which key a node's signal stands, heard with some neurons late."""
        return name, frozenset() if name in self.flow.late else late & self.flow.hears[name]

    def _visit(self, name: str, late: frozenset[str]) -> None:
        """Make a node's signal from what it receives, unless that stayed as it was."""
        key, total = self._key(name, late), self._input(name, late)
        if key in self.inputs and np.array_equal(self.inputs[key], total):
            return
        self.inputs[key], node = total, self.graph.nodes[name]
        if name in self.flow.late:
            self.states[name] = _populate(self.graph, name, total, self.stepper)
            out = self.states[name]["v_mem" if kind(node) in ("LI", "CubaLI", "I") else "spikes"]
            self.signals[key] = out.reshape(total.shape)
        else:
            self.signals[key] = layers.apply(name, node, total)

    def _input(self, name: str, late: frozenset[str]) -> np.ndarray:
        """Add up the signals into a node."""
        parts = [self.x] if name in self.graph.inputs else []
        for a in self.flow.before[name]:
            parts.append(self.delayed[a] if a in late else self.signals[self._key(a, late)])
        shape = (*self.x.shape[:2], *self.graph.shapes[name][0])
        return _sum([part.reshape(shape) for part in parts])


def _a_step_later(signal: np.ndarray) -> np.ndarray:
    """Return a course (steps, ...) a step later; before the first step no neuron has fired."""
    return np.concatenate([np.zeros_like(signal[:1]), signal[:-1]])


def _sum(parts: list[np.ndarray]) -> np.ndarray:
    """Add arrays; the order in which they come does not show in the rounding."""
    if len(parts) > 2:
        parts = list(np.sort(parts, axis=0))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _populate(graph: Graph, name: str, current: np.ndarray, stepper: Stepper) -> States:
    """Step one node's neurons through all samples at once: (steps, samples, neurons)."""
    steps, samples = current.shape[:2]
    flat = current.reshape(steps, samples, -1)
    if len(odd := np.argwhere(~np.isfinite(flat))):
        raise InputError(
            f"node {name}: its input is no longer finite in step {odd[0][0]} of sample {odd[0][1]};"
            " lower the weights or the input"
        )
    most = graph.most_spikes(name)
    values = parameters(graph.nodes[name], graph.convention, graph.dt, most)
    spread = {n: np.tile(np.broadcast_to(v, flat.shape[2]), samples) for n, v in values.items()}
    stepped = stepper(spread, flat.reshape(steps, -1))
    return {variable: stepped[variable].reshape(flat.shape) for variable in VARIABLES}


ENGINE, NUMPY_ENGINE = NirEngine(), NirNumpyEngine()
