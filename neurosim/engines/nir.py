"""Run a NIR graph: Brian2 or numpy steps the neurons, numpy does what has no state.

A connection that closes a loop carries the spikes of the step before, see
`neurosim.formats.nir.flow`. The neurons of a loop run step by step, all samples at once; what lies
in no loop runs its whole course of time in one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from neurosim.engines.engine import Engine, Records
from neurosim.errors import InputError
from neurosim.formats.nir import layers
from neurosim.formats.nir.convention import numbers, parameters
from neurosim.formats.nir.graph import Graph, kind
from neurosim.raster import as_samples

if TYPE_CHECKING:
    from neurosim.engines.brian2.targets import Population

States = dict[str, np.ndarray]

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
        states = _Run(model, np.moveaxis(raster, 1, 0), self).states()
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

    def population(self, values: States, current: np.ndarray) -> AbstractContextManager[Population]:
        """Return neurons `nir-neuron` that run some steps at a time.

        Args:
            values: (neurons,) by parameter.
            current: (steps, neurons) what they receive, "I", where it is not fed step by step.
        """
        from neurosim.engines.brian2 import stepping

        steps, n = current.shape
        options: dict[str, Any] = {"n": n, "steps": steps, "dt": 1e-3, "record": VARIABLES}
        return stepping("nir-neuron", parameters=values, fed={"I": current}, **options)

    def _versions(self) -> dict[str, str]:
        return {"brian2": version("brian2")}


class NirNumpyEngine(NirEngine):
    """Runs a NIR graph in numpy: the same arithmetic, written from the declared equations."""

    name = "nir-numpy"

    @contextmanager
    def population(self, values: States, current: np.ndarray) -> Iterator[Population]:
        """Return neurons that run some steps at a time, see `NirEngine.population`."""
        yield _NumpyPopulation(values, current)

    def _versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}


class _NumpyPopulation:
    """Neurons `nir-neuron` in numpy, written from the declared equations."""

    def __init__(self, values: States, current: np.ndarray) -> None:
        self._values = {name: value.astype(float) for name, value in values.items()}
        self._v = self._values["V_0"].copy()
        self._i, self._spikes = np.zeros_like(self._v), np.zeros_like(self._v)
        self._current, self._done = current, 0
        self.traces: States = {v: np.empty_like(self._current) for v in VARIABLES}

    def feed(self, name: str, step: int, values: np.ndarray) -> None:
        """Set the input of a step."""
        assert name == "I"
        self._current[step] = values

    def advance(self, steps: int) -> None:
        """Run the next steps."""
        for _ in range(steps):
            self._step(self._current[self._done])
            now = {"spikes": self._spikes, "v_mem": self._v, "i_syn": self._i}
            for variable, values in now.items():
                self.traces[variable][self._done] = values
            self._done += 1

    def _step(self, arriving: np.ndarray) -> None:
        p = self._values
        at, late = p["at_threshold"] > 0, p["late"] > 0
        self._i = p["beta"] * self._i + p["w_in"] * arriving
        v = p["alpha"] * self._v + p["gain"] * self._i + p["drive"]
        v = np.where(late & (self._spikes > 0), p["V_r"], v)
        level = v / p["theta_0"]
        fires = np.where(at, v >= p["theta_0"], v > p["theta_0"])
        count = np.where(at, np.floor(level), np.ceil(level) - 1)
        self._spikes = np.where(fires, np.clip(count, 1, p["max_spikes"]), 0)
        reset = np.where(fires & ~late, p["V_r"], v)
        fallen = v - self._spikes * p["fall"] * p["theta_0"]
        self._v = np.where(p["subtract"] > 0, fallen, reset)


Key = tuple[str, frozenset[str]]
"""A node, and which of the neurons that reach it are heard a step late."""
NOW: frozenset[str] = frozenset()
"""No neuron is heard late."""


class _Run:
    """Runs all nodes, the neurons of a loop together."""

    def __init__(self, graph: Graph, x: np.ndarray, engine: NirEngine) -> None:
        self.graph, self.flow, self.x, self.engine = graph, graph.flow, x, engine
        self.signals: dict[str, np.ndarray] = {}
        """Whole courses (steps, samples, *shape) of the nodes that are done, none heard late; of
        neurons that run, as far as they are."""
        self.recorded: dict[str, States] = {}

    def states(self) -> dict[str, States]:
        """Run, and return (steps, samples, neurons) by neuron node and variable."""
        for members in self.flow.together:
            if any(self.flow.late[name] for name in members):
                with ExitStack() as stack:
                    neurons = {n: stack.enter_context(self._neurons(n)) for n in members}
                    self._step_by_step(neurons)
            else:
                self._at_once(*members)
            for name in members:
                self._check(name)
        return self.recorded

    @contextmanager
    def _neurons(self, name: str, current: np.ndarray | None = None) -> Iterator[Population]:
        """Yield a node's neurons of all samples, not yet run; they are fed without a current."""
        graph, (steps, samples) = self.graph, self.x.shape[:2]
        shape = graph.shapes[name][1]
        n = int(np.prod(shape))
        values = parameters(graph.nodes[name], graph.convention, graph.dt, graph.most_spikes(name))
        spread = {p: np.tile(np.broadcast_to(v, n), samples) for p, v in values.items()}
        flat = np.zeros((steps, samples * n)) if current is None else current.reshape(steps, -1)
        with self.engine.population(spread, flat) as population:
            traces = population.traces
            self.recorded[name] = {v: traces[v].reshape(steps, samples, n) for v in VARIABLES}
            out = "v_mem" if kind(graph.nodes[name]) in ("LI", "CubaLI", "I") else "spikes"
            self.signals[name] = traces[out].reshape(steps, samples, *shape)
            yield population

    def _at_once(self, name: str) -> None:
        """Run neurons that lie in no loop, and all that leads to them."""
        for node in self.flow.towards(name):
            self._course(node)
        current = _sum(self._whole(name))
        _check_current(name, current, 0)
        with self._neurons(name, current) as population:
            population.advance(len(current))

    def _course(self, node: str) -> None:
        """Make the whole course of a node without state."""
        if node not in self.signals:
            received = _sum(self._whole(node))
            self.signals[node] = layers.apply(node, self.graph.nodes[node], received)

    def _whole(self, name: str) -> list[np.ndarray]:
        """Return the whole courses of all signals into a node."""
        shape = (*self.x.shape[:2], *self.graph.shapes[name][0])
        parts = [self.x] * self.graph.inputs.count(name)
        parts += [self.signals[a] for a in self.flow.before[name]]
        return [part.reshape(shape) for part in parts]

    def _step_by_step(self, neurons: dict[str, Population]) -> None:
        """Run neurons that hear each other, and what lies between them."""
        within: dict[str, list[str]] = {}
        nodes: dict[str, Any] = {}
        for name in neurons:
            towards = self.flow.towards(name)
            within[name] = [node for node in towards if self.flow.hears[node] & neurons.keys()]
            for node in set(towards) - set(within[name]):
                nodes[node] = None
            nodes |= {node: _in_float64(self.graph.nodes[node]) for node in within[name]}
        for node in self.flow.between:
            if node in nodes and nodes[node] is None:
                self._course(node)
        for step in range(len(self.x)):
            now: dict[Key, np.ndarray] = {}
            for name, population in neurons.items():
                late = self.flow.late[name]
                for node in within[name]:
                    key = self._key(node, late)
                    if key not in now:
                        received = _sum(self._arriving(node, late, step, now))
                        now[key] = layers.apply(node, nodes[node], received)
                current = _sum(self._arriving(name, late, step, now))
                _check_current(name, current, step)
                population.feed("I", step, current.reshape(-1))
                population.advance(1)

    def _key(self, node: str, late: frozenset[str]) -> Key:
        """Return under which key a node's signal stands, heard with some neurons late."""
        return node, late & self.flow.hears[node]

    def _arriving(
        self, name: str, late: frozenset[str], step: int, now: dict[Key, np.ndarray]
    ) -> list[np.ndarray]:
        """Return the signals (1, samples, *shape) into a node in a step."""
        shape = (1, self.x.shape[1], *self.graph.shapes[name][0])
        parts = [self.x[step : step + 1]] * self.graph.inputs.count(name)
        for a in self.flow.before[name]:
            if a in late:
                before = self.signals[a][step - 1 : step] if step else None
                parts.append(np.zeros(shape) if before is None else before)
            elif (key := self._key(a, late)) in now:
                parts.append(now[key])
            else:
                parts.append(self.signals[a][step : step + 1])
        return [part.reshape(shape) for part in parts]

    def _check(self, name: str) -> None:
        """Refuse neurons that blew up."""
        for variable, values in self.recorded[name].items():
            finite = np.isfinite(values)
            if not finite.all():
                step, sample, _ = np.argwhere(~finite)[0]
                raise InputError(
                    f"node {name}: {variable} is no longer finite in step {step} of sample "
                    f"{sample}; lower the weights or the input"
                )


def _check_current(name: str, current: np.ndarray, first: int) -> None:
    """Refuse what neurons receive (steps, samples, *shape), from a first step on."""
    finite = np.isfinite(current)
    if not finite.all():
        step, sample = np.argwhere(~finite)[0][:2]
        raise InputError(
            f"node {name}: its input is no longer finite in step {first + step} of sample {sample};"
            " lower the weights or the input"
        )


def _in_float64(node: Any) -> Any:
    """Return a node with its weights as they are calculated with, so that no step converts them."""
    node = copy(node)
    for name in ("weight", "bias", "scale", "threshold"):
        if isinstance(getattr(node, name, None), np.ndarray):
            setattr(node, name, numbers(f"{kind(node)}.{name}", getattr(node, name)))
    return node


def _sum(parts: list[np.ndarray]) -> np.ndarray:
    """Add arrays; the order in which they come does not show in the rounding."""
    if len(parts) > 2:
        parts = list(np.sort(parts, axis=0))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


ENGINE, NUMPY_ENGINE = NirEngine(), NirNumpyEngine()
