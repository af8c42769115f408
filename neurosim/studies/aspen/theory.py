"""ASPEN 9: spikes and accuracy predicted from the weights, against the integer net's."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim import engines, readout
from neurosim.analysis.networks import count_noise, mean_field
from neurosim.network import Network
from neurosim.studies.aspen import on_chip
from neurosim.studies.claims import Finding, Verdict, claim
from neurosim.studies.estimates import interval
from neurosim.studies.study import Row, Study, Training
from neurosim.xylo import XyloSpec

BIN_STEPS = 16
"""Steps over which the input's rate is taken as constant: 0.08 s."""


def measure(
    net: str,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    windows: int,
) -> list[Row]:
    """Predict and count the spikes of each layer, and the accuracy, on some test windows."""
    data, network, spec = on_chip.wrist(net, seed, every=every, training=training)
    chosen = np.linspace(0, len(data.test) - 1, windows).astype(int)
    raster, labels = data.test.raster[chosen], data.test.labels[chosen]
    names = [f"hidden {k + 1}" for k in range(len(network.layers) - 1)] + ["output"]
    rows = []
    for scale in thresholds:
        counts, output = measured(spec, raster, scale)
        pairs = zip(names, predicted(network, raster, scale), counts, strict=True)
        rows += [_row(scale, *triple) for triple in pairs]
        answers = count_noise.readout_counts(
            network,
            binned(raster, BIN_STEPS),
            BIN_STEPS,
            threshold_scale=scale,
            known_input=True,
        )
        accuracy = count_noise.expected_accuracy(answers, labels)
        rows.append(_row(scale, "accuracy", accuracy, readout.accuracy(output, labels)))
    return rows


def binned(raster: np.ndarray, bin_steps: int) -> np.ndarray:
    """Return the mean events per step of each bin and channel, (samples, bins, channels)."""
    samples, _, channels = raster.shape
    return raster.reshape(samples, -1, bin_steps, channels).mean(axis=2)


def predicted(
    network: Network, raster: np.ndarray, scale: float, bin_steps: int = BIN_STEPS
) -> np.ndarray:
    """Return the expected spikes of a window, one number a layer; the readout is not scaled."""
    rates = binned(raster, bin_steps)
    prediction = mean_field.predict(network, rates, threshold_scale=scale, bin_steps=bin_steps)
    return np.asarray(prediction.counts(bin_steps).sum(-1).mean(-1))


def measured(spec: XyloSpec, raster: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean spikes of a window, one number a layer, and all output spikes."""
    hidden, output = engines.get("brian2").run(spec.with_threshold(scale), raster).spikes
    layers = [*np.split(hidden, np.cumsum(spec.layers)[:-1], axis=2), output]
    return np.array([layer.sum(dtype=np.int64) / len(raster) for layer in layers]), output


def _row(scale: float, quantity: str, predicted: float, measured: float) -> Row:
    return {
        "threshold": scale,
        "quantity": quantity,
        "predicted": float(predicted),
        "measured": float(measured),
    }


STUDY = Study(
    name="aspen_theory",
    title="Spikes and accuracy predicted from the weights and the input's rates",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "seed", "threshold", "quantity"),
    units={
        "predicted": "spikes per window; share of windows",
        "measured": "spikes per window; share of windows",
    },
    settings={
        **on_chip.FULL,
        "thresholds": (0.6, 1.0, 1.6, 2.2),
        "windows": 48,
    },
    seeds=5,
    fast={**on_chip.FAST, "thresholds": (1.0, 1.8), "windows": 4},
)


@claim(
    "Threshold, spikes and accuracy have no predictive theory",
    "open question 1",
    "mean-field theory against the chip, {seed} seeds",
)
def predictable(d: xr.Dataset) -> Finding:
    """Compare predicted with counted spikes, and accuracies."""
    layers = [q for q in d["quantity"].values if q != "accuracy"]
    total = d.sel(quantity=layers).sum("quantity")
    error = total.predicted / total.measured - 1
    spread = float(total.measured.max() / total.measured.min())
    off = interval(
        (d.predicted - d.measured).sel(quantity="accuracy").mean(("threshold", "net")).values
    )
    text = (
        f"total spikes predicted from weights and input rates within {float(error.min()):+.1%} to "
        f"{float(error.max()):+.1%} over a {spread:.0f}-fold range; accuracy overrated by {off}"
    )
    good = float(np.abs(error).max()) < 0.1
    return Finding(text, Verdict.REGIME if good else Verdict.FAILS)


CLAIMS = (predictable,)
