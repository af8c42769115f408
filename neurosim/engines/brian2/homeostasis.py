"""The AHSAR homeostat in Brian2: units on a graph, by themselves or coupled to spiking layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import equations
from neurosim.engines.brian2 import graphs, targets
from neurosim.engines.brian2.plan import make_plan
from neurosim.equations import homeostasis, regulation
from neurosim.equations.sandbox import load
from neurosim.errors import InputError

FORMS = {"map": homeostasis.HOMEOSTAT_MAP, "flow": homeostasis.HOMEOSTAT}
TRACES = ("rate", "sensed", "c", "scale")


@dataclass(frozen=True, eq=False)
class Regulation:
    """What units and layers did: traces (steps, units), values at the end of each step."""

    time: np.ndarray
    """(steps,) seconds."""
    rate: np.ndarray
    """Spikes per neuron and tick, as they reached the unit."""
    sensed: np.ndarray
    c: np.ndarray
    scale: np.ndarray
    counts: np.ndarray | None = None
    """(units,) spikes of each layer, where layers were run."""


# --- units by themselves ------------------------------------------------------------------------


def respond(
    rates: np.ndarray,
    graph: np.ndarray,
    *,
    dt: float,
    duration: float | None = None,
    form: str = "map",
    parameters: Mapping[str, Any] | None = None,
    target: str = "numpy",
) -> Regulation:
    """Run units on given rates: what they sense, their states, the scales they would set.

    Args:
        rates: spikes per neuron and tick, (units,) or (steps, units).
        graph: adjacency (units, units), for example `graphs.chain(units)`.
        dt: time step in seconds; `form="map"` at dt = tick is AHSAR as published.
        duration: in seconds; needed where the rates do not change.
        form: "map" or "flow".
        parameters: of the unit, in the units it declares; a number or one for each unit.
        target: "numpy", "cython", "cpp_standalone" or "cuda_standalone".

    Raises:
        InputError: a shape does not fit, or a name or value is not known.
    """
    graph = graphs.checked(graph)
    rates = np.asarray(rates, dtype=float)
    steps = len(rates) if rates.ndim == 2 else round((duration or 0) / dt)
    if rates.shape[-1:] != (len(graph),) or steps < 1:
        raise InputError(
            f"rates have shape {rates.shape}; they need ({len(graph)},) and a duration, or "
            f"(steps, {len(graph)})"
        )
    brian2 = load()
    with targets.session(target, as_written=form == "map") as run:
        units = _units(form, graph, dt, parameters)
        course = np.broadcast_to(rates, (steps, len(graph)))
        units.members.namespace["course"] = brian2.TimedArray(course, dt=units.clock.dt)
        units.members.run_regularly("rate = course(t, i)", when="start", clock=units.clock)
        units.run(run, steps, [])
        return units.result()


class _Units:
    """A group of units with its links and monitor."""

    def __init__(self, members: Any, parts: list[Any], clock: Any) -> None:
        import brian2

        self.members, self.parts, self.clock = members, parts, clock
        self.monitor = brian2.StateMonitor(members, TRACES, True, when="end", clock=clock)

    def run(self, run: targets.Run, steps: int, others: Sequence[Any]) -> None:
        import brian2

        network = brian2.Network(self.members, *self.parts, self.monitor, *others)
        run(network, steps * self.clock.dt)

    def result(self, counts: np.ndarray | None = None) -> Regulation:
        # Copies: from Brian2 2.10 on the memory goes with the monitor.
        traces = {name: np.array(getattr(self.monitor, f"{name}_")).T for name in TRACES}
        dt = float(self.clock.dt_)
        for name, trace in traces.items():
            if not np.isfinite(trace).all():
                raise InputError(
                    f"{name} of a unit is no longer finite; choose a smaller dt or gain"
                )
        time = np.arange(1, len(traces["c"]) + 1) * dt
        return Regulation(time=time, counts=counts, **traces)


def _units(form: str, graph: np.ndarray, dt: float, parameters: Mapping[str, Any] | None) -> _Units:
    """Return units on a graph; within a step they sense, compare and act, in this order."""
    import brian2

    if form not in FORMS:
        raise InputError(f"form {form!r} is not known; choose from {', '.join(FORMS)}")
    clock = brian2.Clock(dt * brian2.second, name="units_clock")  # brian2cuda renames "clock"
    members, links = regulation.units(
        FORMS[form], graph, clock, parameters or {}, context="seen : 1"
    )
    return _Units(members, links, clock)


# --- units coupled to layers --------------------------------------------------------------------


def regulate(
    layers: int,
    neurons: int,
    graph: np.ndarray,
    *,
    duration: float,
    dt: float = 5e-4,
    neuron: str = "lif",
    neuron_parameters: Mapping[str, Any] | None = None,
    form: str = "map",
    parameters: Mapping[str, Any] | None = None,
    closed: bool = True,
    seed: int | None = None,
    target: str = "numpy",
) -> Regulation:
    """Run layers of neurons whose thresholds a homeostat regulates.

    Args:
        layers: number of layers; each has a unit.
        neurons: neurons of a layer.
        graph: adjacency of the units, (layers, layers).
        duration: in seconds.
        dt: time step of the neurons in seconds; units step once a tick ("map") or with them.
        neuron: name of a neuron with an open threshold slot.
        neuron_parameters: in declared units; a number, or one for each layer.
        form: "map" or "flow".
        parameters: of the units; `tick` in ms.
        closed: whether the units set thresholds; False records the open loop.
        seed: of the neurons' noise.
        target: "numpy", "cython", "cpp_standalone" or "cuda_standalone".

    Raises:
        InputError: a shape does not fit, or a name or value is not known.
    """
    graph = graphs.checked(graph)
    if len(graph) != layers:
        raise InputError(f"graph has {len(graph)} units for {layers} layers")
    brian2 = load()
    model = equations.get(neuron) + equations.get("driven-threshold")
    plan = make_plan(
        model,
        n=layers * neurons,
        duration=duration,
        dt=dt,
        parameters={
            name: np.repeat(value, neurons) if np.ndim(value) else value
            for name, value in (neuron_parameters or {}).items()
        },
        inputs={},
        record=(),
        watch=None,
        seed=seed,
    )
    tick = float((parameters or {}).get("tick", homeostasis.HOMEOSTAT.parameters["tick"].default))
    with targets.session(target) as run:
        from neurosim.engines.brian2 import objects

        brian2.seed(plan.seed)
        population = objects.build(plan)
        unit_dt = tick * 1e-3 if form == "map" else dt
        units = _units(form, graph, unit_dt, parameters)
        links = _couple(units, population.neurons, neurons, closed)
        others = [population.neurons, population.spikes, *links]
        units.run(run, round(duration / unit_dt), others)
        counts = np.bincount(np.asarray(population.spikes.i[:]) // neurons, minlength=layers)
        return units.result(counts)


def _couple(units: _Units, members: Any, neurons: int, closed: bool) -> list[Any]:
    """Let units sense the layers' spikes, and set their thresholds if the loop is closed."""
    import brian2

    # `seen` gathers spikes over a unit's step; a tick holds tick/dt such steps.
    count = "rate = seen*tick/dt\nseen = 0"
    units.members.run_regularly(count, when="start", order=1, clock=units.clock)
    sensing = brian2.Synapses(
        members,
        units.members,
        homeostasis.SENSING.equations,
        on_pre=homeostasis.SENSING.on_pre,
        clock=members.clock,
        name="sensing",
    )
    sensing.connect(j=f"i//{neurons}")
    sensing.share = 1 / neurons
    links = [sensing]
    if closed:
        actuation = brian2.Synapses(
            units.members,
            members,
            homeostasis.ACTUATION.equations,
            clock=members.clock,
            order=-1,
            name="actuation",
        )
        actuation.connect(i=np.arange(members.N) // neurons, j=np.arange(members.N))
        links.append(actuation)
    return links
