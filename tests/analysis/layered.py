"""Layered nets with random and with trained weights, and their simulation."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np

from neurosim.network import Layer, Network

REFERENCE = Path(__file__).parents[1] / "reference"
DT = 5e-3
TAUS = DT * np.array([3.5, 7.5, 15.5])


def trained_network() -> tuple[Network, np.ndarray]:
    """A net trained for a few epochs, and (4, channels) input rates of four recordings."""
    rates = json.loads((REFERENCE / "trained_net.json").read_text("utf-8"))["rates"]
    return Network.load(REFERENCE / "trained_net.safetensors"), np.array(rates)


def random_network(strength: float, *, synapse: float | None, seed: int, sizes=(15, 40, 40, 40)):
    """Random weights, scaled so that `strength` is the mean drive in thresholds."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        tau = rng.choice(TAUS, n_out)
        tau_syn = tau if synapse is None else np.full(n_out, synapse * DT)
        rise, fade = 1 - np.exp(-DT / tau), np.exp(-DT / tau_syn)
        weight = rng.normal(0.15, 1, (n_in, n_out)) / np.sqrt(n_in)
        layers.append(Layer(weight * strength * (1 - fade) / fade * rise, tau, tau_syn, 1.0, 0.0))
    return Network(tuple(layers), DT)


def simulate(network: Network, raster: np.ndarray) -> list[np.ndarray]:
    """Spikes (samples, steps, neurons) of every layer."""
    value, out = raster.astype(float), []
    for layer in network.layers:
        alpha, beta = np.exp(-network.dt / layer.tau_mem), np.exp(-network.dt / layer.tau_syn)
        weight = layer.weight.reshape(*layer.weight.shape[:2], -1)
        fade = beta.reshape(layer.n_out, -1)
        samples, steps, _ = value.shape
        i = np.zeros((samples, layer.n_out, fade.shape[1]))
        v, spikes = np.zeros((samples, layer.n_out)), np.zeros((samples, steps, layer.n_out))
        drive = np.einsum("bti,ijs->btjs", value, weight, optimize=True)
        last = np.zeros((samples, layer.n_out))
        for t in range(steps):
            i += drive[:, t]
            if layer.recurrent is not None:
                i += (last @ layer.recurrent)[..., None]
            i *= fade
            v = v * alpha + i.sum(-1) + layer.bias
            n = np.where(v >= layer.threshold, np.floor(v / layer.threshold), 0)
            last = np.minimum(n, layer.max_spikes)
            v -= last * layer.threshold
            spikes[:, t] = last
        out.append(spikes)
        value = spikes
    return out
