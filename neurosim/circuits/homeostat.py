"""AHSAR on the populations of a circuit: what is regulated, how a library is, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.equations import sandbox
from neurosim.errors import InputError
from neurosim.homeostat.brian2_groups import TICK, band_of, each, loop_for, tick_of
from neurosim.homeostat.brian2_thresholds import rest_of, threshold_variable
from neurosim.homeostat.controller import FLOOR, WINDUP, LayerControl

if TYPE_CHECKING:
    import xarray as xr

    from neurosim.analysis.homeostasis import Loop
    from neurosim.circuits.circuit import Circuit, Population
    from neurosim.circuits.library import Library


@dataclass(frozen=True, eq=False)
class CircuitHomeostat:
    """Populations whose thresholds are regulated; `Circuit.homeostat` makes it."""

    name: str
    populations: tuple[Population, ...]
    """In the order of the chain along which states diffuse."""
    variables: tuple[str, ...]
    """Of each population, that its threshold is set by."""
    rests: tuple[Any, ...]
    """The potentials that thresholds count from, as they were given."""
    origins: tuple[float, ...]
    """The same in SI units."""
    band: tuple[float, float] | None
    """Rates that are held [Hz]; None where it is the mean of all."""
    tick: float
    """[s]"""
    loop: Loop
    floor: float
    windup: float

    def __repr__(self) -> str:
        names = ", ".join(p.name for p in self.populations)
        return f"CircuitHomeostat({self.name!r}, {names}, every {self.tick * 1e3:g} ms)"

    def attach(self, network: Any, groups: Sequence[Any]) -> Any:
        """Regulate Brian2 groups of the populations; return their GroupHomeostat."""
        from neurosim.homeostat import brian2_groups

        return brian2_groups.attach(
            network,
            groups,
            variable=list(self.variables),
            rest=list(self.rests),
            band=self.band,
            tick=self.tick,
            loop=self.loop,
            floor=self.floor,
            windup=self.windup,
        )


def make(
    circuit: Circuit,
    populations: Sequence[Population],
    *,
    name: str,
    band: Any = None,
    tick: Any = TICK,
    loop: Loop | None = None,
    variable: Any = None,
    rest: Any = None,
    floor: float = FLOOR,
    windup: float = WINDUP,
) -> CircuitHomeostat:
    """Return a checked homeostat; `Circuit.homeostat` says what is raised."""
    populations = tuple(populations)
    if not populations:
        raise InputError("there are no populations to regulate")
    taken = {id(p) for other in circuit.homeostats for p in other.populations}
    for population in populations:
        if population not in circuit.populations or population.model is None:
            raise InputError(f"{population!r} is no population of neurons of this circuit")
        if id(population) in taken:
            raise InputError(f"{population.name} is regulated twice")
        taken.add(id(population))
    chosen, origins = [], []
    rests = each("rest", rest, populations)
    names = each("variable", variable, populations)
    for population, own, potential in zip(populations, names, rests, strict=True):
        if isinstance(potential, str):
            raise InputError(f"rest is {potential!r}; for circuits it is a quantity")
        chosen.append(_threshold(population, own, potential))
        origins.append(0.0 if potential is None else float(potential))
    held = None
    if band is not None:
        low, high = band_of(band)
        held = float(low), float(high)
    seconds = tick_of(tick, circuit.dt)
    gains = loop_for(loop, len(populations), centred=band is None)
    LayerControl(gains, floor, windup)  # what is wrong is said here
    return CircuitHomeostat(
        name, populations, tuple(chosen), tuple(rests), tuple(origins), held, seconds, gains,
        floor, windup,
    )  # fmt: skip


def _threshold(population: Population, variable: str | None, rest: Any) -> str:
    """Return the variable that the threshold of a population is set by.

    Raises:
        InputError: as `threshold_variable` and `rest_of`.
    """
    assert population.model is not None
    with sandbox.sandbox():
        try:
            probe = population.model.neurons(1)
            chosen = threshold_variable(probe, variable)
            rest_of(probe, chosen, rest)
            return chosen
        except InputError as error:
            reason = str(error).replace(probe.name, population.name)
        finally:
            del probe
            sandbox.forget()
    raise InputError(reason)


@dataclass(frozen=True, eq=False)
class HomeostatResult:
    """What a homeostat did, tick by tick; ticks at the start and end of a run are none."""

    populations: tuple[str, ...]
    time: np.ndarray
    """(ticks,) in seconds."""
    rate: np.ndarray
    """(ticks, populations) since the last tick [Hz]."""
    smoothed: np.ndarray
    """(ticks, populations) moving average of the rate [Hz]."""
    c: np.ndarray
    """(ticks, populations) states after the tick."""
    scale: np.ndarray
    """(ticks, populations) threshold scales after the tick."""
    band: tuple[float, float] | None = None
    """Rates that were held [Hz]; None where it was the mean of all."""

    def to_xarray(self) -> xr.Dataset:
        """Return a Dataset over time and population."""
        import xarray as xr

        units = {"rate": "Hz", "smoothed": "Hz", "c": "1", "scale": "1"}
        variables = {
            name: (("tick", "regulated"), getattr(self, name), {"units": unit})
            for name, unit in units.items()
        }
        coordinates = {
            "tick": ("tick", self.time, {"units": "s"}),
            "regulated": list(self.populations),
        }
        return xr.Dataset(variables, coordinates)

    def __repr__(self) -> str:
        scales = self.scale[-1] if len(self.scale) else ()
        text = ", ".join(f"{n} {s:.3g}" for n, s in zip(self.populations, scales, strict=False))
        return f"{len(self.time)} ticks; threshold scales in the end: {text or 'as before'}"


def result_of(homeostat: CircuitHomeostat, history: Mapping[str, np.ndarray]) -> HomeostatResult:
    """Return what a homeostat did, of arrays by name without a tick at the start."""
    names = tuple(p.name for p in homeostat.populations)
    return HomeostatResult(names, **history, band=homeostat.band)


class LibraryHomeostat:
    """The controller of a homeostat and the library of a circuit, between the steps.

    As in Brian2 (`GroupHomeostat`) a tick senses what fired before its step, and its thresholds
    hold from the step after.
    """

    def __init__(self, homeostat: CircuitHomeostat, circuit: Circuit, library: Library) -> None:
        self.homeostat = homeostat
        self.every = round(homeostat.tick / circuit.dt)
        numbers = [circuit.populations.index(p) for p in homeostat.populations]
        self._members: list[Any] = [library.populations[k] for k in numbers]
        thresholds = zip(self._members, homeostat.variables, strict=True)
        self._thresholds = [members.state(variable) for members, variable in thresholds]
        self._before = [threshold.copy() for threshold in self._thresholds]
        band = None
        if homeostat.band is not None:
            low, high = np.log(np.array(homeostat.band) * homeostat.tick)
            band = (float(low), float(high))
        self._control = LayerControl(homeostat.loop, homeostat.floor, homeostat.windup, band)
        self._scales = homeostat.loop.scale(self._control.c)
        self._counted = np.zeros(len(numbers), np.int64)
        self._history: list[tuple[Any, ...]] = []

    def sense(self, time: float) -> None:
        """Take in what fired since the last tick."""
        counts = np.array([members.spike_count() for members in self._members])
        sizes = np.array([p.n for p in self.homeostat.populations])
        rates, self._counted = (counts - self._counted) / sizes, counts
        control = self._control
        if not self._history:
            control.average = np.maximum(rates, control.floor)  # where the moving average begins
        self._scales = control.step(rates)[-1]
        now = (rates, control.average, control.c, self._scales)
        self._history.append((time, *(values.copy() for values in now)))

    def write(self) -> None:
        """Set the thresholds."""
        parts = (self._thresholds, self._before, self.homeostat.origins, self._scales)
        for threshold, before, origin, scale in zip(*parts, strict=True):
            threshold[:] = origin + scale * (before - origin)

    def result(self) -> HomeostatResult:
        """Return what happened so far."""
        size = len(self.homeostat.populations)
        columns = list(zip(*self._history, strict=True)) or [()] * 5
        time, rate, smoothed, c, scale = (np.array(column, float) for column in columns)
        shaped = (values.reshape(-1, size) for values in (rate, smoothed, c, scale))
        rate, smoothed, c, scale = shaped
        tick = self.homeostat.tick
        return result_of(
            self.homeostat,
            {
                "time": time,
                "rate": rate / tick,
                "smoothed": smoothed / tick,
                "c": c,
                "scale": scale,
            },
        )


def advance(
    library: Library,
    homeostats: Sequence[LibraryHomeostat],
    steps: int,
    report: Callable[[int], None],
) -> None:
    """Run a library that has not run, and its homeostats at their ticks."""
    moments = {steps}
    for homeostat in homeostats:
        ticks = range(0, steps, homeostat.every)
        moments.update(ticks, (tick + 1 for tick in ticks))
    done = 0
    for moment in sorted(moments):
        library.advance(moment - done, report)
        done = moment
        for homeostat in homeostats:
            if done and (done - 1) % homeostat.every == 0:
                homeostat.write()
            if done % homeostat.every == 0 and 0 < done < steps:
                homeostat.sense(done * library.plan.dt)
