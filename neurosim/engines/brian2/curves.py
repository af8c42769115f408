"""How often a neuron fires for each of a row of constant inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurosim import equations
from neurosim.engines.brian2.plan import positive
from neurosim.engines.brian2.simulate import simulate
from neurosim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from neurosim.equations import Declaration

TRIALS = 10
"""Neurons for each input where a model draws random numbers."""


@dataclass(frozen=True, eq=False, repr=False)
class FICurve:
    """Firing rates of a neuron for constant inputs; arrays (inputs,)."""

    model: str
    input: str
    """Name of the input."""
    unit: str
    """Unit of the inputs, "1" for none."""
    inputs: np.ndarray
    rates: np.ndarray
    """Spikes per second."""
    errors: np.ndarray
    """Standard error of each rate over trials; of a single neuron the worth of one spike."""
    window: float
    """Time in seconds over which spikes were counted."""

    def __repr__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        return (
            f"FICurve of {self.model}: {len(self.inputs)} inputs {self.input} "
            f"{self.inputs.min():g}..{self.inputs.max():g}{unit}, "
            f"{self.rates.min():.3g}..{self.rates.max():.3g} spikes/s in {self.window:g} s"
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the curve with its errors, and return matplotlib's axes (new ones without any)."""
        from neurosim.drawing import style

        with style():
            if axes is None:
                import matplotlib.pyplot as plt

                axes = plt.figure(layout="constrained").add_subplot()
            axes.errorbar(self.inputs, self.rates, self.errors, label=self.model, lw=1.2)
            axes.set_xlabel(self.input if self.unit == "1" else f"{self.input} ({self.unit})")
            axes.set_ylabel("rate (1/s)")
        return axes

    def to_xarray(self) -> xr.Dataset:
        """Return rates and errors over the inputs, with their units."""
        import xarray as xr

        return xr.Dataset(
            {
                "rate": (self.input, self.rates, {"units": "1/s"}),
                "error": (self.input, self.errors, {"units": "1/s"}),
            },
            coords={self.input: (self.input, self.inputs, {"units": self.unit})},
            attrs={"model": self.model, "window": self.window},
        )


def f_i_curve(
    model: Declaration | str,
    currents: npt.ArrayLike,
    *,
    duration: float = 10.0,
    start: float = 1.0,
    dt: float = 1e-4,
    parameter: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    trials: int | None = None,
    seed: int | None = None,
    target: str = "auto",
) -> FICurve:
    """Return how often a neuron fires for constant inputs, counted over a long window.

    A rate counted in T seconds is a multiple of 1/T: the window says how fine the curve is.

    Args:
        model: a neuron or composition, or a neuron's name.
        currents: (inputs,) values of the input, in the unit that the model declares, or a Brian2
            quantity.
        duration: time to simulate in seconds.
        start: time in seconds from which spikes count; what comes before is the neuron settling.
        dt: time step in seconds.
        parameter: the input's name; the model's `I` or `mu`, or its only input, by default.
        parameters: other values by name, as for `simulate`.
        trials: neurons for each input; 10 for a model that draws random numbers, else 1.
        seed: of everything random.
        target: as for `simulate`.

    Raises:
        InputError: there is no such input, currents are no row of numbers, or no time is left.
    """
    if isinstance(model, str):
        model = equations.get(model)
    name = parameter or default_input(model)
    values = model.parameter(name).numbers(name, currents)
    if values.ndim != 1 or not values.size:
        raise InputError(f"currents have shape {values.shape}; they need (inputs,)")
    if not 0 <= start < duration:
        raise InputError(f"start is {start} s; it lies in 0..{duration:g} s, the duration")
    if trials is None:
        trials = TRIALS if is_random(model) else 1
    trials = positive("trials", trials)
    run = simulate(
        model,
        n=trials * len(values),
        duration=duration,
        dt=dt,
        parameters={**(parameters or {}), name: np.repeat(values, trials)},
        seed=seed,
        target=target,
    )
    rates = run.rate(start).reshape(len(values), trials)
    window = run.duration - start
    errors = np.full(len(values), 1 / window)
    if trials > 1:
        errors = rates.std(axis=1, ddof=1) / np.sqrt(trials)
    unit = model.parameters[name].unit
    return FICurve(model.name, name, unit, values, rates.mean(axis=1), errors, window)


def default_input(model: Declaration) -> str:
    """Return the name of a model's input.

    Raises:
        InputError: it has none, or several.
    """
    inputs = [name for name, p in model.parameters.items() if p.varies]
    for name in ("I", "mu"):
        if name in inputs:
            return name
    if len(inputs) != 1:
        known = ", ".join(inputs) or "none"
        raise InputError(
            f"{model.name}: which input? Those that may change in time are: {known}; name a "
            "parameter, or declare an input with varies=True (from_brian2: inputs=[...])"
        )
    return inputs[0]


def is_random(model: Declaration) -> bool:
    """Return whether a model draws random numbers."""
    return any(word in model.code for word in ("rand(", "randn(", "xi", "poisson(", "binomial("))
