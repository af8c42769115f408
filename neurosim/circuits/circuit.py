"""Circuits: populations of declared neurons, projections between them, and what drives them.

circuit = Circuit(seed=1)
cells = circuit.population("lif", 1000, name="cells", initial={"v": uniform(-0.07, 0.02)})
circuit.project(cells, cells, fixed_probability(0.1), weight=0.2 * mV, delay=1.5e-3)
circuit.poisson(cells, rate=8000.0, weight=0.3 * mV)
result = circuit.run(1.0)
result["cells"].rate()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import equations
from neurosim.circuits import sampling
from neurosim.circuits.plan import CircuitPlan
from neurosim.circuits.result import CircuitResult
from neurosim.circuits.rules import Rule
from neurosim.engines.brian2 import cache, targets
from neurosim.engines.brian2.plan import checked_dt, checked_seed, positive, step_count
from neurosim.equations import Declaration
from neurosim.equations.connections import event_of
from neurosim.equations.groups import settable
from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.analysis.homeostasis import Loop
    from neurosim.circuits.homeostat import CircuitHomeostat, HomeostatResult
    from neurosim.circuits.library import Library


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of a circuit; `Circuit.population` and the sources make them."""

    name: str
    n: int
    model: Declaration | None = None
    """Without one it is a source."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    positions: np.ndarray | None = None
    """(n, dimensions)."""

    def __repr__(self) -> str:
        kind = self.model.name if self.model else "source"
        return f"Population({self.name!r}, {self.n} x {kind})"


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one population to another; `Circuit.project` makes them."""

    pre: Population
    post: Population
    rule: Rule
    event: str
    weight: Any
    delay: Any

    def __repr__(self) -> str:
        return f"Projection({self.pre.name!r} -> {self.post.name!r}, {self.rule})"


@dataclass(frozen=True, eq=False)
class PoissonDrive:
    """Poisson input of a population; `Circuit.poisson` makes it."""

    post: Population
    event: str
    weight: Any
    rate: np.ndarray


class Circuit:
    """Populations, projections between them, and what drives them.

    Numbers have SI units (seconds, volts, amperes, spikes per second) unless they are parameters of
    a model, which have its own units as in `simulate`; Brian2 quantities are taken everywhere. What
    is drawn at random (a law for weights, delays, parameters and initial values) is anything with
    scipy's `rvs(size=, random_state=)`, such as `scipy.stats.norm(0.1e-3, 0.01e-3)`.
    """

    def __init__(self, *, dt: float = 1e-4, seed: int | None = None) -> None:
        """Make an empty circuit.

        Args:
            dt: time step in seconds.
            seed: of everything random: connections, laws, neurons, Poisson input. None draws one.

        Raises:
            InputError: dt or seed is not valid.
        """
        self.dt, self.seed = checked_dt(float(dt)), checked_seed(seed)
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.drives: list[PoissonDrive] = []
        self.homeostats: list[CircuitHomeostat] = []

    def population(
        self,
        model: Declaration | str,
        n: int,
        *,
        name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        positions: Any = None,
        record: Sequence[str] = (),
        watch: Sequence[int] | None = None,
    ) -> Population:
        """Add neurons of a model.

        Args:
            model: a neuron or composition, or a neuron's name.
            n: number of neurons.
            name: what results call it; "population 0", ... without.
            parameters: values by name in the model's units: a number, (n,), or a law.
            inputs: as for `simulate`, for parameters that change in time: (steps, 1) or (steps, n).
            initial: by variable, in SI units: a number, (n,), or a law; others as declared.
            positions: (n,) or (n, dimensions) for rules that depend on distance.
            record: names of variables; spikes always are.
            watch: numbers of the neurons whose variables are recorded; all without.

        Raises:
            InputError: a name is unknown or taken, a shape does not fit.
        """
        if isinstance(model, str):
            model = equations.get(model)
        for variable in initial or {}:
            if variable not in settable(model):
                known = ", ".join(settable(model)) or "none"
                raise InputError(
                    f"initial: {model.name} has no variable {variable!r} to set; it has {known}"
                )
        settings = {
            "parameters": dict(parameters or {}),
            "inputs": dict(inputs or {}),
            "initial": dict(initial or {}),
            "record": tuple([record] if isinstance(record, str) else record),
            "watch": watch,
        }
        made = self._add(name, n, model, settings, positions)
        sampling.neurons(self, made, steps=1, inputs={})  # what is wrong is said here
        return made

    def spike_source(
        self, times: Any, neurons: Any, n: int | None = None, *, name: str | None = None
    ) -> Population:
        """Add a source that emits given spikes (PyNN's SpikeSourceArray).

        Args:
            times: (spikes,) in seconds; a spike belongs to the step whose start is nearest.
            neurons: (spikes,) which source emits it.
            n: number of sources; as many as the largest number needs without.
            name: what results call it.

        Raises:
            InputError: a shape does not fit, a time is negative, a source does not exist.
        """
        moments = np.asarray(times, float).reshape(-1)
        numbers = np.asarray(neurons).reshape(-1)
        if moments.shape != numbers.shape or (numbers.size and numbers.dtype.kind not in "iu"):
            raise InputError(
                f"times have shape {moments.shape}, neurons {numbers.shape} {numbers.dtype}; give "
                "as many whole numbers as times"
            )
        most = int(numbers.max(initial=-1))
        n = most + 1 if n is None else n
        if numbers.size and (numbers.min() < 0 or most >= n):
            raise InputError(f"neurons holds {most}; the sources are 0..{n - 1}")
        if not (np.isfinite(moments) & (moments >= 0)).all():
            raise InputError("times holds what is no time of 0 s or later")
        return self._add(name, n, None, {"times": moments, "neurons": numbers}, None)

    def poisson_source(
        self, n: int, rate: Any, *, name: str | None = None, positions: Any = None
    ) -> Population:
        """Add sources that spike at random, each with a rate (Brian2's PoissonGroup).

        A source spikes at most once in a step. Sources are for spikes that several neurons hear;
        `poisson` gives each neuron input of its own, faster.

        Args:
            n: number of sources.
            rate: spikes per second, a number or (n,).
            name: what results call it.
            positions: as for `population`.

        Raises:
            InputError: a rate is negative, or more than one spike a step.
        """
        rates = np.broadcast_to(np.asarray(rate, float), (int(n),))
        if not ((rates >= 0) & (rates * self.dt <= 1)).all():
            raise InputError(f"rate is {rate}; it lies in 0..{1 / self.dt:g} spikes per second")
        return self._add(name, n, None, {"rates": rates}, positions)

    def _add(
        self, name: str | None, n: int, model: Declaration | None, settings: Any, positions: Any
    ) -> Population:
        name = f"population {len(self.populations)}" if name is None else name
        if name in (p.name for p in self.populations):
            raise InputError(f"name {name!r} is taken; give each population its own")
        n = positive("n", n)
        if positions is not None:
            positions = np.asarray(positions, float)
            positions = positions[:, None] if positions.ndim == 1 else positions
            if positions.ndim != 2 or len(positions) != n or not np.isfinite(positions).all():
                raise InputError(f"positions have shape {positions.shape}; give ({n}, dimensions)")
        made = Population(name, n, model, settings, positions)
        self.populations.append(made)
        return made

    def project(
        self,
        pre: Population,
        post: Population,
        rule: Rule,
        *,
        weight: Any,
        delay: Any = 0.0,
        event: str | None = None,
    ) -> Projection:
        """Connect two populations.

        Args:
            pre: where spikes come from.
            post: neurons that hear them.
            rule: which ones: `fixed_probability(0.1)`, `fixed_in_degree(1000)`, `pairs(i, j)`, ...
            weight: in the SI unit of the model's `w`, or a quantity: a number, a law, or with
                `pairs` an array (synapses,).
            delay: in seconds, as weight; rounded to steps. 0 arrives in the step of the spike.
            event: of the model; its only one, or "receive", without.

        Raises:
            InputError: a population is of another circuit, the event unknown, a value invalid.
        """
        for end, role in ((pre, "pre"), (post, "post")):
            if end not in self.populations:
                raise InputError(f"{role} is {end!r}; it is no population of this circuit")
        made = Projection(pre, post, rule, _event_of(post, event), weight, delay)
        if not hasattr(rule, "draw"):
            raise InputError(f"rule is {rule!r}; use one like fixed_probability(0.1)")
        self.projections.append(made)
        return made

    def poisson(
        self, post: Population, *, rate: Any, weight: Any, event: str | None = None
    ) -> PoissonDrive:
        """Drive each neuron by Poisson spikes of its own, as NEST's poisson_generator does.

        k spikes in a step act as one of k times the weight.

        Args:
            post: the neurons.
            rate: spikes per second that a neuron gets in all: a number, or one for each step
                (steps,) of the run.
            weight: as for `project`, a number.
            event: as for `project`.

        Raises:
            InputError: it is no population with a model, or the rate is negative.
        """
        if post not in self.populations:
            raise InputError(f"post is {post!r}; it is no population of this circuit")
        rates = np.asarray(rate, float)
        if rates.ndim > 1 or not (np.isfinite(rates) & (rates >= 0)).all():
            raise InputError(f"rate is {rate}; give spikes per second >= 0, a number or (steps,)")
        made = PoissonDrive(post, _event_of(post, event), weight, rates)
        self.drives.append(made)
        return made

    def homeostat(
        self,
        populations: Sequence[Population],
        *,
        band: Any = None,
        tick: Any = 0.1,
        loop: Loop | None = None,
        name: str | None = None,
        **options: Any,
    ) -> CircuitHomeostat:
        """Regulate the thresholds of populations by AHSAR, to which each is a layer.

            cells = circuit.population(get("lif") + get("driven-threshold"), 800, ...)
            circuit.homeostat([cells, others], band=(3.0, 8.0))
            result = circuit.run(10.0)
            result.homeostats["homeostat 0"].scale   # (ticks, populations)

        It acts as `neurosim.homeostat.attach` does on groups of Brian2, with the same arguments. A
        tick counts the spikes before its step; the thresholds it sets hold from the step after.

        Args:
            populations: of neurons whose threshold is a variable, such as
                `model + get("driven-threshold")`, in the order of the chain.
            band: a rate or two, in spikes per second, to hold; without one the mean of all.
            tick: seconds between two updates, a whole number of steps.
            loop: gains; `homeostat.recommend`'s without.
            name: what results call it; "homeostat 0", ... without.
            options: `variable`, `rest`, `floor` and `windup` as for `attach`.

        Raises:
            InputError: a population has no variable threshold (the message says what it has) or is
                regulated already, or settings do not fit.
        """
        from neurosim.circuits import homeostat

        name = f"homeostat {len(self.homeostats)}" if name is None else name
        if name in (*(p.name for p in self.populations), *(h.name for h in self.homeostats)):
            raise InputError(f"name {name!r} is taken; give each homeostat its own")
        made = homeostat.make(
            self, populations, name=name, band=band, tick=tick, loop=loop, **options
        )
        self.homeostats.append(made)
        return made

    def run(
        self, duration: float, *, target: str = "auto", threads: int = 1, progress: bool = False
    ) -> CircuitResult:
        """Simulate the circuit from its start.

        Args:
            duration: seconds.
            target: "library" (C++ built once for each model, any size), "numpy" or "cython"
                (Brian2's runtime), "cpp_standalone", "cuda_standalone"; "auto" is "library", or
                "numpy" where there is no compiler.
            threads: of "library" and "cpp_standalone"; the result does not depend on it.
            progress: show a bar with the time left.

        Raises:
            InputError: a setting is invalid, or a variable is no longer finite.
            KeyboardInterrupt: it was stopped.
            UnavailableError: the target needs what is not installed.
        """
        threads = positive("threads", threads)
        target = targets.choose(targets.checked(target))
        plan = self.plan(duration)
        with targets.progress_of(plan.steps, progress) as report:
            if target == "library":
                from neurosim.circuits.library import Library

                with closing(Library(plan, threads)) as library:
                    self.start(library)
                    regulated = self._advance(library, plan.steps, report)
                    results = library.result()
            else:
                from neurosim.circuits import brian2_objects

                results, regulated = brian2_objects.run(self, plan, target, threads)
                report(plan.steps)
        provenance = {
            "target": target,
            "seed": self.seed,
            "brian2": cache.brian2_version(),
            "synapses": sum(len(link.targets) for link in plan.links),
        }
        return CircuitResult(results, provenance, regulated)

    def _advance(
        self, library: Library, steps: int, report: Callable[[int], None]
    ) -> dict[str, HomeostatResult]:
        """Run a library with the homeostats, and return what they did."""
        if not self.homeostats:
            library.advance(steps, report)
            return {}
        from neurosim.circuits.homeostat import LibraryHomeostat, advance

        running = {h.name: LibraryHomeostat(h, self, library) for h in self.homeostats}
        advance(library, list(running.values()), steps, report)
        return {name: homeostat.result() for name, homeostat in running.items()}

    def start(self, library: Any) -> None:
        """Write initial values into a library that has not run."""
        for population, members in zip(self.populations, library.populations, strict=True):
            for name, values in self.initial_values(population).items():
                members.state(name)[:] = values

    def initial_values(self, population: Population) -> dict[str, np.ndarray]:
        """Return initial values (n,) by variable in SI units, of those that were set.

        Raises:
            InputError: a shape does not fit.
        """
        return sampling.initial_values(self, population)

    def plan(self, duration: float) -> CircuitPlan:
        """Return the circuit drawn: connections, weights, delays, parameters.

        Raises:
            InputError: a setting is invalid.
        """
        return sampling.plan(self, step_count(float(duration), self.dt))


def _event_of(post: Population, event: str | None) -> str:
    """Return the event of a population's model; without a name the only one, or "receive"."""
    if post.model is None:
        raise InputError(f"{post!r} is a source; it hears nothing")
    return event_of(post.model, event)
