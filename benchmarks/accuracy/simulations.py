"""Rows of the accuracy table: the theory against simulated neurons and networks."""

from __future__ import annotations

import itertools

import numpy as np
from accuracy.references import REFERENCE, Row, load, worst

from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.networks import mean_field
from neurosim.network import Layer, Network

TENTH = float(np.exp(-0.1))
"""The decay of dt/tau = 0.1."""


def neurons() -> list[Row]:
    table = []
    for reset in ("hard", "multi"):
        spikes, rate = simulated_neurons(reset)
        exact = discrete_time.rate(0.8, 0.4, threshold=1.0, decay=TENTH, reset=reset)
        where = f"{reset}, {spikes / 1e6:.1f} million spikes"
        table.append(worst("the same, simulated", "2e-3", [rate / exact - 1], [where]))
    return table


def simulated_neurons(reset: str, n: int = 50_000, steps: int = 6000) -> tuple[float, float]:
    """Return spikes and spikes per step of independent neurons, exact updates."""
    rng = np.random.default_rng(1)
    noise, v = np.float32(0.4 * np.sqrt(1 - TENTH**2)), np.zeros(n, dtype=np.float32)
    total = 0.0
    for step in range(steps + 100):
        v *= np.float32(TENTH)
        v += np.float32(0.8 * (1 - TENTH))
        v += noise * rng.standard_normal(n, dtype=np.float32)
        fired = np.flatnonzero(v >= 1)
        counts = np.floor(v[fired]) if reset == "multi" else np.ones(fired.size)
        v[fired] = v[fired] - counts if reset == "multi" else 0
        total += counts.sum() if step >= 100 else 0
    return total, total / (n * steps)


def networks() -> list[Row]:
    total, layers, places, names = [], [], [], []
    rng = np.random.default_rng(2)
    trained = Network.load(REFERENCE / "trained_net.safetensors")
    windows = np.array(load("trained_net")["rates"])
    nets = [(f"random, drive {d:g}", random_network(rng, d), None) for d in (3.0, 6.0, 12.0)]
    nets += [(f"trained, scale {s:g}", trained, s) for s in (0.6, 1.0, 1.4, 1.8)]
    for name, net, scale in nets:
        rate = windows if scale else rng.uniform(0.1, 1, (4, 15))
        predictions = mean_field.predict(net, rate, threshold_scale=scale or 1.0).rates
        spikes = simulated_network(net.with_threshold(scale or 1.0), rate, rng)
        total.append(sum(r.sum() for r in predictions) / sum(m.sum() for m in spikes) - 1)
        places.append(name)
        for k, (predicted, measured) in enumerate(zip(predictions, spikes, strict=True)):
            if measured.mean() > 0.01:
                layers.append(predicted.mean() / measured.mean() - 1)
                names.append(f"{name}, layer {k + 1} at {measured.mean():.3f}")
    return [
        worst("spike count, total", "7e-2", total, places),
        worst("spike count, layers > 0.01", "1e-1", layers, names),
    ]


def random_network(rng: np.random.Generator, drive: float) -> Network:
    """15-48-48-48 with random weights and time constants of 3.5 to 15.5 steps."""
    sizes, dt, layers = (15, 48, 48, 48), 5e-3, []
    for n_in, n_out in itertools.pairwise(sizes):
        tau, tau_syn = (dt * rng.choice([3.5, 7.5, 15.5], n_out) for _ in range(2))
        fade = np.exp(-dt / tau_syn)
        scale = drive * (1 - fade) / fade * (1 - np.exp(-dt / tau)) / np.sqrt(n_in)
        weight = rng.normal(0.15, 1, (n_in, n_out)) * scale
        layers.append(Layer(weight, tau, tau_syn, 1.0, 0.0))
    return Network(tuple(layers), dt)


def simulated_network(
    net: Network, rates: np.ndarray, rng: np.random.Generator, steps: int = 2500, trials: int = 6
) -> list[np.ndarray]:
    """Return spikes per step of every neuron after 300 steps, in the Network's step order."""
    rates = np.repeat(rates[:, None], trials, axis=1)
    state = [np.zeros((2, *rates.shape[:2], layer.n_out)) for layer in net.layers]
    counts = [np.zeros(s.shape[1:]) for s in state]
    keep = [np.exp(-net.dt / x.tau_mem) for x in net.layers]
    fade = [np.exp(-net.dt / x.tau_syn.reshape(x.n_out)) for x in net.layers]
    weights = [x.weight.reshape(x.n_in, x.n_out) for x in net.layers]
    for step in range(steps + 300):
        spikes = rng.poisson(rates).astype(float)
        for k, layer in enumerate(net.layers):
            i, v = state[k]
            i += spikes @ weights[k]
            i *= fade[k]
            v *= keep[k]
            v += i + layer.bias
            spikes = np.clip(np.floor(v / layer.threshold), 0, layer.max_spikes)
            v -= spikes * layer.threshold
            counts[k] += spikes if step >= 300 else 0
    return [count.mean(1) / steps for count in counts]
