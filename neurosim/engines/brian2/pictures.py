"""A simulation as a picture: its spikes, and what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.drawing import BLACK, BLUE, style

if TYPE_CHECKING:
    from neurosim.engines.brian2.simulation import Simulation

SCALES = {"volt": (1e3, "mV"), "amp": (1e9, "nA"), "siemens": (1e9, "nS"), "hertz": (1.0, "1/s")}
"""Factor and name of the unit that values in SI units are drawn in."""
LINES = 12
"""Most traces that are drawn one by one; of more the median and the middle 90 % are."""


def plot(simulation: Simulation, axes: Any = None) -> np.ndarray:
    """Draw spikes and traces one below the other, and return the axes (panels,)."""
    names = list(simulation.traces)
    with style():
        if axes is None:
            axes = _new_axes(1 + len(names))
        panels = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        spikes, *others = panels
        size = float(np.clip(200 / max(simulation.n, 1), 0.5, 8))
        mark = "|" if simulation.n <= 60 else "."
        spikes.plot(simulation.spike_times, simulation.spike_neurons, mark, color=BLACK, ms=size)
        spikes.set_ylabel("neuron")
        spikes.set_ylim(-0.5, simulation.n - 0.5)
        spikes.set_xlim(0, simulation.duration)
        spikes.locator_params(axis="y", integer=True)
        for panel, name in zip(others, names, strict=False):
            _trace(panel, simulation, name)
        panels[-1].set_xlabel("time (s)")
    return panels


def _new_axes(panels: int) -> Any:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(6.4, 1.6 + 1.3 * panels), layout="constrained")
    return figure.subplots(panels, 1, sharex=True)


def _trace(panel: Any, simulation: Simulation, name: str) -> None:
    scale, unit = SCALES.get(simulation.units.get(name, "1"), (1.0, simulation.units.get(name, "")))
    values = scale * np.asarray(simulation.traces[name], dtype=float)
    if values.shape[1] <= LINES:
        panel.plot(simulation.time, values, lw=0.8)
    else:
        low, middle, high = np.percentile(values, (5, 50, 95), axis=1)
        panel.fill_between(simulation.time, low, high, color=BLUE, alpha=0.25, lw=0)
        panel.plot(simulation.time, middle, color=BLUE, lw=0.9)
    panel.set_ylabel(name if unit in ("", "1") else f"{name} ({unit})")
