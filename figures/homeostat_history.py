"""A homeostat at work: what layers do while a net learns digits, with and without BatchNorm."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurosim.drawing import BLACK, style
from neurosim.workflows import tidy

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
NORMS = {"bn": True, "plain": False}
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
    from neurosim import data

    config = config or Config()
    digits = data.digits(config.seed)
    parts = {name: getattr(digits, name)[:: config.every] for name in ("train", "validation")}
    digits = replace(digits, **parts)
    return [
        {"norm": norm, "run": name, **row}
        for norm, batch_norm in NORMS.items()
        for name, changes in RUNS.items()
        for row in _rows(_train(config, digits, batch_norm=batch_norm, **changes), config.epochs)
    ]


def _rows(found: dict[str, Any], epochs: int) -> Iterator[dict[str, object]]:
    none = np.full_like(found["rate"], np.nan)
    c, scale = found.get("c", none), found.get("scale", none)
    gain = found.get("gain", none[:, 0])
    for step, rates in enumerate(found["rate"]):
        for layer, rate in enumerate(rates):
            yield {
                "epoch": epochs * (step + 1) / len(found["rate"]),
                "layer": layer,
                "rate": rate,
                "c": float(c[step, layer]),
                "scale": float(scale[step, layer]),
                "gain": float(gain[step]),
                "loss": round(found["loss"], 4),
                "accuracy": round(found["accuracy"], 4),
            }


def compute(table: Path | None = None) -> dict[str, Any]:
    """Read a table of `measure`; the one stored with the figures when None.

    Keys, prefixed with `bn` or `plain` and the run's name, such as `bn_centred_rate`: `rate`
    (steps, layers); `loss` and `accuracy`, of the last validation; of those with a homeostat also
    `c`, `scale` (steps, layers) and `gain` (steps,). And `steps_per_epoch`.

    Raises:
        InputError: there is no table.
    """
    remedy = "neurosim figures homeostat_history --recompute"
    found = tidy.read(table or tidy.stored() / TABLE, remedy=remedy)
    steps, layers = len(np.unique(found["epoch"])), len(np.unique(found["layer"]))
    arrays: dict[str, Any] = {"steps_per_epoch": steps // round(found["epoch"].max())}
    for norm in NORMS:
        for run in RUNS:
            own = (found["norm"] == norm) & (found["run"] == run)
            of = {k: found[k][own].reshape(steps, layers) for k in ("rate", "c", "scale")}
            kept = ("rate",) if run == "off" else ("rate", "c", "scale")
            arrays |= {f"{norm}_{run}_{k}": of[k] for k in kept}
            arrays |= {f"{norm}_{run}_{k}": float(found[k][own][0]) for k in ("loss", "accuracy")}
            if run != "off":
                arrays[f"{norm}_{run}_gain"] = found["gain"][own][::layers]
    return arrays


def _train(config: Config, digits: Any, **changes: Any) -> dict[str, Any]:
    """Train one net; return its history."""
    import torch

    from neurosim.snn import spiking
    from neurosim.training import config as settings
    from neurosim.training.checkpoint import Saver
    from neurosim.training.distributed import Group
    from neurosim.training.epochs import Trainer
    from neurosim.training.interrupt import Request
    from neurosim.training.tasks import task_for

    same = {"net": config.net, "epochs": config.epochs, "batch_size": config.batch_size}
    chosen = settings.load("ahsar-digits", seed=config.seed, **same, **changes)
    rates: list[list[float]] = []

    def note(*_: Any) -> None:
        seen = (layer.mean_rate for layer in spiking.layers(task.net))
        rates.append([float(rate) for rate in seen if rate is not None])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # silence and feedback: the figure shows them
        task = task_for(chosen, digits, torch.device("cpu"))
        trainer = Trainer(task, chosen, Group())
        rows = list(trainer.epochs(Saver(Path("never"), np.inf), Request(), note))
    last = rows[-1]
    found = {"loss": last["validation_loss"], "accuracy": last["validation_accuracy"]}
    history = {} if trainer.homeostat is None else trainer.homeostat.history
    kept: dict[str, Any] = {
        name: history[name] for name in ("c", "scale", "gain") if name in history
    }
    return {"rate": np.array(rates), **found, **kept}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a row a net: rates of the three runs, then states, and thresholds with the gain."""
    with style():
        figure = Figure(figsize=(12.0, 5.0), layout="constrained")
        axes = figure.subplots(2, 5)
        for row, norm, label in zip(axes, NORMS, ("BatchNorm", "no BatchNorm"), strict=True):
            _draw_rates(row[:3], arrays, norm)
            _draw_control(row[3:], arrays, norm)
            row[0].set_ylabel(f"{label}\nspikes per neuron and step")
        for axis, title in zip(axes[0], TITLES, strict=True):
            axis.set_title(title)
        for axis in axes[1]:
            axis.set_xlabel("epoch")
        axes[0, 0].legend(fontsize=7, ncols=2, loc="lower left")
    return figure


def _draw_rates(axes: Any, arrays: dict[str, Any], norm: str) -> None:
    rates = [arrays[f"{norm}_{name}_rate"] for name in RUNS]
    low, high = min(r.min() for r in rates), max(r.max() for r in rates)
    for axis, name, rate in zip(axes, RUNS, rates, strict=True):
        _layers(axis, arrays, rate)
        axis.set(ylim=(0.7 * low, 1.12 * high))
        said = "accuracy {:.3f}, loss {:.2f}".format(
            *(arrays[f"{norm}_{name}_{key}"] for key in ("accuracy", "loss"))
        )
        axis.text(0.03, 0.97, said, transform=axis.transAxes, va="top", fontsize=7)


def _draw_control(axes: Any, arrays: dict[str, Any], norm: str) -> None:
    for name, line in (("centred", "-"), ("common", ":")):
        for quantity, axis in zip(("c", "scale"), axes, strict=True):
            _layers(axis, arrays, arrays[f"{norm}_{name}_{quantity}"], line)
    gain = arrays[f"{norm}_centred_gain"]
    epoch = np.arange(1, len(gain) + 1) / arrays["steps_per_epoch"]
    axes[1].plot(epoch, gain, "--", color=BLACK, lw=1)
    if norm == "bn":
        mean, reference = (Line2D([], [], color=BLACK, ls=line) for line in ("-", ":"))
        gain = Line2D([], [], color=BLACK, ls="--", lw=1)
        axes[0].legend([mean, reference], ["to their mean", "to a reference"], fontsize=7)
        axes[1].legend([gain], ["global gain g"], fontsize=7)


def _layers(axes: Axes, arrays: dict[str, Any], series: np.ndarray, line: str = "-") -> None:
    axes.set_prop_cycle(None)
    epoch = np.arange(1, len(series) + 1) / arrays["steps_per_epoch"]
    for k, layer in enumerate(series.T):
        axes.plot(epoch, layer, line, lw=1.2, label=f"layer {k}")
