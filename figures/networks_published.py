"""Brunel's four regimes, and rates of published networks against theory and papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim import store
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, style
from neurosim.studies import results
from neurosim.studies.estimates import interval
from neurosim.studies.networks import published

TITLE = "Published networks as circuits: Brunel's regimes, rates against theory"
FINDING = """\
Rates of Brunel's network follow the self-consistent theory where activity is asynchronous, though
neurons fire more regularly than it says: at g = 5, eta = 2 the variation of intervals is 0.40 (0.41
in NEST), that of theory 0.68. The same neurons with independent Poisson input of the same rates
have 0.64. What neurons share explains little of it: with a quarter of the connections it changes by
-0.006 [-0.023, +0.010] (see networks_thresholds). Model B is shown at the calmest of four points
that were tried: the first, which oscillates at 290 Hz, missed theory by 41 %. The paper's numbers
are quoted from memory, and the microcircuit's rates at full scale are those of NEST's reference
implementation.
"""
TABLE = "networks_published_rasters.csv"
REMEDY = "neurosim figures networks_published --recompute --ship"
WINDOW = (0.4, 0.5)
"""Seconds of the networks' time that the rasters show."""
NEURONS = 40
"""Excitatory neurons in a raster."""
BIN_MS = 0.5
COLOURS = dict(zip(published.PUBLISHED, (PINK, ORANGE, BLUE, GREEN), strict=True))
COUNT = "activity"
"""What stands for a neuron in rows of the table that count the spikes of a bin."""


def measure() -> list[dict[str, object]]:
    """Run the four networks and return spikes of some neurons, and the activity of all.

    Returns:
        Rows with the regime, the neuron (or "activity") and, with the time in ms, 1 for a spike or
        the spikes per second and neuron in a bin of 0.5 ms.
    """
    rows: list[dict[str, object]] = []
    for regime, network in published.PUBLISHED.items():
        result = published.circuit_of(network, 2500, 0.1, seed=0).run(WINDOW[1])
        own = result["E"]
        time = (own.spike_times - WINDOW[0]) * 1e3
        chosen = (time > -1e-6) & (own.spike_neurons < NEURONS)
        rows += [
            {"regime": regime, "neuron": int(i), "time_ms": round(float(t), 3), "value": 1.0}
            for i, t in zip(own.spike_neurons[chosen], time[chosen], strict=True)
        ]
        rates = own.binned_counts(BIN_MS * 1e-3, *WINDOW) / (own.n * BIN_MS * 1e-3)
        rows += [
            {"regime": regime, "neuron": COUNT, "time_ms": round(k * BIN_MS, 3), "value": float(r)}
            for k, r in enumerate(rates)
        ]
    return rows


def compute(source: Path | None = None, table: Path | None = None) -> dict[str, Any]:
    """Return the study's results as `study`, and by regime spikes and activity as `rasters`.

    Args:
        source: CSV file of the study's results; those stored without.
        table: of `measure`; the one stored without.

    Raises:
        InputError: one of them is not there.
    """
    columns = store.read_table(table or store.shipped() / TABLE, remedy=REMEDY)
    regime, neuron = (np.array(columns[name], str) for name in ("regime", "neuron"))
    time, value = (np.array(columns[name], float) for name in ("time_ms", "value"))
    rasters = {}
    for name in published.PUBLISHED:
        spikes = (regime == name) & (neuron != COUNT)
        counts = (regime == name) & (neuron == COUNT)
        rasters[name] = {
            "time": time[spikes],
            "neuron": neuron[spikes].astype(int),
            "bins": time[counts],
            "activity": value[counts],
        }
    return {"study": results.read(source or published.STUDY.name), "rasters": rasters}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw rasters and activity of the regimes above, rates and intervals below.

    Raises:
        KeyError: the results are a part of the study.
    """
    d = arrays["study"]
    with style():
        figure = Figure(figsize=(10.4, 6.6), layout="constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=(1.25, 1))
        above, below = parts
        axes = above.subplots(2, 4, sharex=True, height_ratios=(1.7, 1))
        for pair, (regime, network) in zip(axes.T, published.PUBLISHED.items(), strict=True):
            own = d.sel(network=network, population="E")
            _draw_regime(pair, regime, network, own, arrays["rasters"][regime])
        for other in axes[0, 1:]:
            other.sharey(axes[0, 0])
        axes[0, 0].set_ylabel("neuron")
        axes[1, 0].set_ylabel("spikes/s")
        left, middle, right = below.subplots(1, 3, width_ratios=(1, 1, 1.25))
        _draw_theory(left, d, "rate", "rate (spikes/s)", "Rates against theory")
        _draw_theory(middle, d, "cv", "CV of intervals", "Irregularity against theory")
        _draw_layers(right, d)
    return figure


def _draw_regime(
    pair: np.ndarray, regime: str, network: str, own: xr.Dataset, raster: dict[str, np.ndarray]
) -> None:
    top, bottom = pair
    top.plot(raster["time"], raster["neuron"], "|", ms=3.2, mew=0.8, color=COLOURS[regime])
    text = network.removeprefix("A ").replace(" ", ", ").replace("eta", "η").replace("=", " = ")
    top.set_title(f"{regime.capitalize()}\n", fontsize=10)
    rate, cv = float(own.rate.mean()), float(own.cv.mean())
    note = f"{text}: {rate:.3g} spikes/s, CV {cv:.2f}"
    top.text(0, 1.03, note, transform=top.transAxes, fontsize=8)
    top.set(ylim=(-1, NEURONS), yticks=[])
    top.grid(False)
    bottom.fill_between(
        raster["bins"], raster["activity"], step="post", color=COLOURS[regime], lw=0, alpha=0.85
    )
    bottom.set(xlim=(0, 1e3 * (WINDOW[1] - WINDOW[0])), ylim=(0, None), xlabel="time (ms)")
    bottom.locator_params(axis="y", nbins=3)


def _draw_theory(axes: Axes, d: xr.Dataset, what: str, label: str, title: str) -> None:
    """Draw a quantity of Brunel's networks against what theory says of it."""
    regular = list(published.IRREGULAR)
    others = [published.PUBLISHED[name] for name in ("fast oscillation", "slow oscillation")]
    groups = (
        (regular, "E", BLUE, "o", "A, asynchronous irregular"),
        (["B"], "E", GREEN, "s", "B, excitatory"),
        (["B"], "I", PINK, "D", "B, inhibitory"),
        (others, "E", ORANGE, "^", "A, oscillating"),
    )
    largest = 0.0
    for names, population, colour, marker, text in groups:
        own = d.sel(network=names, population=population)
        x = own[f"{what}_expected"].mean("seed").values
        estimates = [interval(own[what].sel(network=name)) for name in names]
        y = np.array([estimate.mean for estimate in estimates])
        ends = np.array([[e.mean - e.low, e.high - e.mean] for e in estimates]).T
        axes.errorbar(
            x, y, yerr=np.nan_to_num(ends), ls="", marker=marker, ms=5, color=colour, label=text,
            lw=1, capsize=2, zorder=3,
        )  # fmt: skip
        largest = max(largest, float(x.max()), float((y + np.nan_to_num(ends[1])).max()))
    line = np.array([0.0 if what == "rate" else 0.3, 1.05 * largest])
    axes.plot(line, line, color=BLACK, lw=0.8, label="_")
    if what == "rate":
        axes.fill_between(line, 0.95 * line, 1.05 * line, color=BLACK, alpha=0.1, lw=0)
        axes.text(0.97, 0.06, "band: ±5 %", transform=axes.transAxes, ha="right", fontsize=8)
        axes.legend(loc="upper left", fontsize=7.5)
    axes.set(title=title, xlabel=f"theory: {label}", ylabel=f"network: {label}")
    axes.set(xlim=tuple(line), ylim=tuple(line))


def _draw_layers(axes: Axes, d: xr.Dataset) -> None:
    """Draw the microcircuit's rates beside those of the full network."""
    names = list(published.LAYERS)
    own = d.sel(network="microcircuit", population=names)
    y = np.arange(len(names))
    estimates = [interval(own.rate.sel(population=name)) for name in names]
    mean = np.array([e.mean for e in estimates])
    ends = np.nan_to_num([[e.mean - e.low, e.high - e.mean] for e in estimates]).T
    kinds = [BLUE if name.endswith("E") else ORANGE for name in names]
    axes.barh(y, mean, xerr=ends, color=kinds, height=0.62, error_kw={"lw": 1, "capsize": 2})
    full = own.rate_expected.mean("seed").values
    axes.plot(full, y, "|", ms=13, mew=2, color=BLACK, label="_")
    labels = [name.replace("23", "2/3").replace("L", "L ") for name in names]
    axes.set_yticks(
        y, [f"{label}   {value:.2f}" for label, value in zip(labels, mean, strict=True)]
    )
    axes.set(title="Microcircuit at a tenth of its size", xlabel="rate (spikes/s)")
    axes.set_ylabel("layer, kind of neurons; rate")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.annotate(
        "full scale, in NEST",
        (full[0], 0),
        (14, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        arrowprops={"arrowstyle": "-", "lw": 0.6, "shrinkB": 4},
    )
