"""A homeostat at work: what layers do while a net learns digits, with and without BatchNorm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurosim import store
from neurosim.drawing import BLACK, style

TITLE = "A homeostat at work while spiking nets learn digits"
FINDING = """\
A small spiking VGG learns scikit-learn's digits (T = 6, six epochs, one seed) without a homeostat,
with AHSAR (log rates held to their mean) and with common-mode control (log rates held to the first
batch's). With BatchNorm no layer hands its rate on, and both controllers do what they are for: the
rates of the five layers, which lie up to 15 % apart without control, come to lie within 2 %, at
thresholds moved by at most 7 % (AHSAR) and 13 %. Accuracy is no worse, the loss a few per cent
higher. Without BatchNorm layers are coupled and learning itself moves their rates by factors: a
ratio of 2.6 between the most and the least active layer becomes 1.8 under AHSAR, and only 2.1 under
common-mode control, which also fights the rise that all layers share and ends with four of five
thresholds at their bound (1.48). Both then cost accuracy (0.83 and 0.81 against 0.87). The global
gain stays at 1: it moves where progress stalls at high energy or goes on at low energy, and here
energy rises while there is progress.
"""
TABLE = "homeostat_history.csv"
NORMS = {"bn": "BatchNorm", "plain": "no BatchNorm"}
RUNS: dict[str, dict[str, Any]] = {
    "off": {"homeostat": False},
    "centred": {},
    "common": {"common_mode": True},
}
TITLES = ("No homeostat", "To their mean (AHSAR)", "To a reference", "State c", "Threshold scale s")


@dataclass(frozen=True)
class Config:
    """What the figure is computed for."""

    net: str = "small-vgg"
    epochs: int = 6
    batch_size: int = 64
    every: int = 1
    """Every n-th digit is used."""
    seed: int = 0


def measure(config: Config | None = None) -> list[dict[str, object]]:
    """Train nets with and without BatchNorm, without a homeostat and with each kind of control.

    Returns:
        A row for each net, run, step (`epoch` at its end) and layer: `rate`; `c`, `scale` and
        `gain` (nan without a homeostat); `loss` and `accuracy` of the run's last validation.
    """
    config = config or Config()
    return [
        {"norm": norm, "run": run, **row}
        for norm in NORMS
        for run, changes in RUNS.items()
        for row in _train(config, batch_norm=norm == "bn", **changes)
    ]


def _train(config: Config, **changes: Any) -> list[dict[str, object]]:
    """Train one net; return its rows."""
    from neurosim.snn import spiking
    from neurosim.studies.ahsar import images

    rates: list[list[float]] = []

    def note(net: Any) -> None:
        means = (layer.mean_rate for layer in spiking.layers(net))
        rates.append([float(mean) for mean in means if mean is not None])

    run: dict[str, Any] = {
        "net": config.net,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "homeostat_ticks": "batch",
        **changes,
    }
    epochs, homeostat = images.learn(config.seed, every=config.every, note=note, **run)
    none = np.full(np.shape(rates), np.nan)
    history = homeostat.history if homeostat is not None else {}
    c, scale, gain = (history.get(name, none) for name in ("c", "scale", "gain"))
    return [
        {
            "epoch": config.epochs * (step + 1) / len(rates),
            "layer": layer,
            "rate": rate,
            "c": float(c[step, layer]),
            "scale": float(scale[step, layer]),
            "gain": float(np.ravel(gain[step])[0]),
            "loss": round(epochs[-1]["validation_loss"], 4),
            "accuracy": round(epochs[-1]["validation_accuracy"], 4),
        }
        for step, layers in enumerate(rates)
        for layer, rate in enumerate(layers)
    ]


def compute(table: Path | None = None) -> xr.Dataset:
    """Read a table of `measure`; the one stored with the figures when None.

    Returns:
        `rate`, `c`, `scale` and `gain` over norm, run, epoch and layer; `loss` and `accuracy`, of
        the last validation, over norm and run.

    Raises:
        InputError: there is no table.
    """
    import pandas as pd

    remedy = "neurosim figures homeostat_history --recompute"
    rows = pd.DataFrame(store.read_table(table or store.shipped() / TABLE, remedy=remedy))
    d: Any = rows.set_index(["norm", "run", "epoch", "layer"]).to_xarray()
    last = d[["loss", "accuracy"]].isel(epoch=-1, layer=0, drop=True)
    return d.drop_vars(("loss", "accuracy")).merge(last)


def draw(arrays: xr.Dataset) -> Figure:
    """Draw a row a net: rates of the three runs, then states, and thresholds with the gain."""
    with style():
        figure = Figure(figsize=(12.0, 5.0), layout="constrained")
        axes = figure.subplots(2, 5)
        for row, (norm, label) in zip(axes, NORMS.items(), strict=True):
            _draw_rates(row[:3], arrays.sel(norm=norm))
            _draw_control(row[3:], arrays.sel(norm=norm))
            row[0].set_ylabel(f"{label}\nspikes per neuron and step")
        for axis, title in zip(axes[0], TITLES, strict=True):
            axis.set_title(title)
        for axis in axes[1]:
            axis.set_xlabel("epoch")
        mean, reference, gain = (Line2D([], [], color=BLACK, ls=line) for line in ("-", ":", "--"))
        axes[0, 0].legend(fontsize=7, ncols=2, loc="lower left")
        axes[0, 3].legend([mean, reference], ["to their mean", "to a reference"], fontsize=7)
        axes[0, 4].legend([gain], ["global gain g"], fontsize=7)
    return figure


def _draw_rates(axes: Any, d: xr.Dataset) -> None:
    for axis, run in zip(axes, RUNS, strict=True):
        one = d.sel(run=run)
        _layers(axis, one.rate)
        axis.set(ylim=(0.7 * float(d.rate.min()), 1.12 * float(d.rate.max())))
        text = f"accuracy {float(one.accuracy):.3f}, loss {float(one.loss):.2f}"
        axis.text(0.03, 0.97, text, transform=axis.transAxes, va="top", fontsize=7)


def _draw_control(axes: Any, d: xr.Dataset) -> None:
    for run, line in (("centred", "-"), ("common", ":")):
        for axis, quantity in zip(axes, (d.c, d.scale), strict=True):
            _layers(axis, quantity.sel(run=run), line)
    axes[1].plot(d.epoch, d.gain.sel(run="centred", layer=0), "--", color=BLACK, lw=1)


def _layers(axis: Axes, series: xr.DataArray, line: str = "-") -> None:
    axis.set_prop_cycle(None)
    for k, layer in enumerate(series.transpose("layer", "epoch")):
        axis.plot(series.epoch, layer, line, lw=1.2, label=f"layer {k}")
