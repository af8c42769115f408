"""A run of a circuit as a picture: spikes of each population, and the rates below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.drawing import BLUE, GREEN, ORANGE, PINK, SKY, YELLOW, style

if TYPE_CHECKING:
    from neurosim.circuits.result import CircuitResult
    from neurosim.engines.brian2.simulation import Simulation

COLOURS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY)
SHOWN = 200
"""Neurons drawn in all; each population has its share of them, and at least a few."""


def plot(
    result: CircuitResult, axes: Any = None, *, start: float, stop: float | None
) -> np.ndarray:
    """Draw a raster and rates, and return the two axes."""
    populations = {name: s for name, s in result.items() if s.n}
    end = max(s.duration for s in populations.values()) if stop is None else stop
    total = sum(s.n for s in populations.values())
    with style():
        if axes is None:
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=(6.4, 4.2), layout="constrained")
            axes = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        raster, rates = np.asarray(axes, dtype=object).ravel()
        base, ticks = 0, []
        for k, (name, simulation) in enumerate(populations.items()):
            colour = COLOURS[k % len(COLOURS)]
            shown = min(simulation.n, max(10, round(SHOWN * simulation.n / total)))
            inside = simulation.spike_neurons < shown
            times = simulation.spike_times[inside]
            raster.plot(times, base + simulation.spike_neurons[inside], ".", color=colour, ms=1.5)
            ticks.append((base + shown / 2, f"{name}\n{shown} of {simulation.n}"))
            base += shown
            middles, values = _rate(simulation, start, end)
            rates.plot(middles, values, color=colour, lw=1, label=name)
        raster.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
        raster.set_ylim(-1, base)
        raster.set_xlim(start, end)
        rates.set_ylim(bottom=0)
        rates.set_xlabel("time (s)")
        rates.set_ylabel("rate (1/s)")
    return np.array([raster, rates], dtype=object)


def _rate(simulation: Simulation, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of bins (200 in all, of whole steps) and the rates in them."""
    width = max(1, round((stop - start) / 200 / simulation.dt)) * simulation.dt
    counts = simulation.binned_counts(width, start, stop)
    return start + width * (np.arange(len(counts)) + 0.5), counts / simulation.n / width
