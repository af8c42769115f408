"""Run a circuit as Brian2 objects, on any of its targets: the same connections, weights, delays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuits.plan import CircuitPlan, GivenSpikes, Link, PoissonSource
from neurosim.engines.brian2 import targets
from neurosim.engines.brian2.objects import course_of, unit_of
from neurosim.engines.brian2.plan import Plan
from neurosim.engines.brian2.simulation import Simulation
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.circuits.circuit import Circuit
    from neurosim.circuits.homeostat import CircuitHomeostat, HomeostatResult


def run(
    circuit: Circuit, plan: CircuitPlan, target: str, threads: int
) -> tuple[Mapping[str, Simulation], dict[str, HomeostatResult]]:
    """Build Brian2's objects, run them and return what monitors hold, and what homeostats did.

    Raises:
        InputError: as `Circuit.run`.
        UnavailableError: the target needs what is not installed.
    """
    from neurosim.equations.sandbox import load

    brian2 = load()
    as_written = any(isinstance(node, Plan) and node.model.is_map for node in plan.nodes)
    with targets.session(target, as_written, threads) as go:
        brian2.defaultclock.dt = plan.dt * brian2.second
        brian2.seed(circuit.seed)
        groups, monitors, traces = [], [], {}
        for k, (population, node) in enumerate(zip(circuit.populations, plan.nodes, strict=True)):
            group = _group(circuit, population, node, k)
            groups.append(group)
            if node_has_spikes(node):
                monitors.append(brian2.SpikeMonitor(group, name=f"spikes_{k}"))
            else:
                monitors.append(None)
            if isinstance(node, Plan) and node.record:
                traces[k] = brian2.StateMonitor(
                    group, node.record, record=node.watched, when="end", order=5, name=f"traces_{k}"
                )
        synapses = [
            _synapses(plan, link, groups, f"projection_{n:03}")
            for n, link in enumerate(plan.links)
            if len(link.targets)
        ]
        drives = [_poisson(plan, n, groups, f"poisson_{n:03}") for n in range(len(plan.poissons))]
        kept = [monitor for monitor in monitors if monitor is not None]
        network = brian2.Network(*groups, *synapses, *drives, *kept, *traces.values())
        regulated = {
            h.name: h.attach(network, [groups[circuit.populations.index(p)] for p in h.populations])
            for h in circuit.homeostats
        }
        go(network, plan.steps * plan.dt * brian2.second)
        results = {
            name: _simulation(plan, k, groups[k], monitors[k], traces.get(k))
            for k, name in enumerate(plan.names)
        }
        return results, {h.name: _regulated(h, regulated[h.name]) for h in circuit.homeostats}


def _regulated(homeostat: CircuitHomeostat, attached: Any) -> HomeostatResult:
    """Return what an attached homeostat did; its first tick, which no step precedes, is none."""
    from neurosim.circuits.homeostat import result_of

    history = attached.history
    return result_of(homeostat, {name: values[1:] for name, values in history.items()})


def node_has_spikes(node: Any) -> bool:
    """Return whether a population can spike: a model without a threshold cannot."""
    return not isinstance(node, Plan) or bool(node.model.threshold)


def _group(circuit: Circuit, population: Any, node: Any, k: int) -> Any:
    import brian2

    name = f"population_{k}"
    if isinstance(node, GivenSpikes):
        moments = node.steps * circuit.dt * brian2.second
        return brian2.SpikeGeneratorGroup(node.n, node.neurons, moments, name=name)
    if isinstance(node, PoissonSource):
        rates = node.chances / circuit.dt * brian2.Hz
        return brian2.PoissonGroup(node.n, rates, name=name)
    values: dict[str, Any] = dict(node.values)
    for parameter in node.courses:
        values[parameter] = course_of(node, parameter, circuit.dt * brian2.second)
    group = node.model.neurons(node.n, parameters=values, name=name)
    for variable, start in circuit.initial_values(population).items():
        group.variables[variable].get_addressable_value(variable, group)[:] = start
    return group


def _synapses(plan: CircuitPlan, link: Link, groups: list[Any], name: str) -> Any:
    import brian2

    node = plan.nodes[link.target]
    assert isinstance(node, Plan)
    delays = link.delays * plan.dt
    unit = brian2.Equations(node.model.synapse)["w"].unit
    return node.model.synapses(
        groups[link.source],
        groups[link.target],
        link.event,
        i=link.sources,
        j=link.targets,
        weight=(link.weights if len(link.weights) > 1 else float(link.weights[0])) * unit,
        delay=(delays if len(delays) > 1 else float(delays[0])) * brian2.second,
        name=name,
    )


def _poisson(plan: CircuitPlan, n: int, groups: list[Any], name: str) -> Any:
    """Return a source of Poisson counts for each neuron, and its effect, as Brian2 code."""
    import brian2

    poisson = plan.poissons[n]
    node = plan.nodes[poisson.target]
    assert isinstance(node, Plan)
    group = groups[poisson.target]
    target, code = _written(node.model.events[poisson.event])
    means = poisson.means if poisson.course is None else poisson.means[poisson.course]
    course = brian2.TimedArray(np.atleast_1d(means), dt=plan.dt * brian2.second)
    unit = brian2.Equations(node.model.synapse)["w"].unit
    group.namespace[name] = course
    group.namespace[f"{name}_w"] = poisson.weight * unit
    text = code.replace("SPIKES", f"poisson({name}(t))").replace("WEIGHT", f"{name}_w")
    return group.run_regularly(
        f"{target} += {text}", when="synapses", order=1000 + n, name=name, dt=group.clock.dt
    )


def _written(code: str) -> tuple[str, str]:
    """Return the variable that an event adds to, and what it adds.

    Raises:
        InputError: an event does something else.
    """
    variable, plus, added = code.strip().partition("+=")
    if not plus or "\n" in code.strip() or not variable.strip().endswith("_post"):
        raise InputError(
            f"Poisson input on Brian2's targets is for events that add to a variable, not {code!r}"
        )
    added = re.sub(r"\bspikes_pre\b", "SPIKES", re.sub(r"\bw\b", "WEIGHT", added))
    return variable.strip().removesuffix("_post"), added.replace("_post", "")


def _simulation(plan: CircuitPlan, k: int, group: Any, monitor: Any, traces: Any) -> Simulation:
    node = plan.nodes[k]
    steps = neurons = np.zeros(0, np.int64)
    if monitor is not None:
        steps = np.rint(np.array(monitor.t_) / plan.dt).astype(np.int64)
        neurons = np.array(monitor.i, dtype=np.int64)
        order = np.lexsort((neurons, steps))
        steps, neurons = steps[order], neurons[order]
    if not isinstance(node, Plan):
        return Simulation(node.n, plan.steps, plan.dt, steps, neurons)
    values = {name: np.array(getattr(traces, f"{name}_")).T.astype(float) for name in node.record}
    units = {name: unit_of(group.variables[name]) for name in node.record}
    node.refuse_infinite(values)
    return Simulation(node.n, plan.steps, plan.dt, steps, neurons, values, units, node.watched)
