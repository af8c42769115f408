"""Spikes of a trained net's layers over threshold scales: rasters and rate maps (AHSAR, fig. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, PINK, YELLOW, style

TITLE = "A digit in the layers of a net over threshold scales, with those that AHSAR finds"
FINDING = """\
A small spiking VGG without BatchNorm learned scikit-learn's digits under AHSAR (8 steps, six
epochs, one seed); its weights then stand still while all thresholds are set to one scale. At 1/4
the deeper layers fire twice as much as at AHSAR's scales, nearly everywhere, and at 1/2 hardly
less: the digit is lost in them, accuracy is 0.10 and 0.22. At 1.4 the first layer still fires on
some strokes, the third is all but silent, and accuracy is 0.10, that of a guess. AHSAR has set the
blocks of the net, of two, two and one layers, to 0.73, 1.02 and 1.25: higher where they are busy,
lower where they are calm. Accuracy there is 0.86, at 1 throughout 0.85: four of 359 images. The
weights learned at these scales: that they work best near them shows how narrow the band of a
trained net is, not that AHSAR made it.
"""
COLUMNS = (0.25, 0.5, None, 2**0.5, 2.0)
"""Common threshold scales that are drawn; None: those that AHSAR found, one for each layer."""
SHOWN = (0, 2)
"""Layers that are drawn."""
COLOURS, MARKERS = (BLUE, GREEN, PINK, YELLOW, BLACK), ("o", "s", "^", "D", "v")
"""Of the layers' rates."""


@dataclass(frozen=True)
class Config:
    """What the figure is computed for."""

    net: str = "small-vgg"
    epochs: int = 6
    steps: int = 8
    batch_size: int = 64
    every: int = 1
    """Every n-th digit is used."""
    seed: int = 0
    image: int = 4
    """Of the test images, the one shown."""
    neurons: int = 80
    """Of a layer, so many are in its raster, evenly taken."""


def compute(config: Config | None = None) -> dict[str, Any]:
    """Train a net under AHSAR, then run its frozen weights at common threshold scales.

    Returns:
        `own_scales` (layers,), the scales that AHSAR set for evaluation; `scales` (n,) and at them
        `rate` (n, layers) [spikes per neuron and step] and `accuracy` (n,) of all test images;
        `found_rate` (layers,) and `found_accuracy`; `image` (8, 8). Of each layer k of SHOWN at
        each of COLUMNS `raster_k` (columns, neurons, steps), and `map_k` (columns, height, width),
        the rate at each place over its channels and steps.
    """
    from neurosim.snn import spiking
    from neurosim.studies.ahsar import images
    from neurosim.training.image_task import module_of

    config = config or Config()
    chosen = {name: getattr(config, name) for name in ("net", "epochs", "steps", "batch_size")}
    run = images.run(config.seed, every=config.every, batch_norm=False, threads=1, **chosen)
    pictures, labels = images.digits(config.seed, config.every).part("test")
    net = module_of(run)
    own_scales = np.array([float(layer.threshold_scale) for layer in spiking.layers(net)])
    scales = 2.0 ** (np.arange(-12, 9) / 4)
    swept = [_evaluate(run, pictures, labels, scale / own_scales) for scale in scales]
    rate, accuracy = _evaluate(run, pictures, labels, np.ones_like(own_scales))
    one = pictures[config.image : config.image + 1]
    factors = [np.ones_like(own_scales) if s is None else s / own_scales for s in COLUMNS]
    spikes = [_spikes(net, one, factor) for factor in factors]
    return {
        "own_scales": own_scales,
        "scales": scales,
        "rate": np.array([rates for rates, _ in swept]),
        "accuracy": np.array([share for _, share in swept]),
        "found_rate": rate,
        "found_accuracy": accuracy,
        "image": one[0, 0],
        **{
            f"raster_{k}": np.array([_raster(of[k], config.neurons) for of in spikes])
            for k in SHOWN
        },
        **{f"map_{k}": np.array([of[k].mean(axis=(0, 1)) for of in spikes]) for k in SHOWN},
    }


def _raster(spikes: np.ndarray, neurons: int) -> np.ndarray:
    """Return (neurons, steps) of spikes (steps, C, H, W), neurons taken evenly."""
    flat = spikes.reshape(len(spikes), -1).T
    return flat[np.linspace(0, len(flat) - 1, min(neurons, len(flat))).astype(int)]


def _evaluate(
    run: Any, pictures: np.ndarray, labels: np.ndarray, factors: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return each layer's rate and the accuracy, its thresholds multiplied by factors."""
    from neurosim.studies.ahsar import images

    logits, rates, _ = images.answers_by_layer(run, pictures, factors.tolist())
    return rates, float(np.mean(logits.argmax(1) == labels))


def _spikes(net: Any, picture: np.ndarray, factors: np.ndarray) -> list[np.ndarray]:
    """Return the spikes (steps, C, H, W) of each layer in answer to one picture."""
    import torch

    from neurosim.snn import spiking
    from neurosim.training.thresholds import scaled

    layers, spikes = spiking.layers(net), []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: spikes.append(out[0].numpy()))
        for layer in layers
    ]
    with torch.no_grad(), scaled(layers, factors.tolist()):
        net(torch.tensor(picture))
    for hook in hooks:
        hook.remove()
    return spikes


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw input, rasters and maps for each scale; right rates and accuracy over scales."""
    with style():
        figure = Figure(figsize=(12.4, 6.4), layout="constrained")
        parts: Any = figure.subfigures(1, 3, width_ratios=(0.3, 2.4, 1))
        shown, left, right = parts
        digit = shown.subplots()
        digit.imshow(arrays["image"], cmap="gray")
        digit.set(title="input", xticks=[], yticks=[])
        digit.grid(False)
        panels = left.subplots(2 * len(SHOWN), len(COLUMNS), height_ratios=(1.3, 1) * len(SHOWN))
        for pair, layer in zip(panels.reshape(len(SHOWN), 2, -1), SHOWN, strict=True):
            _draw_layer(left, pair, arrays, layer)
        for axis, scale in zip(panels[0], COLUMNS, strict=True):
            if scale is None:
                axis.set_title(f"AHSAR's\naccuracy {arrays['found_accuracy']:.2f}", color=ORANGE)
                continue
            at = np.argmin(np.abs(np.log(arrays["scales"] / scale)))
            axis.set_title(f"scale {scale:.3g}\naccuracy {arrays['accuracy'][at]:.2f}")
        _draw_sweep(right.subplots(2, 1), arrays)
    return figure


def _draw_layer(figure: Any, pair: Any, arrays: dict[str, Any], layer: int) -> None:
    """Draw a layer's rasters above its rate maps; frame those at AHSAR's scales."""
    for column, scale in enumerate(COLUMNS):
        raster, places = pair[0, column], pair[1, column]
        raster.imshow(
            arrays[f"raster_{layer}"][column],
            cmap="gray_r",
            aspect="auto",
            vmax=1,
            interpolation="nearest",
        )
        drawn = places.imshow(arrays[f"map_{layer}"][column], cmap="magma", vmin=0, vmax=0.6)
        for axis in (raster, places):
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            if scale is None:
                axis.spines[:].set(visible=True, color=ORANGE, linewidth=2)
        raster.set_xlabel("step", fontsize=7)
    pair[0, 0].set_ylabel(f"layer {layer}\nneurons", fontsize=8)
    pair[1, 0].set_ylabel("rate map", fontsize=8)
    figure.colorbar(drawn, ax=list(pair[1]), label="spikes per\nneuron and step")


def _draw_sweep(axes: Any, arrays: dict[str, Any]) -> None:
    """Draw rates of all layers and accuracy against the scale; mark AHSAR's."""
    rates, accuracy = axes
    for k, series in enumerate(arrays["rate"].T):
        look = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)]}
        rates.plot(arrays["scales"], series, lw=1.2, ms=3.5, label=f"layer {k}", **look)
        rates.plot(arrays["own_scales"][k], arrays["found_rate"][k], mec=BLACK, ms=9, **look)
    accuracy.plot(arrays["scales"], arrays["accuracy"], color=BLACK)
    accuracy.axhline(arrays["found_accuracy"], color=ORANGE, lw=1, ls="--", label="at AHSAR's")
    for axis in axes:
        axis.axvspan(
            arrays["own_scales"].min(), arrays["own_scales"].max(), color=ORANGE, alpha=0.2, lw=0
        )
        axis.set(xscale="log", xlabel="scale of all thresholds", ylim=(0, None))
        axis.set_xticks([0.125, 0.25, 0.5, 1, 2, 4], ["1/8", "1/4", "1/2", "1", "2", "4"])
        axis.minorticks_off()
    rates.set(title="Rates (large: at AHSAR's scales)", ylabel="spikes per neuron and step")
    accuracy.set(title="Accuracy (band: AHSAR's scales)", ylabel="test accuracy")
    rates.legend(fontsize=7)
    accuracy.legend(fontsize=7)
