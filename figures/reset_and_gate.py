"""How wrong the no-reset rate and the gate are for the neuron that a network runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.analysis.arrays import gauss_legendre
from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.thresholds.stationary import (
    SURROGATES,
    Gaussian,
    Surrogate,
    exceedance,
    gate,
)
from neurosim.analysis.thresholds.stationary import density as membrane_density
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, SKY, style

TITLE = "What reset does to r = P(U ≥ θ) and to the gate G = -dr/dθ"
FINDING = """\
AHSAR (section 3) takes r = P(U >= theta) for the rate and G ~ -dr/dtheta for the mean surrogate
gradient, of a membrane without reset. As a rate it holds where a neuron forgets within a step: at
dt/tau = 3 it is at most 6 % too high. At the usual dt/tau = 0.1 (drive 0.8, noise 0.4, reset to 0)
it is 2.0 to 9.1 times too high over thresholds 0.4 to 2.2, worst where the threshold is near the
drive, and at 0.03 up to 27 times: it counts every step spent above threshold where the neuron fires
once and starts again. Its slope p(theta) is up to 11 times the true one. The gate holds less. Even
without reset it needs a surrogate narrower than the noise: with the default width 0.5 the
unit-mass surrogates give 0.46 to 0.85 of the slope from threshold 0.4 to 1.2 and 26 to 41 times at
2.2, 3.5 standard deviations out; PeriodicExponential, whose mass is not 1, goes from 3.3 over 0.63
to 17 times. With reset G is 1.3 to 88 times -dr/dtheta, and a narrow surrogate (width 0.05) does
not cure it (1.7 to 3.8 times): it measures how often the membrane is at threshold, while raising
the threshold costs only part of the spikes lost there, as the neuron left unreset fires soon
after. What survives is the shape: past the drive both rate and slope fall as the threshold rises.
The exact rates, slopes and gates agree with simulated neurons within the statistical error.
"""
NAMES = ("gaussian", "laplace", "atan", "periodic-exponential")
NARROW = Gaussian(0.05)
RESETS: tuple[discrete_time.Reset, ...] = ("hard", "soft")


@dataclass(frozen=True)
class Config:
    """What the figure is computed for."""

    mean: float = 0.8
    """Free membrane mean."""
    std: float = 0.4
    """Its standard deviation."""
    dt_over_tau: float = 0.1
    steps_over_tau: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0, 3.0)
    """Time steps of the second panel."""
    low: float = 0.4
    high: float = 2.2
    points: int = 37
    simulated: int = 7
    """Simulated thresholds."""
    neurons: int = 400
    steps: int = 3000
    shift: float = 0.05
    """Thresholds are simulated this much to either side for the slope."""
    seed: int = 0


def compute(config: Config | None = None) -> dict[str, Any]:
    """Return rates, slopes and gates against the threshold, exact and simulated.

    Keys: `threshold` (points,); `free` = P(U >= theta), `slope_free` = p_U, `gate_free`
    (surrogate, points); `rate` (reset, points) spikes per step; `slope` = -d rate/d theta and
    `gate` (surrogate, points) and `narrow` (points,) with hard reset; `factor` (dt, points) =
    free/rate with hard reset; `simulated` (n,) thresholds, and `sim_rate` (reset, n), `sim_slope`
    (n,), `sim_gate` (surrogate, n), each with a leading axis of value and standard error.
    """
    config = config or Config()
    theta = np.linspace(config.low, config.high, config.points)
    mean, std, decay = config.mean, config.std, np.exp(-config.dt_over_tau)
    rates = [discrete_time.rate(mean, std, threshold=theta, decay=decay, reset=r) for r in RESETS]
    relative = discrete_time.gradient(mean, std, threshold=theta, decay=decay).threshold
    free = exceedance(theta, mean, std)
    gates = _gates(theta, rates[0], config)
    length = np.array(config.steps_over_tau)[:, None]
    return {
        "config": config,
        "threshold": theta,
        "free": free,
        "slope_free": membrane_density(theta, mean, std),
        "gate_free": np.array([gate(theta, mean, std, name) for name in NAMES]),
        "rate": np.array(rates),
        "slope": -rates[0] * relative,
        "gate": gates[:-1],
        "narrow": gates[-1],
        "factor": free / discrete_time.rate(mean, std, threshold=theta, decay=np.exp(-length)),
    } | _simulate(config)


def _gates(theta: np.ndarray, rate: np.ndarray, config: Config) -> np.ndarray:
    """Return E[psi'] (surrogate, points) with hard reset; the last row is of `NARROW`.

    The potential that is compared with the threshold is Gaussian around mean + (V - mean) decay
    given V, and V follows `discrete_time.density` plus an atom of mass `rate` at the reset, 0.
    """
    decay = float(np.exp(-config.dt_over_tau))
    noise = config.std * np.sqrt(1 - decay**2)
    unit, weights = gauss_legendre(200)
    forms: list[str | Surrogate] = [*NAMES, NARROW]
    values = np.empty((len(forms), theta.size))
    for i, threshold in enumerate(theta.tolist()):
        low = min(0.0, config.mean) - 8 * config.std
        v = low + (threshold - low) * unit
        mass = weights * (threshold - low)
        mass = mass * discrete_time.density(
            v, config.mean, config.std, threshold=threshold, decay=decay
        )
        v, mass = np.append(v, 0.0), np.append(mass, rate[i])
        centre = config.mean + (v - config.mean) * decay
        for j, form in enumerate(forms):
            values[j, i] = gate(threshold, centre, noise, form) @ mass
    return values


def _simulate(config: Config) -> dict[str, Any]:
    """Simulate independent neurons at several thresholds and both resets, with one noise."""
    rng = np.random.default_rng(config.seed)
    decay = np.exp(-config.dt_over_tau)
    noise = config.std * np.sqrt(1 - decay**2)
    centre = np.linspace(config.low + 0.1, config.high - 0.2, config.simulated)
    theta = (centre + config.shift * np.array([-1, 0, 1])[:, None])[..., None]
    forms = [SURROGATES[name]() for name in NAMES]
    v = np.zeros((2, *theta.shape[:2], config.neurons))
    spikes, gates, looks = np.zeros_like(v), np.zeros((len(NAMES), *v.shape[2:])), 0
    settle = int(10 / config.dt_over_tau)
    for step in range(settle + config.steps):
        pre = config.mean + (v - config.mean) * decay + noise * rng.standard_normal(config.neurons)
        fired = pre >= theta
        v[0] = np.where(fired[0], 0.0, pre[0])
        v[1] = pre[1] - theta * fired[1]
        if step >= settle:
            spikes += fired
            if step % 10 == 0:  # neighbouring steps say nearly the same
                looks += 1
                for form, total in zip(forms, gates, strict=True):
                    total += form.derivative(pre[0, 1], theta[1])
    rates = spikes / config.steps
    return {
        "simulated": centre,
        "sim_rate": _estimate(rates[:, 1]),
        "sim_slope": _estimate((rates[0, 0] - rates[0, 2]) / (2 * config.shift)),
        "sim_gate": _estimate(gates / looks),
    }


def _estimate(values: np.ndarray) -> np.ndarray:
    """Return mean over the neurons and its standard error, stacked."""
    return np.array([values.mean(-1), values.std(-1, ddof=1) / np.sqrt(values.shape[-1])])


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw rates, the factor between them, the gates and their ratio to the slope."""
    with style():
        figure = Figure(figsize=(7.6, 6.4), layout="constrained")
        axes = figure.subplots(2, 2)
        _draw_rates(axes[0, 0], arrays)
        _draw_factor(axes[0, 1], arrays)
        _draw_gates(axes[1, 0], arrays)
        _draw_ratio(axes[1, 1], arrays)
    return figure


def _draw_rates(axes: Axes, arrays: dict[str, Any]) -> None:
    config, theta = arrays["config"], arrays["threshold"]
    axes.plot(theta, arrays["free"], "--", color=BLACK, label="P(U ≥ θ), no reset")
    for i, (name, colour) in enumerate((("reset to 0", BLUE), ("reset by θ", ORANGE))):
        axes.plot(theta, arrays["rate"][i], color=colour, label=name)
        _points(axes, arrays["simulated"], arrays["sim_rate"][:, i], colour)
    axes.set_yscale("log")
    axes.set(
        title=f"Rate at dt/τ = {config.dt_over_tau:g}",
        xlabel="threshold θ",
        ylabel="spikes per step",
    )
    axes.legend(
        loc="lower left",
        title="points: simulated",
        title_fontsize=8,
        alignment="left",
    )


def _draw_factor(axes: Axes, arrays: dict[str, Any]) -> None:
    config, theta = arrays["config"], arrays["threshold"]
    colours = (PINK, BLUE, GREEN, ORANGE, SKY)
    for length, factor, colour in zip(
        config.steps_over_tau, arrays["factor"], colours, strict=False
    ):
        axes.plot(theta, factor, color=colour, label=f"dt/τ = {length:g}")
    axes.set_yscale("log")
    axes.axhline(1, color=BLACK, lw=0.8)
    axes.set(
        title="P(U ≥ θ) over the rate with reset to 0",
        xlabel="threshold θ",
        ylabel="factor",
        yticks=[1, 2, 5, 10, 20, 50],
        yticklabels=["1", "2", "5", "10", "20", "50"],
    )
    axes.minorticks_off()
    axes.legend()


def _draw_gates(axes: Axes, arrays: dict[str, Any]) -> None:
    theta = arrays["threshold"]
    axes.plot(theta, arrays["slope_free"], "--", color=BLACK, label="p(θ), no reset")
    axes.plot(theta, arrays["slope"], color=BLACK, label="−dr/dθ")
    _points(axes, arrays["simulated"], arrays["sim_slope"], BLACK)
    for i, (name, colour) in enumerate(zip(NAMES, (BLUE, ORANGE, GREEN, PINK), strict=True)):
        axes.plot(theta, arrays["gate"][i], color=colour, label=f"G {name}")
        _points(axes, arrays["simulated"], arrays["sim_gate"][:, i], colour)
    axes.set(
        title="Gate and slope, reset to 0",
        xlabel="threshold θ",
        ylabel="per unit of θ",
        ylim=(0, None),
    )
    axes.legend(fontsize=7)


def _draw_ratio(axes: Axes, arrays: dict[str, Any]) -> None:
    theta = arrays["threshold"]
    for i, (name, colour) in enumerate(zip(NAMES, (BLUE, ORANGE, GREEN, PINK), strict=True)):
        axes.plot(theta, arrays["gate"][i] / arrays["slope"], color=colour, label=name)
        axes.plot(theta, arrays["gate_free"][i] / arrays["slope_free"], "--", color=colour)
    axes.plot(theta, arrays["narrow"] / arrays["slope"], ":", color=BLACK, label="narrow gaussian")
    axes.axhline(1, color=BLACK, lw=0.8)
    axes.set_yscale("log")
    axes.set(
        title="G over −dr/dθ  (dashed: no reset)",
        xlabel="threshold θ",
        ylabel="ratio",
    )
    axes.legend(fontsize=7, loc="upper center")


def _points(axes: Axes, x: np.ndarray, estimate: np.ndarray, colour: str) -> None:
    axes.errorbar(
        x, estimate[0], estimate[1], fmt="o", ms=3.5, color=colour, mec="white", mew=0.5, capsize=2
    )
