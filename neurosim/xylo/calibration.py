"""What every layer of a float network receives and fires on events that integers are chosen by.

A plain simulation in numpy, in float64; it is no engine, for it adds residual connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.network import Layer, Network, decay
from neurosim.raster import check_raster

SAMPLES = 32
"""Most calibration samples that are used, evenly spread over all."""

_RANDOM_SHAPE, _RANDOM_RATE = (16, 400), 0.5
"""Without calibration data: samples and steps of Poisson events per channel, seed 0."""


Residuals = Sequence[tuple[int, int]]
"""(source, target) layers: the spikes of the source are added to those of the target."""


@dataclass(frozen=True)
class LayerRun:
    """One layer in a run."""

    events: np.ndarray
    """(samples, time, n_in) what it received."""
    spikes: np.ndarray
    """(samples, time, n_out) what it fired."""
    emitted: np.ndarray
    """(samples, time, n_out) what it sent on: its spikes, and those of residual connections."""

    @property
    def own_before(self) -> np.ndarray:
        """Its own spikes, one step late, as recurrent weights see them."""
        return np.pad(self.spikes, ((0, 0), (1, 0), (0, 0)))[:, :-1]


def calibration_events(raster: np.ndarray | None, channels: int) -> np.ndarray:
    """Return (samples, time, channels) events: some of a raster's samples, or random ones."""
    if raster is None:
        rng = np.random.default_rng(0)
        raster = rng.poisson(_RANDOM_RATE, (*_RANDOM_SHAPE, channels))
    raster = check_raster(raster, channels)
    chosen = np.unique(np.linspace(0, len(raster) - 1, SAMPLES).astype(int))
    events: np.ndarray = raster[chosen].astype(np.float64)
    return events


def run_layers(
    network: Network, events: np.ndarray, residuals: Residuals = (), *, aligned: bool = True
) -> list[LayerRun]:
    """Run all layers in float64, each fed by the one before.

    Args:
        network: the layers.
        events: (samples, time, channels) counts.
        residuals: (source, target) layers whose spikes are added.
        aligned: add the spikes of the same step; or, as a bare alias of the chip does, those that
            the source fires as many steps later as it lies layers before the target.
    """
    layers: list[LayerRun] = []
    for k, layer in enumerate(network.layers):
        spikes = run_layer(layer, events, network.dt)
        emitted = spikes.copy() if any(b == k for _, b in residuals) else spikes
        for a in (a for a, b in residuals if b == k):
            early = 0 if aligned else min(k - a, emitted.shape[1])
            emitted[:, : emitted.shape[1] - early] += layers[a].emitted[:, early:]
        layers.append(LayerRun(events, spikes, emitted))
        events = emitted
    return layers


def run_layer(layer: Layer, events: np.ndarray, dt: float) -> np.ndarray:
    """Return the spikes (samples, time, n_out) of one layer in float64.

    Args:
        layer: the layer; its step order is that of `neurosim.network.Layer`.
        events: (samples, time, n_in) counts.
        dt: time step in seconds.
    """
    samples, steps, _ = events.shape
    weight = layer.weight.reshape(layer.n_in, layer.n_out, -1).astype(float)
    currents = np.tensordot(events, weight, axes=1)
    # In the layer's own precision, as it was trained.
    alpha, beta = decay(layer.tau_mem, dt), decay(layer.tau_syn.reshape(layer.n_out, -1), dt)
    recurrent = None
    if layer.recurrent is not None:
        recurrent = layer.recurrent.reshape(layer.n_out, layer.n_out, -1).astype(float)
    v_mem = np.zeros((samples, layer.n_out))
    i_syn = np.zeros((samples, *weight.shape[1:]))
    spikes = np.zeros((samples, steps, layer.n_out))
    for t in range(steps):
        i_syn += currents[:, t]
        if recurrent is not None and t:
            i_syn += np.tensordot(spikes[:, t - 1], recurrent, axes=1)
        i_syn *= beta
        v_mem = v_mem * alpha + i_syn.sum(axis=2) + layer.bias
        fired = np.floor(v_mem / layer.threshold) * (v_mem >= layer.threshold)
        spikes[:, t] = np.minimum(fired, layer.max_spikes)
        v_mem -= spikes[:, t] * layer.threshold
    return spikes
