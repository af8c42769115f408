"""Rate-based backpropagation beside that through time: directions of gradients, learning."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim import store
from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style

TITLE = "Rate-based gradients beside gradients through time"
FINDING = """\
Rate-based backpropagation takes two things to be constant in time: the gradient that reaches a
spike, and what it has to do with the spikes that it multiplies. On digits the direction of the
gradient is within a cosine of 0.9997 of that through time for a perceptron with two hidden layers.
For fresh convolutional nets it is not: without BatchNorm 0.993 (T = 2) to 0.9985 (T = 48) for five
layers, 0.96 to 0.988 for a residual net of seven; with BatchNorm 0.957 to 0.993 and 0.917 to 0.977.
The error falls with T, for it comes from the first steps, when deep layers are still silent and
the last ones get no gradient from a future. It grows from the readout, which is exact, towards the
input: 0.73 for the first weights of the residual net at T = 6, 0.92 at T = 48. Learning mends it:
after the first epoch the cosine of the five-layer net with BatchNorm is 0.992, then 0.994 to 0.996,
and both ways learn alike, to 99 % of the validation digits in six epochs.
"""
TABLE = "rate_based_gradients.csv"
NETS = {"mlp": BLUE, "small-vgg": GREEN, "small-resnet": ORANGE}
METHODS = {"bptt": BLACK, "rate": ORANGE}
COLUMNS = ("quantity", "net", "batch_norm", "steps", "method", "seed", "at", "value")


@dataclass(frozen=True)
class Config:
    """What the figure is computed for: nets on scikit-learn's digits."""

    steps: tuple[int, ...] = (2, 6, 12, 24, 48)
    """T of the first two panels."""
    learning_steps: int = 6
    """T of the other two."""
    seeds: int = 2
    batch: int = 32
    epochs: int = 6
    every: int = 1
    """Every n-th digit is learnt from."""
    learning_rate: float = 2e-3


def measure(config: Config | None = None) -> list[dict[str, object]]:
    """Compare both gradients on a batch of digits, and let nets learn both ways.

    Returns:
        A row for each seed of: "cosine", for each net, without and with BatchNorm, and `steps`;
        "layer", the cosine of weight `at` of small-resnet with BatchNorm, at T = learning_steps
        and at the largest; "accuracy" and "loss", on validation digits, of small-vgg that learns
        by `method`, after epoch `at`; "learning", its cosine when it learns through time.
    """
    from neurosim import data

    config = config or Config()
    digits = data.digits()
    rows: list[tuple[object, ...]] = []
    for seed in range(config.seeds):
        for name, norm, steps in product(NETS, (0, 1), config.steps):
            cosine = _agreement(_net(name, steps, seed, bool(norm)), digits, config, seed)["all"]
            rows.append(("cosine", name, norm, steps, "", seed, 0, cosine))
        for steps in (config.learning_steps, max(config.steps)):
            cosines = _by_layer("small-resnet", steps, digits, config, seed)
            rows += [
                ("layer", "small-resnet", 1, steps, "", seed, at, cosine)
                for at, cosine in enumerate(cosines, 1)
            ]
        for method in METHODS:
            rows += [
                (quantity, "small-vgg", 1, config.learning_steps, method, seed, at, value)
                for quantity, values in _learn(method, seed, digits, config).items()
                for at, value in enumerate(values, 1)
                if quantity != "learning" or method == "bptt"
            ]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def compute(table: Path | None = None) -> dict[str, Any]:
    """Read a table of `measure`; the one stored with the figures when None.

    Keys: `steps` (n,); `cosine` (net, BatchNorm off and on, n), the least of all seeds; `layers`
    (2, weights), the same of each weight of small-resnet with BatchNorm from input to readout, at
    each of `depth_steps` (2,); `accuracy` and `loss` (method, seed, epochs) of small-vgg on
    validation digits at T = `learning_steps`; `learning` (seed, epochs), the cosine after each
    epoch of the net that learns through time.

    Raises:
        InputError: there is no table.
    """
    import pandas as pd

    remedy = "neurosim figures rate_based_gradients --recompute"
    columns = store.read_table(table or store.shipped() / TABLE, remedy=remedy)
    by_quantity = pd.DataFrame(columns).set_index(["quantity", *COLUMNS[1:-1]]).value

    def of(quantity: str, *axes: str) -> Any:
        values = by_quantity[quantity].to_xarray().transpose(*axes, ...)
        return values.squeeze([axis for axis in values.dims if axis not in axes], drop=True)

    cosine = of("cosine", "net", "batch_norm", "steps", "seed").sel(net=list(NETS))
    layers = of("layer", "steps", "at", "seed")
    learning = of("learning", "seed", "at", "steps")
    return {
        "steps": cosine.steps.values.astype(int),
        "cosine": cosine.min("seed").values,
        "depth_steps": layers.steps.values.astype(int),
        "layers": layers.min("seed").values,
        "learning_steps": int(learning.steps[0]),
        **{
            name: of(name, "method", "seed", "at").sel(method=list(METHODS)).values
            for name in ("accuracy", "loss")
        },
        "learning": learning.isel(steps=0).values,
    }


def _net(name: str, steps: int, seed: int, batch_norm: bool = True) -> Any:
    from neurosim.snn import image_nets

    return image_nets.build(
        name, shape=(1, 8, 8), classes=10, steps=steps, batch_norm=batch_norm, seed=seed
    )


def _agreement(net: Any, digits: Any, config: Config, seed: int) -> dict[str, float]:
    """Return the cosines of a net on a batch of training digits."""
    import torch

    from neurosim.snn.rate_based import agreement

    images, labels = digits.part("train")
    rows = np.random.default_rng(seed).choice(len(images), config.batch, replace=False)
    return agreement(net, torch.as_tensor(images[rows]), torch.as_tensor(labels[rows]))


def _by_layer(name: str, steps: int, digits: Any, config: Config, seed: int) -> list[float]:
    """Return the cosine of each weight of convolutions and readout."""
    net = _net(name, steps, seed)
    weights = [n for n, p in net.named_parameters() if p.ndim > 1]
    cosines = _agreement(net, digits, config, seed)
    return [cosines[n] for n in weights]


def _learn(method: str, seed: int, digits: Any, config: Config) -> dict[str, list[float]]:
    """Train small-vgg with Adam; return validation accuracy, loss and cosine after each epoch."""
    import torch
    from torch.nn.functional import cross_entropy

    from neurosim.snn import rate_based

    x, y = (torch.as_tensor(a[:: config.every]) for a in digits.part("train"))
    held_x, held_y = (torch.as_tensor(a) for a in digits.part("validation"))
    net, rng = _net("small-vgg", config.learning_steps, seed), np.random.default_rng(seed)
    optimiser = torch.optim.Adam(net.parameters(), config.learning_rate)
    curves: dict[str, list[float]] = {"accuracy": [], "loss": [], "learning": []}
    for _ in range(config.epochs):
        net.train()
        for rows in np.array_split(rng.permutation(len(x)), len(x) // 64):
            logits = net(x[rows]).mean(1) if method == "bptt" else rate_based.forward(net, x[rows])
            loss = cross_entropy(logits, y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        curves["learning"].append(_agreement(net, digits, config, seed)["all"])
        net.eval()
        with torch.no_grad():
            logits = net(held_x).mean(1)
        curves["accuracy"].append(float((logits.argmax(1) == held_y).float().mean()))
        curves["loss"].append(float(cross_entropy(logits, held_y)))
    return curves


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw cosines against T and depth, and accuracy and cosine while nets learn."""
    with style():
        figure = Figure(figsize=(7.6, 6.0), layout="constrained")
        axes = figure.subplots(2, 2)
        _draw_steps(axes[0, 0], arrays)
        _draw_layers(axes[0, 1], arrays)
        _draw_accuracy(axes[1, 0], arrays)
        _draw_learning(axes[1, 1], arrays)
    return figure


def _draw_steps(axes: Axes, arrays: dict[str, Any]) -> None:
    for (name, colour), cosine in zip(NETS.items(), arrays["cosine"], strict=True):
        axes.plot(arrays["steps"], 1 - cosine[0], "o-", ms=3.5, color=colour, label=name)
        axes.plot(arrays["steps"], 1 - cosine[1], "o--", ms=3.5, color=colour)
    axes.set(
        title="Fresh nets (dashed: BatchNorm), worst seed",
        xlabel="steps T",
        ylabel="1 − cosine of both gradients",
        xscale="log",
        yscale="log",
        xticks=arrays["steps"],
        xticklabels=[str(t) for t in arrays["steps"]],
    )
    axes.minorticks_off()
    axes.legend()


def _draw_layers(axes: Axes, arrays: dict[str, Any]) -> None:
    depth = np.arange(1, arrays["layers"].shape[1] + 1)
    for steps, cosines, colour in zip(
        arrays["depth_steps"], arrays["layers"], (BLACK, ORANGE), strict=True
    ):
        axes.plot(depth, cosines, "o-", ms=3.5, color=colour, label=f"T = {steps}")
    axes.set(
        title="small-resnet, BatchNorm, worst seed",
        xlabel="weight, from input to readout",
        ylabel="cosine of both gradients",
        xticks=depth,
    )
    axes.legend()


def _draw_accuracy(axes: Axes, arrays: dict[str, Any]) -> None:
    labels = {"bptt": "through time", "rate": "rate-based"}
    epochs = np.arange(1, arrays["learning"].shape[1] + 1)
    for (method, colour), runs in zip(METHODS.items(), arrays["accuracy"], strict=True):
        for k, run in enumerate(runs):
            axes.plot(
                epochs,
                100 * run,
                color=colour,
                label=None if k else f"{labels[method]}, {len(runs)} seeds",
            )
    axes.set(
        title=f"small-vgg learns digits, T = {arrays['learning_steps']}",
        xlabel="epoch",
        ylabel="validation accuracy (%)",
    )
    axes.legend(loc="lower right")


def _draw_learning(axes: Axes, arrays: dict[str, Any]) -> None:
    epochs = np.arange(1, arrays["learning"].shape[1] + 1)
    for k, run in enumerate(arrays["learning"]):
        axes.plot(
            epochs,
            run,
            "o-",
            ms=3.5,
            color=BLUE,
            label=None if k else f"small-vgg, {len(arrays['learning'])} seeds",
        )
    axes.set(
        title="Cosine while it learns through time",
        xlabel="epoch",
        ylabel="cosine of both gradients",
    )
    axes.legend()
