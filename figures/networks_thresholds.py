"""What random thresholds do to Brunel's network: rate, irregularity, synchrony, borders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.studies import results
from neurosim.studies.estimates import interval
from neurosim.studies.networks import thresholds as study
from neurosim.studies.networks.threshold_cases import (
    FAST_LINE,
    FIXED,
    INDEPENDENT,
    P20,
    POINTS,
    Q20,
    REGULAR_LINE,
    S20,
    SILENT_LINE,
    SPARSE,
    Setting,
)

TITLE = "Random thresholds in Brunel's network"
FINDING = """\
Thresholds are uniform about 20 mV. With input of their own, neurons have the rates of theory within
3 %, whenever thresholds are drawn. In the asynchronous network (g = 5, eta = 2) thresholds drawn
per spike or step cost or gain what theory says, within 6 % over seeds; with quenched ones of 20 %
spread rates differ from seed to seed, 38.7 to 45.2 spikes/s. That is no error of theory: neurons
fire at different rates, so that it matters which ones each hears, and the balance of excitation and
inhibition enlarges what differs. Theory with a mean and variance for each neuron, of the very
thresholds and connections, follows: it is 0 to 6 % above each seed, of which steps of 0.1 ms
explain some 2 %. Where the network oscillates fast, rates are up to 9 % above theory, in the
synchronous regular state 4 to 9 % below. A spread of 20 % lowers the swing of the fast oscillation
by a quarter, that of the synchronous regular state by two thirds if drawn per spike, while quenched
ones halve it in one seed of three; that of the asynchronous state hardly changes. The borders move
accordingly: the regular state ends at lower g, the fast oscillation begins at higher eta. Silence
ends as theory says with fixed and quenched thresholds. Neurons that draw per spike wait with a high
one, at eta = 1 for seconds: in a run of 6 s the rate fell from 3.9 to 0.06 spikes/s, so that the
border of a short run lies too low. At eta = 1.1 theory has two stable rates, 0.1 and 7.4, and the
network stays near the second; at g = 3, eta = 0.7 it fires though silence is stable too, as it
starts with fresh thresholds.
"""
DRAWS = {"fixed": BLACK, "quenched": BLUE, "per spike": ORANGE, "per step": GREEN}
MARKERS = {"asynchronous irregular": "o", "fast oscillation": "^", "synchronous regular": "s"}
ASIDE = {"fixed": 0.0, "quenched": -0.25, "per spike": 0.25, "per step": 0.0}
"""How far points stand beside their spread [%]."""


def compute(source: Path | None = None) -> dict[str, Any]:
    """Return the study's results as `study`.

    Args:
        source: CSV file of the study's results; those stored without.

    Raises:
        InputError: it is not there.
    """
    return {"study": results.read(source or study.STUDY.name)}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw rate, irregularity and synchrony over the spread above, the borders below.

    Raises:
        KeyError: the results are a part of the study.
    """
    d = arrays["study"]
    with style():
        figure = Figure(figsize=(10.4, 6.6), layout="constrained")
        axes: Any = figure.subplots(2, 3)
        _draw_rates(axes[0, 0], d)
        _draw_over_spread(axes[0, 1], d, "cv", "CV of intervals", "Irregularity")
        _draw_over_spread(axes[0, 2], d, "swing", "swing of activity in 0.5 ms", "Synchrony")
        _draw_line(axes[1, 0], d, REGULAR_LINE, "swing", study.REGULAR_SWING)
        _draw_line(axes[1, 1], d, FAST_LINE, "swing", study.FAST_SWING)
        _draw_line(axes[1, 2], d, SILENT_LINE, "rate", study.SILENT_RATE)
        titles = ("Synchronous regular, η = 2", "Fast oscillation, g = 6", "Silence, g = 4.5")
        for axis, title, label in zip(axes[1], titles, ("g", "η", "η"), strict=True):
            axis.set(title=title, xlabel=label)
        axes[1, 2].set(yscale="log", ylim=(0.01, 60), ylabel="rate (spikes/s)")
        for axis in axes[1, :2]:
            axis.set(ylim=(0, None), ylabel="swing of activity in 0.5 ms")
        colours = [axes[0, 0].plot([], [], color=c, lw=2)[0] for c in DRAWS.values()]
        figure.legend(colours, DRAWS, loc="outside lower center", ncols=4)
    return figure


def _estimates(d: xr.Dataset, cases: list[str], what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return means over seeds (cases,) and lengths of the bars (2, cases)."""
    values = [d[what].sel(case=case) for case in cases]
    kept = [interval(own) if bool(own.notnull().any()) else None for own in values]
    mean = np.array([e.mean if e else np.nan for e in kept])
    ends = np.array([[e.mean - e.low, e.high - e.mean] if e else [0.0, 0.0] for e in kept])
    return mean, np.nan_to_num(ends.T)


def _over_spread(d: xr.Dataset, point: str, name: str) -> tuple[list[str], np.ndarray]:
    """Return the cases of a point with one way to draw, fixed thresholds first, and spreads [%]."""
    own = [case for case in map(str, d.case.values) if case.startswith(f"{point} {name} ")]
    own.sort(key=lambda case: Setting.of(case).spread)
    spreads = [0.0, *(100 * Setting.of(case).spread for case in own)]
    return [f"{point} {FIXED}", *own], np.array(spreads)


def _draw_rates(axes: Axes, d: xr.Dataset) -> None:
    """Draw rates of the asynchronous network over the spread by seed, with those of theory."""
    point = POINTS["asynchronous irregular"]
    hollow: dict[str, Any] = {"marker": "s", "mfc": "white", "ms": 4}
    for name, colour in DRAWS.items():
        cases, spread = _over_spread(d, point, name)
        theory = d.rate_expected.sel(case=cases).mean("seed").values
        axes.plot(spread, theory, color=colour, lw=1.2)
        axes.fill_between(spread, 0.95 * theory, 1.05 * theory, color=colour, alpha=0.12, lw=0)
        for case, x in zip(cases, spread, strict=True):
            if case.endswith(FIXED) != (name == FIXED):
                continue
            own = d.sel(case=case)
            axes.plot(np.full(d.seed.size, x), own.rate, "o", ms=4, color=colour)
            if name == "quenched":
                for pair in zip(own.rate_drawn.values, own.rate.values, strict=True):
                    axes.plot([x - 1.2, x], pair, color=colour, lw=0.8)
                    axes.plot(x - 1.2, pair[0], color=colour, **hollow)
    axes.plot([], [], "o", color="0.4", ms=4, label="network, by seed")
    axes.plot([], [], ls="", color="0.4", label="its theory as drawn", **hollow)
    for kind, marker, side, text in (
        (SPARSE, "D", 1.0, "a quarter of the connections"),
        (INDEPENDENT, "x", 1.8, "independent input"),
    ):
        for case in (case for case in map(str, d.case.values) if case.startswith(kind)):
            setting, rates = Setting.of(case), d.rate.sel(case=case).values
            x = np.full(len(rates), 100 * setting.spread + side)
            axes.plot(x, rates, marker, ms=4, color=DRAWS[setting.draw])
        axes.plot([], [], marker, ms=4, color="0.4", label=text)
    axes.plot([], [], color="0.4", lw=1.2, label="theory, ± 5 %")
    axes.legend(loc="upper left", fontsize=7)
    low, high = axes.get_ylim()
    axes.set(title="Rate, g = 5, η = 2", xlabel="spread of thresholds (%)")
    axes.set(ylabel="rate (spikes/s)", ylim=(low, high + 0.35 * (high - low)))


def _draw_over_spread(axes: Axes, d: xr.Dataset, what: str, label: str, title: str) -> None:
    """Draw a quantity of the three regimes over the spread."""
    for regime, point in POINTS.items():
        for name, colour in DRAWS.items():
            cases, spread = _over_spread(d, point, name)
            if len(cases) < 2:
                continue
            mean, ends = _estimates(d, cases, what)
            x = np.array(spread) + ASIDE[name] * (spread > 0)
            axes.errorbar(
                x, mean, ends, marker=MARKERS[regime], ms=4.5, lw=1, color=colour, capsize=2
            )
        axes.plot([], [], ls="", marker=MARKERS[regime], ms=5, color="0.4", label=regime)
    axes.legend(fontsize=7, loc="upper left")
    axes.set(title=title, xlabel="spread of thresholds (%)", ylabel=label)
    axes.set(ylim=(0, 1.25 * axes.get_ylim()[1]))


def _draw_line(axes: Axes, d: xr.Dataset, line: dict[float, str], what: str, level: float) -> None:
    """Draw a quantity across a border, and theory's rates."""
    x = np.array(list(line))
    for threshold in (FIXED, Q20, S20, P20):
        cases = [f"{point} {threshold}" for point in line.values()]
        if not set(cases) <= set(d.case.values):
            continue
        colour = DRAWS[Setting.of(cases[0]).draw]
        mean, ends = _estimates(d, cases, what)
        axes.errorbar(x, mean, ends, marker="o", ms=4.5, lw=1, color=colour, capsize=2)
        if what == "rate":
            theory = d.rate_expected.sel(case=cases).mean("seed")
            axes.plot(x, np.maximum(theory, 1e-6), color=colour, lw=1, ls="--")
    axes.axhline(level, color=BLACK, lw=0.8, ls=":")
    if what == "rate":
        axes.plot([], [], color="0.4", ls="--", label="theory")
    note = "border" if what == "rate" else f"border: swing {level:g}"
    axes.plot([], [], color=BLACK, lw=0.8, ls=":", label=note)
    axes.legend(fontsize=7.5)
