"""What a higher threshold costs in time: one neuron, a population, a layered net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.analysis.firing_rate import siegert
from neurosim.analysis.passage import latency
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style

TITLE = "What a higher threshold costs in time"
FINDING = """\
ASPEN leaves open whether saving spikes by a higher threshold costs latency. It does, and how much
is decided by where the mean drive lies. From threshold 1 to 1.5 at membrane noise 0.3: driven well
above both thresholds (mean 2) every decision takes 1.9 to 2.0 times as long, for one neuron as for
the first of 48, and 48 % of the spikes are saved. Driven between them (mean 1.2) it is 2.8 times
for one neuron, 2.4 for the first of 48, at 66 % saved. Driven below both (mean 0.7) one neuron
waits 9.8 times as long, the first of 48 only 3.5 times, at 91 % saved: the tail of the first-spike
time is exponential, and a population cuts it off. So a population's penalty is modest only if it
decides by its first spikes; where a quarter of it must fire it pays nearly the single neuron's
price, and so does each layer of a net: three layers of 48 that wait for 12 spikes each go from 53
to 136 ms. Noise helps: at mean 1.2 and noise 0.05 the same step costs a factor of 10^7.
"""

LOW, HIGH = 1.0, 1.5
COLOURS = (BLUE, GREEN, ORANGE, PINK)


@dataclass(frozen=True)
class Config:
    """What the figure is computed for; potentials in units of the trained threshold."""

    tau: float = 0.02
    """Membrane time constant [s]."""
    mean: float = 1.2
    """Free membrane mean of the neurons of the first three panels."""
    std: float = 0.3
    stds: tuple[float, ...] = (0.05, 0.15, 0.3, 0.6)
    """Noise of the first panel."""
    populations: tuple[tuple[int, int], ...] = ((1, 1), (10, 1), (48, 1), (48, 12))
    """Neurons and spikes needed."""
    layers: int = 3
    means: tuple[float, ...] = tuple(np.linspace(0.5, 2.5, 21).tolist())
    """Drives of the last panel."""
    points: int = 37


def compute(config: Config | None = None) -> dict[str, Any]:
    """Return latencies [s] against the threshold.

    Keys: `threshold`; `single` (std, threshold) mean first-spike time and `noiseless`; `decision`
    (population, threshold) median; `time`, `net` (low or high, time) density of the decision of
    a layered net [1/s] and `net_median`; `saving` (mean,) share of spikes that the higher threshold
    saves, `cost` (population, mean) factor of the median decision time.
    """
    config = config or Config()
    threshold = np.linspace(0.6, 2.4, config.points)
    tau, mean = config.tau, config.mean
    stds = np.array(config.stds)[:, None]
    arrays: dict[str, Any] = {
        "config": config,
        "threshold": threshold,
        "single": latency.mean_time(threshold, mean, stds, tau),
        "noiseless": latency.noiseless(threshold, mean, tau),
        "decision": _median(config, threshold, mean),
    }
    return arrays | _net(config) | _bargain(config)


def _net(config: Config) -> dict[str, Any]:
    """Return the law of the decision time of a net of like layers at two thresholds."""
    neurons, needed = config.populations[-1]
    times = np.linspace(0, 0.18, 1801)
    laws, medians = [], []
    for threshold in (LOW, HIGH):
        stage = latency.Stage(threshold, config.mean, config.std, config.tau, 0.0, neurons, needed)
        waiting = latency.layered(times, [stage] * config.layers)
        laws.append(-np.gradient(waiting, times))
        medians.append(float(np.interp(-0.5, -waiting, times)))
    return {"time": times, "net": np.array(laws), "net_median": medians}


def _bargain(config: Config) -> dict[str, Any]:
    """Return what the higher threshold saves in spikes and costs in time, for each drive."""
    means = np.array(config.means)
    rates = [
        siegert(means, config.std, threshold=theta, reset=0.0, tau=config.tau)
        for theta in (LOW, HIGH)
    ]
    cost = _median(config, HIGH, means) / _median(config, LOW, means)
    return {"means": means, "saving": 1 - rates[1] / rates[0], "cost": cost}


def _median(config: Config, threshold: Any, mean: Any) -> np.ndarray:
    """Return the median decision time [s] of each population, (population, ...)."""
    neurons, needed = np.array(config.populations).T[..., None]
    return latency.quantile(
        0.5, threshold, mean, config.std, config.tau, neurons=neurons, needed=needed
    )


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw one neuron, populations, a net, and what is saved against what it costs."""
    with style():
        figure = Figure(figsize=(7.2, 6.0), layout="constrained")
        axes = figure.subplots(2, 2)
        _draw_single(axes[0, 0], arrays)
        _draw_populations(axes[0, 1], arrays)
        _draw_net(axes[1, 0], arrays)
        _draw_bargain(axes[1, 1], arrays)
    return figure


def _draw_single(axes: Axes, arrays: dict[str, Any]) -> None:
    config = arrays["config"]
    for std, times, colour in zip(config.stds, arrays["single"], COLOURS, strict=False):
        axes.plot(arrays["threshold"], 1e3 * times, color=colour, label=f"noise {std:g}")
    limit = np.where(np.isfinite(arrays["noiseless"]), arrays["noiseless"], np.nan)
    axes.plot(arrays["threshold"], 1e3 * limit, ":", color=BLACK, label="none")
    axes.axvline(config.mean, color=BLACK, lw=0.6)
    axes.annotate("mean drive", (config.mean, 6), (3, 0), textcoords="offset points", fontsize=8)
    axes.set_yscale("log")
    axes.set(
        title="One neuron",
        xlabel="threshold (trained = 1)",
        ylabel="mean first-spike time (ms)",
        ylim=(5, 1e4),
    )
    axes.legend(loc="upper left", fontsize=7)


def _draw_populations(axes: Axes, arrays: dict[str, Any]) -> None:
    config = arrays["config"]
    for size, times, colour in zip(config.populations, arrays["decision"], COLOURS, strict=False):
        axes.plot(arrays["threshold"], 1e3 * times, color=colour, label=_name(size))
    axes.set_yscale("log")
    axes.set(
        title=f"Populations, noise {config.std:g}",
        xlabel="threshold (trained = 1)",
        ylabel="median decision time (ms)",
    )
    axes.legend(loc="upper left", fontsize=7)


def _draw_net(axes: Axes, arrays: dict[str, Any]) -> None:
    config = arrays["config"]
    for threshold, law, median, colour in zip(
        (LOW, HIGH), arrays["net"], arrays["net_median"], (BLUE, ORANGE), strict=True
    ):
        label = f"threshold {threshold:g}, median {1e3 * median:.0f} ms"
        axes.plot(1e3 * arrays["time"], law / 1e3, color=colour, label=label)
        axes.plot(1e3 * np.array([median] * 2), [0, law.max() / 1e3], ":", color=colour, lw=0.8)
    axes.set(
        title=f"{config.layers} layers, each {_name(config.populations[-1])}",
        xlabel="decision time (ms)",
        ylabel="density (1/ms)",
        ylim=(0, 1.45 * arrays["net"].max() / 1e3),
    )
    axes.legend(loc="upper right", fontsize=7)


def _draw_bargain(axes: Axes, arrays: dict[str, Any]) -> None:
    config = arrays["config"]
    for size, cost, colour in zip(config.populations, arrays["cost"], COLOURS, strict=False):
        axes.plot(100 * arrays["saving"], cost, color=colour, label=_name(size))
    axes.set_yscale("log")
    axes.set(
        title=f"From threshold {LOW:g} to {HIGH:g}",
        xlabel="spikes saved (%)",
        ylabel="decision time, factor",
        yticks=[1, 2, 5, 10],
        yticklabels=["1", "2", "5", "10"],
    )
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=7)


def _name(size: tuple[int, int]) -> str:
    neurons, needed = size
    if neurons == 1:
        return "1 neuron"
    return f"first of {neurons}" if needed == 1 else f"{needed} of {neurons}"
