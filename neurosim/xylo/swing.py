"""How far the states of a float network swing: a plain simulation in numpy."""

from __future__ import annotations

import numpy as np

from neurosim.engines import check_raster
from neurosim.network import Layer, Network

SAMPLES = 64
"""Calibration samples that are looked at; the first ones of those given."""

_RANDOM = {"samples": 16, "steps": 400, "events": 0.5}
"""Without calibration data: Poisson events per channel and step, drawn with seed 0."""


def state_peaks(network: Network, raster: np.ndarray | None = None) -> list[np.ndarray]:
    """Return for each layer the largest |i_syn| or |v_mem| of every neuron, shape (n_out,)."""
    channels = network.shape[0]
    if raster is None:
        rng = np.random.default_rng(0)
        shape = (_RANDOM["samples"], _RANDOM["steps"], channels)
        raster = rng.poisson(_RANDOM["events"], shape)
    events = check_raster(raster[:SAMPLES], channels).astype(np.float64)
    peaks = []
    for layer in network.layers:
        events, peak = run_layer(layer, events, network.dt)
        peaks.append(peak)
    return peaks


def run_layer(layer: Layer, events: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Run one layer in float64.

    Args:
        layer: the layer; its step order is that of `neurosim.network.Layer`.
        events: (samples, time, n_in) counts.
        dt: time step in seconds.

    Returns:
        spikes (samples, time, n_out) and the largest |state| of each neuron (n_out,), the membrane
        taken before reset.
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
    peak = np.zeros(layer.n_out)
    for t in range(steps):
        i_syn += currents[:, t]
        if recurrent is not None and t:
            i_syn += np.tensordot(spikes[:, t - 1], recurrent, axes=1)
        peak = np.maximum(peak, np.abs(i_syn).max(axis=(0, 2)))
        i_syn *= beta
        v_mem = v_mem * alpha + i_syn.sum(axis=2) + layer.bias
        peak = np.maximum(peak, np.abs(v_mem).max(axis=0))
        fired = np.floor(v_mem / layer.threshold) * (v_mem >= layer.threshold)
        spikes[:, t] = np.minimum(fired, layer.max_spikes)
        v_mem -= spikes[:, t] * layer.threshold
    return spikes, peak
