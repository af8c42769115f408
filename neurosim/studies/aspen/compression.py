"""ASPEN 6: pruning by magnitude and fewer bits, with fixed and with stochastic training.

One shot: weights are cut and rounded after training, and not trained again.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.network import Layer, Network
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training


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
    data = trained.dataset(seed, every)
    network = trained.wrist_net(net, seed, every=every, training=training)
    smaller = rounded(pruned(network, pruning), bits)
    return on_chip.sweep(on_chip.put(smaller, data), data.test, thresholds)


STUDY = Study(
    name="aspen_compression",
    title="Pruning and quantisation after fixed and after stochastic training",
    measure=measure,
    grid={"net": ("fixed", "aspen"), "pruning": (0.0, 0.5), "bits": (8, 6, 4)},
    index=("net", "pruning", "bits", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={"training": trained.FULL, "every": 1, "thresholds": (1.0, 1.8)},
    seeds=5,
    fast={**trained.FAST, "pruning": (0.0, 0.5), "bits": (8, 4), "thresholds": (1.0, 1.8)},
)
