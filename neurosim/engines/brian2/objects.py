"""A Plan as plain Brian2 objects: a group, its inputs, its monitors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2.simulation import Simulation
from neurosim.equations.groups import complete, group, quantity

if TYPE_CHECKING:
    from neurosim.engines.brian2.plan import Plan, Spikes


@dataclass
class Objects:
    """Brian2 objects of a simulation, not yet run."""

    neurons: Any
    inputs: list[Any]
    """What drives the neurons: groups that emit spikes, and their synapses."""
    spikes: Any
    """SpikeMonitor."""
    traces: Any
    """StateMonitor, or None."""

    def network(self) -> Any:
        """Return a Brian2 Network of all of them."""
        import brian2

        traces = [] if self.traces is None else [self.traces]
        return brian2.Network(self.neurons, *self.inputs, self.spikes, *traces)


def build(
    plan: Plan, before_initial: Callable[[], None] = lambda: None, *, shared: bool = True
) -> Objects:
    """Return Brian2 objects for a Plan, on Brian2's active device.

    A step runs as in the library: inputs change and presynaptic spikes arrive at its start, then
    state, steps, threshold and reset; variables are recorded at its end.

    Args:
        plan: what to simulate.
        before_initial: called when all is there but the initial values.
        shared: whether to set variables that all neurons share, which programs are told.
    """
    import brian2

    clock = brian2.Clock(plan.dt * brian2.second, name="step_clock")  # brian2cuda renames "clock"
    members = group(
        plan.model,
        plan.n,
        per_neuron=plan.per_neuron,
        threshold=plan.model.threshold or "i < 0",  # the monitor of spikes asks for one
        name="neurons",
        clock=clock,
    )
    parameters, inputs = plan.model.parameters, list[Any]()
    settings = {n: quantity(value, parameters[n].unit) for n, value in plan.values.items()}
    for name in plan.courses:
        settings[name] = course_of(plan, name, clock.dt, f"course_{name}")

    def prepare() -> None:
        for event, train in plan.trains.items():
            inputs.extend(_train(members, plan, event, train))
        before_initial()

    initial = {
        name: value
        for name, value in plan.model.initial.items()
        if shared or not members.variables[name].scalar
    }
    complete(members, plan.model, settings, before_initial=prepare, initial=initial)
    spikes = brian2.SpikeMonitor(members, name="spikes")
    traces = None
    if plan.record:
        traces = brian2.StateMonitor(
            members, list(plan.record), plan.watched, clock=clock, when="end", name="traces"
        )
    return Objects(members, inputs, spikes, traces)


def course_of(plan: Plan, parameter: str, dt: Any, name: str | None = None) -> Any:
    """Return what a parameter is in each step, as a Brian2 TimedArray with steps of dt."""
    import brian2

    course = plan.courses[parameter]
    values = course if course.shape[1] > 1 else course[:, 0]
    unit = plan.model.parameters[parameter].unit
    return brian2.TimedArray(quantity(values, unit), dt=dt, name=name)


def _train(members: Any, plan: Plan, event: str, train: Spikes) -> tuple[Any, Any]:
    """Return a group that emits the counts of a train, and its synapses on all neurons."""
    import brian2

    counts = brian2.TimedArray(
        train.counts.astype(float), dt=members.clock.dt, name=f"counts_{event}"
    )
    source = brian2.NeuronGroup(
        train.counts.shape[1],
        "spikes : integer",
        threshold="spikes > 0",
        clock=members.clock,
        name=f"source_{event}",
        namespace={f"counts_{event}": counts},
    )
    code = f"spikes = int(counts_{event}(t, i))"
    source.run_regularly(code, when="start", order=-2, clock=members.clock)
    source.set_event_schedule("spike", when="start", order=-1)
    synapses = brian2.Synapses(
        source,
        members,
        plan.model.synapse,
        on_pre=plan.model.events[event],
        namespace=members.namespace,
        clock=members.clock,
        name=f"synapses_{event}",
    )
    synapses.connect()
    synapses.w = brian2.Quantity(train.weights.ravel(), dim=synapses.variables["w"].dim)
    synapses.pre.when = "start"
    return source, synapses


def run(plan: Plan, target: str, report: Callable[[int], None]) -> Simulation:
    """Run a Plan in Brian2's runtime, with the target "numpy" or "cython".

    Raises:
        InputError: a variable is no longer finite.
        KeyboardInterrupt: it was stopped.
    """
    from neurosim.equations import sandbox

    brian2 = sandbox.load()
    with sandbox.sandbox(target=target, as_written=plan.model.is_map):
        brian2.seed(plan.seed)
        objects = build(plan)
        sandbox.run(objects.network(), plan.steps * plan.dt * brian2.second)
        report(plan.steps)
        return result(plan, objects)


class Population:
    """The neurons of a Plan in Brian2's runtime, which runs a step at a time; for a sandbox."""

    def __init__(self, plan: Plan) -> None:
        import brian2

        brian2.seed(plan.seed)
        self.plan, self._step = plan, 0
        self._courses = {name: course.copy() for name, course in plan.courses.items()}
        self.traces: dict[str, np.ndarray] = {
            name: np.empty((plan.steps, len(plan.watched))) for name in plan.record
        }
        """(steps, watched) by variable; as many rows as steps have run are filled."""
        start = {n: np.broadcast_to(c[0], plan.n) for n, c in plan.courses.items()}
        self._members = build(replace(plan, values={**plan.values, **start}, courses={})).neurons
        self._network = brian2.Network(self._members)
        self._network.run(0 * brian2.second, namespace={})  # prepares all objects

    def feed(self, name: str, step: int, values: np.ndarray) -> None:
        """Set what an input that changes in time is in a step that has not run."""
        self._courses[name][step] = values

    def advance(self, steps: int) -> None:
        """Run the next steps."""
        for _ in range(steps):
            for name, course in self._courses.items():
                unit = self.plan.model.parameters[name].unit
                now = np.broadcast_to(course[self._step], self.plan.n)
                setattr(self._members, name, quantity(now, unit))
            for part in self._network.sorted_objects:
                part.run()
            for name, trace in self.traces.items():
                values = np.asarray(getattr(self._members, f"{name}_"))
                trace[self._step] = values[self.plan.watched]
            self._step += 1


def result(plan: Plan, objects: Objects) -> Simulation:
    """Copy what the monitors hold: from Brian2 2.10 on their memory goes with them."""
    steps = np.round(np.asarray(objects.spikes.t_[:]) / plan.dt).astype(np.int64)
    neurons = np.array(objects.spikes.i[:], dtype=np.int64)
    traces = {name: np.array(getattr(objects.traces, f"{name}_")).T for name in plan.record}
    members = objects.neurons
    states = {name: np.asarray(getattr(members, f"{name}_")[:]) for name in states_of(members)}
    plan.refuse_infinite({**states, **traces})
    units = {name: unit_of(objects.neurons.variables[name]) for name in plan.record}
    return Simulation(plan.n, plan.steps, plan.dt, steps, neurons, traces, units, plan.watched)


def states_of(members: Any) -> list[str]:
    """Return the names of a group's variables that hold numbers and are no constants."""
    from brian2.core.variables import ArrayVariable

    return [
        name
        for name, variable in members.variables.items()
        if isinstance(variable, ArrayVariable)
        and variable.owner.name == members.name  # its clock's variables are not its own
        and np.issubdtype(variable.dtype, np.floating)
        and not variable.constant
    ]


def unit_of(variable: Any) -> str:
    """Return the SI unit of a Brian2 variable, "1" where it has none."""
    return "1" if variable.dim.is_dimensionless else repr(variable.unit)
