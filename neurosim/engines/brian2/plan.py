"""What to simulate, checked and in SI units: the same for every target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.equations.connections import event_of
from neurosim.errors import InputError
from neurosim.indices import chosen
from neurosim.raster import check_raster

if TYPE_CHECKING:
    from neurosim.equations import Declaration, Parameter


@dataclass(frozen=True, eq=False)
class Spikes:
    """Presynaptic spikes as an input: what arrives at an event of the model, like "receive"."""

    counts: np.ndarray
    """(steps, channels) how often each channel spikes in each step, 0..255."""
    weights: np.ndarray
    """(channels, n) weights in the unit that the model declares for `w`."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A simulation to run. Parameters and courses are in the units that the model declares."""

    model: Declaration
    n: int
    steps: int
    dt: float
    values: Mapping[str, np.ndarray]
    """By parameter: a number, or (n,) one for each neuron."""
    courses: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By parameter that changes in time: (steps, 1) or (steps, n)."""
    trains: Mapping[str, Spikes] = field(default_factory=dict)
    """By event of the model."""
    record: tuple[str, ...] = ()
    watched: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    seed: int = 0

    @property
    def per_neuron(self) -> tuple[str, ...]:
        """Parameters with a value for each neuron, sorted."""
        own = [name for name, value in self.values.items() if value.ndim]
        return tuple(sorted({*own, *self.courses}))

    def refuse_infinite(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Refuse a run that blew up, on any target.

        Args:
            arrays: by variable, its values at the end, or its trace.

        Raises:
            InputError: a variable is infinite or no number.
        """
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise InputError(
                    f"{self.model.name}: {name} is no longer finite after {self.steps} steps; "
                    f"choose a smaller dt than {self.dt} s"
                )


def make_plan(
    model: Declaration,
    *,
    n: int,
    duration: float,
    dt: float,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    record: Sequence[str],
    watch: Sequence[int] | None,
    seed: int | None,
) -> Plan:
    """Check the arguments of `simulate` and return them as a Plan.

    Raises:
        InputError: a name is unknown, a value out of bounds or of a wrong shape.
    """
    if model.fills:
        raise InputError(f"{model.name} is a fragment; add it to a neuron: get('lif') + it")
    n = positive("n", n)
    steps = step_count(duration, checked_dt(dt))
    values = {name: np.asarray(float(p.default)) for name, p in model.parameters.items()}
    courses: dict[str, np.ndarray] = {}
    trains: dict[str, Spikes] = {}
    for name, value in {**parameters, **inputs}.items():
        if isinstance(value, Spikes):
            trains[name] = _train(model, name, value, steps, n)
            continue
        parameter = model.parameter(name)
        array = parameter.numbers(name, value)
        if array.shape in ((), (n,)):
            values[name] = array
        elif parameter.varies and array.shape in ((steps, 1), (steps, n)):
            courses[name] = np.ascontiguousarray(array)
        else:
            raise InputError(_shape_fault(name, array.shape, parameter, n, steps))
    recorded = _record(model, record, watch, n)
    if model.refractory in values and not np.any(values[model.refractory]):
        values.pop(model.refractory)
        model = model.without_refractoriness()
    return Plan(model, n, steps, dt, values, courses, trains, *recorded, checked_seed(seed))


def positive(name: str, value: int) -> int:
    """Return a whole number >= 1, as an int.

    Raises:
        InputError: it is something else.
    """
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise InputError(f"{name} is {value}; it is a whole number >= 1")
    return int(value)


def checked_dt(dt: float) -> float:
    """Return a time step in seconds.

    Raises:
        InputError: it is no positive time.
    """
    if not (np.isfinite(dt) and dt > 0):
        raise InputError(f"dt is {dt} s; it must be a positive time")
    return float(dt)


def step_count(duration: float, dt: float) -> int:
    """Return how many steps a duration holds, both in seconds.

    Raises:
        InputError: not even one.
    """
    steps = round(duration / dt) if np.isfinite(duration) else 0
    if steps < 1:
        raise InputError(f"duration is {duration} s; it must hold at least one step of {dt} s")
    return steps


def checked_seed(seed: int | None) -> int:
    """Return a seed for a simulation; None draws one, which the result records.

    Raises:
        InputError: it is no whole number in 0..2**32 - 1.
    """
    if seed is None:
        return int(np.random.default_rng().integers(2**32))
    if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}; it is a whole number in 0..2**32 - 1")
    return int(seed)


def _shape_fault(
    name: str, shape: tuple[int, ...], parameter: Parameter, n: int, steps: int
) -> str:
    fits = f"a number or shape ({n},)"
    if parameter.varies:
        fits += f"; over time ({steps}, 1) or ({steps}, {n})"
    return f"{name} has shape {shape}; it needs {fits}"


def _train(model: Declaration, event: str, train: Spikes, steps: int, n: int) -> Spikes:
    event_of(model, event)
    weights = np.asarray(train.weights, dtype=float)
    if weights.ndim != 2 or weights.shape[1] != n or not np.isfinite(weights).all():
        raise InputError(f"{event}: weights have shape {weights.shape}; they need (channels, {n})")
    counts = np.asarray(train.counts)
    if counts.ndim != 2 or len(counts) != steps:
        raise InputError(
            f"{event}: counts have shape {counts.shape}; they need ({steps}, channels)"
        )
    return Spikes(check_raster(counts[None], len(weights))[0], weights)


def _record(
    model: Declaration, record: Sequence[str], watch: Sequence[int] | None, n: int
) -> tuple[tuple[str, ...], np.ndarray]:
    names = (record,) if isinstance(record, str) else tuple(record)
    known = model.all_variables
    for name in names:
        if name != "spikes" and name not in known:
            raise InputError(f"record: {name!r} cannot be recorded; choose from {', '.join(known)}")
    watched = np.arange(n) if watch is None else chosen("watch", watch, n)
    return tuple(name for name in names if name in known), watched
