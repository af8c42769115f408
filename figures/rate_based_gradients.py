"""Rate-based backpropagation beside that through time: directions of gradients, learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurosim.figures.style import BLACK, BLUE, GREEN, ORANGE, style

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
NETS = {"mlp": BLUE, "small-vgg": GREEN, "small-resnet": ORANGE}
METHODS = {"bptt": BLACK, "rate": ORANGE}


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
    learning_rate: float = 2e-3


def compute(config: Config | None = None) -> dict[str, Any]:
    """Return cosines between both gradients on a batch of digits, and how both ways learn.

    Keys: `steps` (n,); `cosine` (net, BatchNorm off and on, n), the least of all seeds; `layers`
    (2, weights), the same of each weight of small-resnet with BatchNorm from input to readout, at
    T = learning_steps and at the largest; `accuracy` and `loss` (method, seed, epochs) of
    small-vgg on validation digits; `learning` (seed, epochs), the cosine after each epoch of the
    net that learns through time.
    """
    from neurosim import data

    config = config or Config()
    digits = data.digits()
    cosine = np.ones((len(NETS), 2, len(config.steps)))
    for i, name in enumerate(NETS):
        for batch_norm in (False, True):
            for k, steps in enumerate(config.steps):
                found = [
                    _agreement(_net(name, steps, seed, batch_norm), digits, config, seed)["all"]
                    for seed in range(config.seeds)
                ]
                cosine[i, int(batch_norm), k] = min(found)
    runs = [
        [_learn(method, seed, digits, config) for seed in range(config.seeds)] for method in METHODS
    ]
    return {
        "config": config,
        "steps": np.array(config.steps),
        "cosine": cosine,
        "layers": np.array(
            [
                _by_layer("small-resnet", steps, digits, config)
                for steps in (config.learning_steps, max(config.steps))
            ]
        ),
        "accuracy": np.array([[run["accuracy"] for run in row] for row in runs]),
        "loss": np.array([[run["loss"] for run in row] for row in runs]),
        "learning": np.array([run["cosine"] for run in runs[0]]),
    }


def _net(name: str, steps: int, seed: int, batch_norm: bool = True) -> Any:
    from neurosim.training import image_nets

    return image_nets.build(
        name, shape=(1, 8, 8), classes=10, steps=steps, batch_norm=batch_norm, seed=seed
    )


def _agreement(net: Any, digits: Any, config: Config, seed: int) -> dict[str, float]:
    """Return the cosines of a net on a batch of training digits."""
    import torch

    from neurosim.training.gradient_agreement import agreement

    images, labels = digits.part("train")
    rows = np.random.default_rng(seed).choice(len(images), config.batch, replace=False)
    return agreement(net, torch.as_tensor(images[rows]), torch.as_tensor(labels[rows]))


def _by_layer(name: str, steps: int, digits: Any, config: Config) -> list[float]:
    """Return the least cosine of each weight of convolutions and readout over the seeds."""
    found = []
    for seed in range(config.seeds):
        net = _net(name, steps, seed)
        weights = [n for n, p in net.named_parameters() if p.ndim > 1]
        cosines = _agreement(net, digits, config, seed)
        found.append([cosines[n] for n in weights])
    return [float(least) for least in np.min(found, 0)]


def _learn(method: str, seed: int, digits: Any, config: Config) -> dict[str, list[float]]:
    """Train small-vgg with Adam; return validation accuracy, loss and cosine after each epoch."""
    import torch
    from torch.nn.functional import cross_entropy

    from neurosim.training import rate_based

    x, y = (torch.as_tensor(a) for a in digits.part("train"))
    held_x, held_y = (torch.as_tensor(a) for a in digits.part("validation"))
    net, rng = _net("small-vgg", config.learning_steps, seed), np.random.default_rng(seed)
    optimiser = torch.optim.Adam(net.parameters(), config.learning_rate)
    found: dict[str, list[float]] = {"accuracy": [], "loss": [], "cosine": []}
    for _ in range(config.epochs):
        net.train()
        for rows in np.array_split(rng.permutation(len(x)), len(x) // 64):
            logits = net(x[rows]).mean(1) if method == "bptt" else rate_based.forward(net, x[rows])
            loss = cross_entropy(logits, y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found["cosine"].append(_agreement(net, digits, config, seed)["all"])
        net.eval()
        with torch.no_grad():
            logits = net(held_x).mean(1)
        found["accuracy"].append(float((logits.argmax(1) == held_y).float().mean()))
        found["loss"].append(float(cross_entropy(logits, held_y)))
    return found


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
        title="Fresh nets (dashed: BatchNorm)",
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
    config, (few, many) = arrays["config"], arrays["layers"]
    depth = np.arange(1, len(few) + 1)
    axes.plot(depth, few, "o-", ms=3.5, color=BLACK, label=f"T = {config.learning_steps}")
    axes.plot(depth, many, "o-", ms=3.5, color=ORANGE, label=f"T = {max(config.steps)}")
    axes.set(
        title="small-resnet, BatchNorm, by weight",
        xlabel="weight, from input to readout",
        ylabel="cosine",
        xticks=depth,
    )
    axes.legend()


def _draw_accuracy(axes: Axes, arrays: dict[str, Any]) -> None:
    labels = {"bptt": "through time", "rate": "rate-based"}
    epochs = np.arange(1, arrays["config"].epochs + 1)
    for (method, colour), runs in zip(METHODS.items(), arrays["accuracy"], strict=True):
        for k, run in enumerate(runs):
            axes.plot(epochs, 100 * run, color=colour, label=None if k else labels[method])
    axes.set(
        title=f"small-vgg learns digits, T = {arrays['config'].learning_steps}",
        xlabel="epoch",
        ylabel="validation accuracy (%)",
    )
    axes.legend(loc="lower right")


def _draw_learning(axes: Axes, arrays: dict[str, Any]) -> None:
    epochs = np.arange(1, arrays["config"].epochs + 1)
    for k, run in enumerate(arrays["learning"]):
        axes.plot(epochs, run, "o-", ms=3.5, color=BLUE, label=None if k else "each a seed")
    axes.set(
        title="Cosine while it learns through time",
        xlabel="epoch",
        ylabel="cosine of both gradients",
    )
    axes.legend()
