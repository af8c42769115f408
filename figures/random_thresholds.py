"""Does drawing thresholds at random lower spiking? The sign of Jensen's gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from neurosim.analysis.arrays import gauss_legendre
from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.thresholds.random_threshold import (
    Levels,
    Uniform,
    expected_rate,
    jensen_gap,
    matched_levels,
)
from neurosim.analysis.thresholds.stationary import exceedance
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style

TITLE = "Does drawing thresholds at random lower spiking?"
FINDING = """\
ASPEN (Mechanism 1) says that random thresholds lower the expected spike probability by Jensen's
inequality. For r = P(U >= theta) that holds only where the mean drive lies above the law's mean;
in the sparse regime, the drive below it, U(1, 1.5) fires MORE than the threshold 1.25: at noise 0.3
by 12 % at drive 1 and by 120 % at drive 0.4, against some 3 % less at best above 1.25. With
reset (by subtraction, dt/tau = 0.1) hardly anything remains of the saving: of the drives and noises
drawn it is seen only between 1.3 and 1.4 at noise below 0.1, and is at most 3 %; at noise 0.3
randomising adds 71 % at drive 0.4, 5 % at drive 1 and 2 % at drive 2.2. What saves spikes is the
higher mean: against threshold 1, at drive 1, the fixed threshold 1.25 saves 49 %, U(1, 1.5) drawn
once a trial 46 %, and drawn at every step 30 %, as the lowest draws win. Discrete levels do not
save more either: with the uniform law's variance 2, 3 or 5 levels fire within 0.7 % of it, and
three levels from edge to edge, which have twice its variance, fire 2 to 44 % more. All this is the
response of a neuron with a given drive; what training under random thresholds does to the weights,
and with them to the drive, is another matter that it does not touch.
"""
STEPS = (-1000, -100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100, 1000)
"""Borders of the maps' colours [%]."""


@dataclass(frozen=True)
class Config:
    """What the figure is computed for; potentials in units of the trained threshold."""

    low: float = 1.0
    high: float = 1.5
    """ASPEN draws from U(1, 1.5)."""
    dt_over_tau: float = 0.1
    std: float = 0.3
    """Membrane noise of the lower panels."""
    means: tuple[float, ...] = tuple(
        np.sort([*np.linspace(0.4, 2.2, 19), 1.25, 1.35, 1.45]).tolist()
    )
    stds: tuple[float, ...] = tuple(np.geomspace(0.06, 0.8, 9).tolist())
    max_spikes: int = 31
    """Most spikes in a step, as in rockpool's LIF and on the Xylo."""
    nodes: int = 12
    """Thresholds that stand for the uniform law."""


def compute(config: Config | None = None) -> dict[str, Any]:
    """Return what random thresholds do to the rate, relative to one at the law's mean.

    Keys: `mean`, `std`; `free`, `reset` (std, mean) relative gap without and with reset;
    `fixed`, `quenched`, `annealed` (mean,) rate over that at the law's lower edge;
    `counts` and `matched` (count, mean), `spread` (mean,): rate with 2, 3, 5 levels of the
    uniform law's variance, and with levels spread evenly from edge to edge, over the uniform
    law's rate, minus 1.
    """
    config = config or Config()
    law, mean = Uniform(config.low, config.high), np.array(config.means)
    std = np.array(config.stds)[:, None]
    free = jensen_gap(law, mean, std) / exceedance(law.mean, mean, std)
    reset = _rate(_panel(law, config.nodes), mean, std, config)
    reset = reset / _rate(law.mean, mean, std, config) - 1
    arrays = {"config": config, "mean": mean, "std": std[:, 0], "free": free, "reset": reset}
    return arrays | _draws(law, mean, config) | _levels(law, mean, config)


def _draws(law: Uniform, mean: np.ndarray, config: Config) -> dict[str, Any]:
    """Return rates relative to the fixed threshold that the law never falls below."""
    baseline = _rate(law.low, mean, config.std, config)
    decay = np.exp(-config.dt_over_tau)
    annealed = expected_rate(law, mean, config.std, decay=decay, reset="soft", draw="annealed")
    return {
        "fixed": _rate(law.mean, mean, config.std, config) / baseline,
        "quenched": _rate(_panel(law, config.nodes), mean, config.std, config) / baseline,
        "annealed": annealed / baseline,
    }


def _levels(law: Uniform, mean: np.ndarray, config: Config) -> dict[str, Any]:
    """Compare discrete levels with the uniform law."""
    continuous = _rate(_panel(law, config.nodes), mean, config.std, config)
    counts = (2, 3, 5)
    matched = [
        _rate(matched_levels(count, law.low, law.high), mean, config.std, config) / continuous - 1
        for count in counts
    ]
    even = Levels(np.linspace(law.low, law.high, 3).tolist())
    spread = _rate(even, mean, config.std, config) / continuous - 1
    return {"counts": counts, "matched": np.array(matched), "spread": spread}


def _panel(law: Uniform, count: int) -> Levels:
    """Return Gauss-Legendre nodes of the law: far fewer than its own, and enough for a picture."""
    nodes, weights = gauss_legendre(count)
    return Levels((law.low + (law.high - law.low) * nodes).tolist(), weights.tolist())


def _rate(law: Any, mean: Any, std: Any, config: Config) -> np.ndarray:
    """Return spikes per step with reset by subtraction, thresholds kept for a whole trial."""
    decay = np.exp(-config.dt_over_tau)
    options: dict[str, Any] = {"decay": decay, "reset": "multi", "max_spikes": config.max_spikes}
    if isinstance(law, float):
        return np.asarray(discrete_time.rate(mean, std, threshold=law, **options))
    return np.asarray(expected_rate(law, mean, std, **options))


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the two sign maps above, baselines and kinds of law below."""
    config = arrays["config"]
    with style():
        figure = Figure(figsize=(7.6, 6.2), layout="constrained")
        axes = figure.subplots(2, 2)
        _draw_map(axes[0, 0], arrays, "free", "Without reset: P(U ≥ θ)")
        shades = _draw_map(
            axes[0, 1], arrays, "reset", f"With reset, dt/τ = {config.dt_over_tau:g}"
        )
        bar = figure.colorbar(shades, ax=axes[0, :].tolist(), ticks=STEPS)
        bar.ax.set_yticklabels([f"{step:+d}" if step else "0" for step in STEPS])
        bar.set_label("change by randomising (%)")
        _draw_baselines(axes[1, 0], arrays)
        _draw_levels(axes[1, 1], arrays)
    return figure


def _draw_map(axes: Axes, arrays: dict[str, Any], key: str, title: str) -> Any:
    config = arrays["config"]
    percent = np.clip(100 * arrays[key], STEPS[0], STEPS[-1])
    shades = axes.contourf(
        arrays["mean"], arrays["std"], percent, STEPS, cmap="RdBu_r", norm=BoundaryNorm(STEPS, 256)
    )
    axes.contour(arrays["mean"], arrays["std"], percent, [0.0], colors=BLACK, linewidths=1.2)
    centre = (config.low + config.high) / 2
    axes.axvline(centre, color=BLACK, lw=0.8, ls="--")
    note = axes.text(centre - 0.02, 0.65, f"ASPEN's\nmean {centre:g}", ha="right", va="center")
    note.set_fontsize(8)
    axes.set_yscale("log")
    axes.set(title=title, xlabel="mean drive (trained threshold = 1)")
    axes.set_ylabel("membrane noise (same unit)")
    axes.set_yticks([0.1, 0.2, 0.5], ["0.1", "0.2", "0.5"])
    axes.minorticks_off()
    axes.grid(False)
    return shades


def _draw_baselines(axes: Axes, arrays: dict[str, Any]) -> None:
    config = arrays["config"]
    centre = (config.low + config.high) / 2
    for name, colour, line, label in (
        ("quenched", ORANGE, "-", f"U({config.low:g}, {config.high:g}), one draw a trial"),
        ("annealed", PINK, "-", f"U({config.low:g}, {config.high:g}), one draw a step"),
        ("fixed", BLUE, "--", f"fixed at its mean {centre:g}"),
    ):
        axes.plot(arrays["mean"], arrays[name], line, color=colour, label=label)
    axes.axhline(1, color=BLACK, lw=0.8)
    axes.text(arrays["mean"][-1], 0.985, f"fixed at {config.low:g}", ha="right", va="top")
    axes.set(
        title=f"ASPEN's saving, noise {config.std:g}",
        xlabel="mean drive (trained threshold = 1)",
        ylabel=f"rate over that at threshold {config.low:g}",
        ylim=(0, 1.05),
    )
    axes.legend(loc="lower right")


def _draw_levels(axes: Axes, arrays: dict[str, Any]) -> None:
    for count, change, colour in zip(
        arrays["counts"], arrays["matched"], (BLUE, GREEN, PINK), strict=True
    ):
        label = f"{count} levels, same variance"
        axes.plot(arrays["mean"], 100 * change, color=colour, label=label)
    axes.plot(
        arrays["mean"], 100 * arrays["spread"], "--", color=ORANGE, label="3 levels, edge to edge"
    )
    axes.axhline(0, color=BLACK, lw=0.8)
    axes.set_yscale("symlog", linthresh=0.1, linscale=1.0)
    axes.set_yticks([-1, -0.1, 0, 0.1, 1, 10], ["−1", "−0.1", "0", "0.1", "1", "10"])
    axes.minorticks_off()
    axes.set(
        title="Discrete against uniform",
        xlabel="mean drive (trained threshold = 1)",
        ylabel="change of the rate (%)",
        ylim=(-2, 500),
    )
    axes.legend(fontsize=7)
