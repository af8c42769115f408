"""ASPEN 6: pruning by magnitude and fewer bits, with fixed and with stochastic training.

One shot: weights are cut and rounded after training, and not trained again.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from neurosim.network import Layer, Network
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import RELEVANT
from neurosim.studies.claims import Finding, by_sign, claim
from neurosim.studies.estimates import paired
from neurosim.studies.study import Row, Study, Training


def pruned(network: Network, share: float) -> Network:
    """Return the net without the smallest weights of each layer, a share of them."""

    def cut(layer: Layer) -> Layer:
        size = np.abs(layer.weight)
        return replace(layer, weight=np.where(size < np.quantile(size, share), 0, layer.weight))

    return replace(network, layers=tuple(cut(layer) for layer in network.layers))


def rounded(network: Network, bits: int) -> Network:
    """Return the net with signed weights of so many bits, one scale for each neuron."""

    def coarse(layer: Layer) -> Layer:
        most = np.abs(layer.weight).max(axis=0, keepdims=True)
        step = np.where(most > 0, most, 1) / (2 ** (bits - 1) - 1)
        return replace(layer, weight=np.rint(layer.weight / step) * step)

    return replace(network, layers=tuple(coarse(layer) for layer in network.layers))


def measure(
    net: str,
    pruning: float,
    bits: int,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
) -> list[Row]:
    """Prune and round one net, and sweep it on the chip, whose own weights have 8 bits."""
    data = on_chip.dataset(seed, every)
    network = on_chip.wrist_net(net, seed, every=every, training=training)
    smaller = rounded(pruned(network, pruning), bits)
    return on_chip.sweep(on_chip.put(smaller, data), data.test, thresholds)


STUDY = Study(
    name="aspen_compression",
    title="Pruning and quantisation after fixed and after stochastic training",
    measure=measure,
    grid={"net": ("fixed", "aspen"), "pruning": (0.0, 0.5), "bits": (8, 6, 4)},
    index=("net", "pruning", "bits", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**on_chip.FULL, "thresholds": (1.0, 1.8)},
    seeds=5,
    fast={**on_chip.FAST, "pruning": (0.0, 0.5), "bits": (8, 4), "thresholds": (1.0, 1.8)},
)


@claim(
    "ASPEN adds to pruning and quantisation",
    "next checks 3",
    "magnitude pruning and 8, 6, 4 bits, one shot, {seed} seeds",
)
def additive(d: xr.Dataset) -> Finding:
    """Compare both trainings after pruning and rounding."""
    at = d.accuracy.sel(threshold=1.8)
    small = {"pruning": 0.5, "bits": 4}
    gain = paired(at.sel(net="aspen", **small), at.sel(net="fixed", **small))
    plain = paired(
        at.sel(net="aspen", pruning=0.0, bits=8), at.sel(net="fixed", pruning=0.0, bits=8)
    )
    text = (
        f"at scale 1.8 ASPEN is {plain} above fixed training as it is, {gain} above it with half "
        "of the weights pruned and 4 bits, without retraining"
    )
    return Finding(text, by_sign(gain, least=RELEVANT))


CLAIMS = (additive,)
