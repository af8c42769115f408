"""What a simulation of a library model gives: spikes as events, traces in SI units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import InputError
from neurosim.indices import chosen

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False, repr=False)
class Simulation:
    """Spikes and traces of n independent neurons.

    Step k lies between k dt and (k + 1) dt; a spike of step k is at time k dt, and a trace holds
    values at the end of the step, after a reset.
    """

    n: int
    """Number of neurons."""
    steps: int
    dt: float
    """Length of a step in seconds."""
    spike_steps: np.ndarray
    """(spikes,) step of each spike, ascending."""
    spike_neurons: np.ndarray
    """(spikes,) neuron of each spike."""
    traces: Mapping[str, np.ndarray] = field(default_factory=dict)
    """(steps, watched) by variable, in SI units."""
    units: Mapping[str, str] = field(default_factory=dict)
    """The SI unit of each trace."""
    watched: np.ndarray | None = None
    """(watched,) numbers of the neurons that the traces belong to."""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        model = self.provenance.get("model", "")
        spikes = len(self.spike_steps)
        rate = spikes / (self.n * self.duration)
        traces = f", traces {', '.join(self.traces)}" if self.traces else ""
        return (
            f"Simulation{f' of {model}' if model else ''}: {self.n} neurons, {self.duration:g} s "
            f"in steps of {self.dt * 1e3:g} ms, {spikes} spikes ({rate:.3g} /s){traces}"
        )

    def plot(self, axes: Any = None) -> np.ndarray:
        """Draw a raster of the spikes, and below it each trace, in mV, nA or nS.

        Args:
            axes: matplotlib's, 1 + number of traces; a new figure without any.

        Returns:
            The axes (panels,).
        """
        from neurosim.engines.brian2 import pictures

        return pictures.plot(self, axes)

    @property
    def duration(self) -> float:
        """Simulated time in seconds."""
        return self.steps * self.dt

    @property
    def spike_times(self) -> np.ndarray:
        """(spikes,) time of each spike in seconds."""
        return self.spike_steps * self.dt

    @property
    def time(self) -> np.ndarray:
        """(steps,) time at the end of each step, in seconds: the traces' axis."""
        return np.arange(1, self.steps + 1) * self.dt

    def counts(self, start: float = 0.0, stop: float = np.inf) -> np.ndarray:
        """Return (n,) the number of spikes with start <= time < stop, both in seconds."""
        # A step is inside or not: half a step of tolerance keeps rounding of times out of it.
        first, last = start / self.dt - 0.5, stop / self.dt - 0.5
        inside = (self.spike_steps > first) & (self.spike_steps < last)
        return np.bincount(self.spike_neurons[inside], minlength=self.n)

    def binned_counts(
        self, width: float, start: float = 0.0, stop: float | None = None
    ) -> np.ndarray:
        """Return (bins,) the spikes of all neurons in bins of time, each of whole steps.

        Args:
            width: of a bin in seconds, a multiple of dt; rounded to steps.
            start: of the first bin, in seconds.
            stop: where the last bin may end; the end of the run without. What is left there and
                shorter than a bin does not count.

        Raises:
            InputError: width is below a step, or no bin lies between start and stop.
        """
        bin_steps = round(width / self.dt)
        if bin_steps < 1:
            raise InputError(f"width is {width} s; a bin holds at least one step of {self.dt} s")
        first = round(start / self.dt)
        last = self.steps if stop is None else min(round(stop / self.dt), self.steps)
        bins = (last - first) // bin_steps
        if first < 0 or bins < 1:
            end = self.duration if stop is None else stop
            raise InputError(
                f"start is {start} s; it lies in 0..{end - width:g} s, so that a bin ends by "
                f"{end:g} s"
            )
        numbers = (self.spike_steps - first) // bin_steps
        inside = (numbers >= 0) & (numbers < bins)
        return np.bincount(numbers[inside], minlength=bins)

    def rate(self, start: float = 0.0) -> np.ndarray:
        """Return (n,) spikes per second from `start` (seconds) to the end.

        Raises:
            InputError: nothing is left after `start`.
        """
        if not 0 <= start < self.duration:
            raise InputError(f"start is {start} s; it lies in 0..{self.duration:g} s")
        return self.counts(start) / (self.duration - start)

    def times_of(self, neuron: int) -> np.ndarray:
        """Return the spike times of one neuron in seconds.

        Raises:
            InputError: there is no such neuron.
        """
        (number,) = chosen("neuron", [neuron], self.n)
        times: np.ndarray = self.spike_times[self.spike_neurons == number]
        return times

    def to_xarray(self) -> xr.Dataset:
        """Return traces (time, neuron) and spikes (spike) as a Dataset."""
        import xarray as xr

        variables: dict[str, Any] = {
            name: (("time", "neuron"), values, {"units": self.units.get(name, "")})
            for name, values in self.traces.items()
        }
        variables["spike_time"] = ("spike", self.spike_times, {"units": "s"})
        variables["spike_neuron"] = ("spike", self.spike_neurons)
        axes = {"time": ("time", self.time, {"units": "s"})}
        if self.watched is not None:
            axes["neuron"] = ("neuron", self.watched, {})
        return xr.Dataset(variables, coords=axes, attrs=dict(self.provenance))
