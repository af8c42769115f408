"""Where AHSAR's homeostat is stable, rings, runs away or feeds what it should fight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from scipy.optimize import bisect

from neurosim.analysis import homeostasis
from neurosim.analysis.firing_rate import log_siegert
from neurosim.analysis.firing_rate.white_noise import log_gradient
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style

TITLE = "When the homeostat settles, rings, runs away or feeds what it should fight"
FINDING = """\
AHSAR states that its inner loop is a negative feedback that converges to a fixed point where rate
deviations vanish. That holds in part. For layers whose rates do not depend on each other
(normalised inputs) the loop is stable if and only if beta_T k < (2 - m)(1 + R)/m and |R(1 - m)| < 1
in every mode, where k is the relative fall of the rate with the state, m the weight of a new rate
in the moving average, and R = (1 - gamma - D lambda)^T and beta_T what T ticks with the rates held
leave and add. It does not ring only at gains 20 to 100 times smaller (m = 0.3), and a moving
average that takes in the new rate only after its use shrinks the stable range 17-fold at m = 0.1.
Beyond the bound the tanh keeps the loop finite, in an endless oscillation between layers.
Deviations shrink to the share 1/(1 + beta k/(gamma + D lambda)), which is 35 to 80 % at the calm
gains marked here, and vanish only for gamma = D = 0. In a plain chain of integrate-and-fire layers
the statement fails: a layer passes on relative deviations with b = d ln r_l/d ln r_(l-1) above 1,
and as soon as the sum of (1 - b)/a over the layers is negative (equal layers: b > L/(L - 1); from
10 layers on sooner) centring turns the loop into positive feedback at any gain that relaxation does
not outweigh: the chain drawn here drives its layers apart by a factor of 10 where the same gains
make normalised layers agree. Holding each layer to a reference of its own cures it.
"""

CALM, RINGS, UNSTABLE = 0, 1, 2
RUNS = ("calm", "ringing", "running")


@dataclass(frozen=True)
class Config:
    """What the figure is computed for."""

    layers: int = 4
    momentum: float = 0.3
    """m_r of map and trajectories."""
    ticks: int = 8
    """Ticks of the second pair of borders."""
    mean: float = 0.8
    """Free membrane mean of every layer at rest, in thresholds."""
    std: float = 0.3
    """Its standard deviation."""
    grid: int = 61
    steps: int = 80
    seed: int = 0


def compute(config: Config | None = None) -> dict[str, Any]:
    """Return the map, borders, feedback limits and trajectories of the nonlinear loop.

    Keys: `gain`, `gamma`, `regime` (gain, gamma); `momentum`, `border` (fresh or stale, ticks,
    momentum); `depth`, `limit_exact`, `limit_sum`; `calm`, `ringing`, `running` (steps, L) log
    rates; `normalised`, `chain`, `held` (steps,) spread of log rates; `a`, `b` of the LIF layers.
    """
    config = config or Config()
    loop = homeostasis.Loop(
        beta=1.0, gamma=0.1, D=0.025, layers=config.layers, m_r=config.momentum, alpha=0.5
    )
    arrays: dict[str, Any] = {"gains": [], "k": float(loop.a[0] * loop.actuator(np.zeros(1))[0])}
    arrays |= _map(loop, config) | _borders(loop, config) | _feedback()
    for name, gain in zip(RUNS, (None, 2.0, 14.0), strict=True):
        beta = _calmest(loop) if gain is None else gain / arrays["k"]
        arrays["gains"].append(beta * arrays["k"])
        rng = np.random.default_rng(config.seed)
        rates = np.log(0.1) + 0.4 * rng.standard_normal(config.layers)
        run = homeostasis.trajectory(replace(loop, beta=beta), rates, config.steps)
        arrays[name] = run.log_rate
    return arrays | _chains(config)


def _map(loop: homeostasis.Loop, config: Config) -> dict[str, Any]:
    """Return the regime of the loop over reaction and relaxation, D = gamma/4."""
    k = float(loop.a[0] * loop.actuator(np.zeros(1))[0])
    gain, gamma = np.geomspace(1e-2, 40, config.grid), np.linspace(0.01, 1.6, config.grid)
    regime = np.empty((config.grid, config.grid), dtype=int)
    for j, relaxation in enumerate(gamma):
        changed = replace(loop, gamma=float(relaxation), D=float(relaxation) / 4)
        for i, reaction in enumerate(gain):
            tried = replace(changed, beta=float(reaction) / k)
            stable = homeostasis.is_stable(tried)
            calm = stable and homeostasis.overshoot(tried) < 0.01
            regime[i, j] = CALM if calm else RINGS if stable else UNSTABLE
    return {"gain": gain, "gamma": gamma, "regime": regime}


def _borders(loop: homeostasis.Loop, config: Config) -> dict[str, Any]:
    """Return the largest stable beta k against the weight of the moving average."""
    momentum = np.linspace(0.02, 1.0, 99)
    border = np.empty((2, 2, momentum.size))
    for j, ticks in enumerate((1, config.ticks)):
        chain = homeostasis.modes(replace(loop, ticks=ticks))
        for i, m in enumerate(momentum):
            carried, one = chain.carried[1:], chain.beta[1:] / loop.beta
            border[0, j, i] = ((2 - m) * (1 + carried) / m / one).min()
            border[1, j, i] = ((1 - carried * (1 - m)) / m / one).min()
    return {"momentum": momentum, "border": border, "border_ticks": (1, config.ticks)}


def _feedback() -> dict[str, Any]:
    """Return the smallest coupling of equal layers at which centring feeds a disagreement."""
    depth = np.arange(2, 31)
    exact = np.empty(depth.size)
    for i, layers in enumerate(depth.tolist()):
        # The first crossing lies less than 0.05 below L/(L - 1); past that there is no way back.
        low, high = 0.5, layers / (layers - 1) + 1e-3
        for b in np.linspace(high - 0.05, high, 101):
            if _feeds(layers, float(b)):
                high = float(b)
                break
        exact[i] = bisect(lambda b, of=layers: 1.0 if _feeds(of, b) else -1.0, low, high)
    return {"depth": depth, "limit_exact": exact, "limit_sum": depth / (depth - 1)}


def _feeds(layers: int, b: float) -> bool:
    loop = homeostasis.Loop(beta=1, gamma=0, D=0, layers=layers, coupling=b)
    return homeostasis.feedback_sign(loop) > 0


def _calmest(loop: homeostasis.Loop) -> float:
    """Return the largest beta at which the loop does not oscillate."""

    def excess(ln_beta: float) -> float:
        return homeostasis.overshoot(replace(loop, beta=float(np.exp(ln_beta)))) - 0.01

    return float(np.exp(bisect(excess, np.log(1e-4), np.log(100.0))))


def _chains(config: Config) -> dict[str, Any]:
    """Return how the spread of log rates goes in layers of LIF neurons under one controller."""
    mean, std = config.mean, config.std
    options: dict[str, Any] = {"reset": 0.0, "tau": 0.02}
    slope = log_gradient(mean, std, threshold=1.0, **options)
    rest = float(log_siegert(mean, std, threshold=1.0, **options))
    a, b = -float(slope.threshold), float(mean * slope.mean + std * slope.std / 2)

    def chain(coupled: bool, scale: np.ndarray) -> np.ndarray:
        logs, drive = np.empty(scale.size), 1.0
        for layer, threshold in enumerate(scale):
            logs[layer] = log_siegert(
                mean * drive, std * np.sqrt(drive), threshold=threshold, **options
            )
            drive = float(np.exp(logs[layer] - rest)) if coupled else 1.0
        return logs

    gains = homeostasis.recommend(config.layers, steps=30, sensitivity=a)
    start = 0.1 * np.random.default_rng(config.seed).standard_normal(config.layers)
    start -= start.mean()
    flat = np.full(config.layers, rest)
    spread = {}
    for name, loop, coupled in (
        ("normalised", gains, False),
        ("chain", gains, True),
        ("held", replace(gains, centring=0.0, reference=rest), True),
    ):
        plant = partial(chain, coupled)
        run = homeostasis.trajectory(loop, flat, config.steps, start=start, plant=plant)
        spread[name] = run.log_rate.std(axis=1)
    return {**spread, "a": a, "b": b}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw map, borders and feedback limit above, trajectories of the nonlinear loop below."""
    with style():
        figure = Figure(figsize=(9.6, 5.8), layout="constrained")
        axes = figure.subplots(2, 3)
        _draw_map(axes[0, 0], arrays)
        _draw_borders(axes[0, 1], arrays)
        _draw_feedback(axes[0, 2], arrays)
        _draw_gains(axes[1, 0], arrays)
        _draw_running(axes[1, 1], arrays)
        _draw_spread(axes[1, 2], arrays)
    return figure


def _draw_map(axes: Axes, arrays: dict[str, Any]) -> None:
    colours = ListedColormap(["#CDE8DD", "#FBE3B5", "#F4C7AE"])
    axes.pcolormesh(
        arrays["gain"],
        arrays["gamma"],
        arrays["regime"].T,
        cmap=colours,
        vmin=0,
        vmax=2,
        shading="nearest",
        rasterized=True,
    )
    axes.set_xscale("log")
    for x, y, text in ((0.015, 0.1, "calm"), (0.35, 0.6, "rings,\nsettles"), (2, 1.3, "unstable")):
        axes.text(x, y, text, va="center")
    for gain, mark, colour in zip(arrays["gains"], "osD", (GREEN, ORANGE, PINK), strict=True):
        axes.plot(gain, 0.1, mark, color=colour, mec="white", ms=7)
    axes.set(title="One tick", xlabel="reaction β k", ylabel="relaxation γ  (D = γ/4)")
    axes.grid(False)


def _draw_borders(axes: Axes, arrays: dict[str, Any]) -> None:
    for i, (use, line) in enumerate((("before use", "-"), ("after use", "--"))):
        for j, (ticks, colour) in enumerate(
            zip(arrays["border_ticks"], (BLUE, ORANGE), strict=True)
        ):
            label = f"{ticks} tick{'s' if ticks > 1 else ''}, updated {use}"
            axes.plot(arrays["momentum"], arrays["border"][i, j], line, color=colour, label=label)
    axes.set_yscale("log")
    axes.set(title="Largest stable gain", ylabel="reaction β k")
    axes.set_xlabel("weight m of a new rate in the average")
    axes.legend(fontsize=7, title="average", title_fontsize=7, loc="upper right")


def _draw_feedback(axes: Axes, arrays: dict[str, Any]) -> None:
    depth = arrays["depth"]
    top = 2.4
    axes.fill_between(depth, arrays["limit_exact"], top, color="#F4C7AE", lw=0)
    axes.plot(depth, arrays["limit_exact"], color=BLACK, label="exact")
    axes.plot(depth, arrays["limit_sum"], "--", color=BLUE, label="L/(L − 1)")
    axes.text(12, 1.6, "centring feeds\ndisagreements")
    axes.text(12, 0.75, "negative feedback")
    axes.set(
        title="Coupled layers",
        xlabel="layers L",
        ylabel="coupling b of a layer to the last",
        ylim=(0.5, top),
        xlim=(2, depth[-1]),
    )
    axes.legend(loc="upper right")


def _draw_gains(axes: Axes, arrays: dict[str, Any]) -> None:
    """Draw the layer that starts farthest off, under each of the map's marked gains."""
    start = arrays["calm"][0]
    layer = int(np.abs(start - start.mean()).argmax())
    shown = 41
    for name, gain, colour in zip(RUNS, arrays["gains"], (GREEN, ORANGE, PINK), strict=True):
        deviation = arrays[name] - arrays[name].mean(axis=1, keepdims=True)
        axes.plot(deviation[:shown, layer], color=colour, label=f"β k = {gain:.2g}")
    axes.set(
        title="One layer, three gains",
        xlabel="optimisation step",
        ylabel="ln rate less the layers' mean",
    )
    axes.set_ylim(top=1.45 * axes.get_ylim()[1])
    axes.legend(ncols=3, fontsize=7, loc="upper center", columnspacing=1, handlelength=1.2)


def _draw_running(axes: Axes, arrays: dict[str, Any]) -> None:
    axes.plot(np.exp(arrays["running"][:41]))
    axes.set(
        title=f"All layers at β k = {arrays['gains'][2]:.0f}",
        xlabel="optimisation step",
        ylabel="spikes per neuron and step",
        ylim=(0, None),
    )


def _draw_spread(axes: Axes, arrays: dict[str, Any]) -> None:
    for name, colour, label in (
        ("chain", ORANGE, "plain chain, centred (AHSAR)"),
        ("held", BLUE, "plain chain, each layer held"),
        ("normalised", GREEN, "normalised layers, centred"),
    ):
        axes.plot(np.maximum(arrays[name], 1e-7), color=colour, label=label)
    axes.set_yscale("log")
    axes.set(
        title=f"LIF layers, b = {arrays['b']:.1f}",
        xlabel="optimisation step",
        ylabel="spread of ln r over the layers",
    )
    axes.legend(fontsize=7)
