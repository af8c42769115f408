"""What a run of a circuit gives: a Simulation for each population."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2.simulation import Simulation
from neurosim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from neurosim.circuits.homeostat import HomeostatResult


@dataclass(frozen=True, eq=False)
class CircuitResult(Mapping[str, Simulation]):
    """Spikes and traces by population: `result["excitatory"].rate()`."""

    populations: Mapping[str, Simulation]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    homeostats: Mapping[str, HomeostatResult] = field(default_factory=dict)
    """What regulated thresholds did, by name."""

    def __getitem__(self, name: str) -> Simulation:
        try:
            return self.populations[name]
        except KeyError:
            known = ", ".join(self.populations)
            raise InputError(f"there is no population {name!r}; there are {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.populations)

    def __len__(self) -> int:
        return len(self.populations)

    def __contains__(self, name: object) -> bool:
        return name in self.populations

    def rates(self, start: float = 0.0) -> dict[str, float]:
        """Return the mean spikes per neuron and second of each population.

        Args:
            start: seconds that are left out at the beginning.
        """
        return {name: float(s.rate(start).mean()) for name, s in self.populations.items()}

    def to_xarray(self) -> xr.DataTree:
        """Return a tree with a Dataset for each population and homeostat, with units."""
        import xarray as xr

        datasets = {name: s.to_xarray() for name, s in self.populations.items()}
        datasets |= {name: h.to_xarray() for name, h in self.homeostats.items()}
        tree = xr.DataTree.from_dict(datasets)
        tree.attrs.update(self.provenance)
        return tree

    def plot(
        self, axes: Any = None, *, start: float = 0.0, stop: float | None = None
    ) -> np.ndarray:
        """Draw the spikes of some neurons of each population, and below them all mean rates.

        Args:
            axes: two of matplotlib's; a new figure without any.
            start: seconds at which the picture begins.
            stop: seconds at which it ends; the end of the run without.

        Returns:
            The axes (2,).
        """
        from neurosim.circuits import pictures

        return pictures.plot(self, axes, start=start, stop=stop)

    def __repr__(self) -> str:
        lines = [
            f"{name}: {s.n} neurons, {len(s.spike_steps)} spikes, {s.rate().mean():.3g} /s"
            for name, s in self.populations.items()
        ]
        lines += [f"{name}: {h!r}" for name, h in self.homeostats.items()]
        return "\n".join(lines) or "an empty circuit"


def synchrony(simulation: Simulation, width: float = 3e-3, start: float = 0.0) -> float:
    """Return variance over mean of a population's spike counts in windows: 1 without synchrony.

    Independent Poisson spikes give 1; what all neurons do together adds to it.

    Args:
        simulation: of a population.
        width: of a window in seconds, rounded to steps.
        start: seconds that are left out.
    """
    counts = simulation.binned_counts(width, start)
    return float(counts.var() / counts.mean()) if counts.any() else float("nan")


def interval_cv(simulation: Simulation, start: float = 0.0, fewest: int = 5) -> np.ndarray:
    """Return (neurons,) coefficients of variation of the intervals between spikes.

    Args:
        simulation: of a population.
        start: seconds that are left out.
        fewest: spikes that a neuron must have to count.
    """
    inside = simulation.spike_times >= start
    neurons, times = simulation.spike_neurons[inside], simulation.spike_times[inside]
    order = np.lexsort((times, neurons))
    neurons, times = neurons[order], times[order]
    gaps, own = np.diff(times), np.diff(neurons) == 0
    gaps, of = gaps[own], neurons[1:][own]
    number = np.bincount(of, minlength=simulation.n)
    mean = np.bincount(of, gaps, simulation.n) / np.maximum(number, 1)
    square = np.bincount(of, (gaps - mean[of]) ** 2, simulation.n) / np.maximum(number, 1)
    kept = number >= max(1, fewest - 1)
    cv: np.ndarray = np.sqrt(square[kept]) / mean[kept]
    return cv
