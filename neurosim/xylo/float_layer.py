"""What every layer of a float network receives and fires: a plain simulation in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.network import Layer, Network
from neurosim.raster import check_raster

SAMPLES = 32
"""Calibration samples that are looked at, evenly spread over those given."""

_RANDOM_SHAPE, _RANDOM_RATE = (16, 400), 0.5
"""Without calibration data: samples and steps of Poisson events per channel, seed 0."""


Residuals = Sequence[tuple[int, int]]
"""(source, target) layers: the spikes of the source are added to those of the target."""


@dataclass(frozen=True)
class Seen:
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
    """Return (samples, time, channels) events: some of those given, or random ones."""
    if raster is None:
        rng = np.random.default_rng(0)
        raster = rng.poisson(_RANDOM_RATE, (*_RANDOM_SHAPE, channels))
    raster = check_raster(raster, channels)
    chosen = np.unique(np.linspace(0, len(raster) - 1, SAMPLES).astype(int))
    return raster[chosen].astype(np.float64)


def run(
    network: Network, events: np.ndarray, residuals: Residuals = (), *, aligned: bool = True
) -> list[Seen]:
    """Run all layers in float64, each fed by the one before.

    Args:
        network: the layers.
        events: (samples, time, channels) counts.
        residuals: (source, target) layers whose spikes are added.
        aligned: add the spikes of the same step; or, as a bare alias of the chip does, those that
            the source fires as many steps later as it lies layers before the target.
    """
    seen: list[Seen] = []
    for k, layer in enumerate(network.layers):
        spikes = run_layer(layer, events, network.dt)
        emitted = spikes.copy() if any(b == k for _, b in residuals) else spikes
        for a in (a for a, b in residuals if b == k):
            early = 0 if aligned else min(k - a, emitted.shape[1])
            emitted[:, : emitted.shape[1] - early] += seen[a].emitted[:, early:]
        seen.append(Seen(events, spikes, emitted))
        events = emitted
    return seen


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
    alpha = np.exp(-dt / layer.tau_mem)
    beta = np.exp(-dt / layer.tau_syn.reshape(layer.n_out, -1))
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
