"""Membrane statistics, effective Jacobians and layer couplings against simulated networks."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim.analysis import homeostasis
from neurosim.analysis.discrete.filtered_rate import filtered_log_rate
from neurosim.analysis.networks.effective_jacobian import layer_jacobian, network_gates, passage
from neurosim.analysis.networks.membrane_drive import membrane
from neurosim.analysis.thresholds import stationary
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from tests.nets import network

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_layers.json").read_text(encoding="utf-8")
)
DT = 1e-3


def dense(rng: np.random.Generator, sizes=(20, 30, 30), shift=0.1, spread=0.3) -> Network:
    """Layers that fire at some tenths of spikes per step from 20 channels at 0.1."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weight = rng.normal(shift, spread, (n_in, n_out)) / np.sqrt(n_in)
        layers.append(Layer(weight, np.full(n_out, 0.02), np.full(n_out, 5e-3), 1.0, 0.0))
    return Network(tuple(layers), dt=DT)


def simulate(
    net: Network, rates: np.ndarray, steps: int = 2500, trials: int = 24, seed: int = 0
) -> list[np.ndarray]:
    """Spikes per step of every neuron after 300 steps, in the Network's step order."""
    rng = np.random.default_rng(seed)
    state = [np.zeros((2, trials, layer.n_out)) for layer in net.layers]
    counts = [np.zeros(layer.n_out) for layer in net.layers]
    for step in range(steps):
        spikes = rng.poisson(rates, (trials, rates.size)).astype(float)
        for (i, v), layer, count in zip(state, net.layers, counts, strict=True):
            i += spikes @ layer.weight
            v *= np.exp(-net.dt / layer.tau_mem)
            i *= np.exp(-net.dt / layer.tau_syn)
            v += i + layer.bias
            spikes = np.clip(np.floor(v / layer.threshold), 0, layer.max_spikes)
            v -= spikes * layer.threshold
            if step >= 300:
                count += spikes.mean(0)
    return [count / (steps - 300) for count in counts]


@pytest.mark.parametrize("row", REFERENCE["membranes"], ids=lambda row: str(row["fades"]))
def test_membrane_against_its_impulse_response(row):
    weight = np.array(row["weight"])[:, None, :]
    tau_syn = -DT / np.log(np.array(row["fades"]))[None]
    layer = Layer(weight, -DT / np.log(row["decay"]), tau_syn, 1.0, 0.0)
    for binary, std in zip((False, True), row["stds"], strict=True):
        found = membrane(layer, row["rate"], DT, binary=binary)
        assert found.mean[0] == pytest.approx(row["mean"], rel=1e-12)
        assert found.std[0] == pytest.approx(std, rel=1e-12)


def test_jacobians_against_mpmath():
    exact = REFERENCE["jacobians"]
    layers = [Layer(np.array(w), 0.02, 0.01, 1.0, 0.0) for w in exact["weights"]]
    found = passage(Network(tuple(layers), DT), [np.array(g) for g in exact["gates"]])
    np.testing.assert_allclose(found.norms, exact["norms"], rtol=1e-12)
    np.testing.assert_allclose(found.log_product, exact["log_product"], rtol=1e-12)


def test_membrane_has_the_simulated_moments():
    rng = np.random.default_rng(0)
    layer = replace(network(rng).layers[0], bias=np.linspace(-0.1, 0.1, 10))
    rates = rng.uniform(0.01, 0.5, 6)
    expected = membrane(layer, rates, 5e-3)
    b = np.exp(-5e-3 / layer.tau_syn)
    i, v, seen = np.zeros((400, 10)), np.zeros((400, 10)), []
    for step in range(1200):
        i = (i + rng.poisson(rates, (400, 6)) @ layer.weight) * b
        v = v * expected.decay + i + layer.bias
        if step > 300 and step % 60 == 0:  # independent: 60 steps are many time constants
            seen.append(v)
    seen = np.concatenate(seen)
    error = expected.std / np.sqrt(len(seen))
    assert (np.abs(seen.mean(0) - expected.mean) < 5 * error).all()
    # Relative error of a standard deviation: 1/sqrt(2n), a little more for skewed inputs.
    np.testing.assert_allclose(seen.std(0), expected.std, rtol=5 / np.sqrt(len(seen)))


def test_two_synapses_and_recurrence_add_up():
    rng = np.random.default_rng(1)
    single = dense(rng, (5, 4)).layers[0]
    rates = rng.uniform(0.1, 0.4, 5)
    split = replace(
        single,
        weight=np.stack([0.3 * single.weight, 0.7 * single.weight], axis=2),
        tau_syn=np.full((4, 2), 5e-3),
    )
    for a, b in zip(membrane(single, rates, DT), membrane(split, rates, DT), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    recurrent = replace(single, recurrent=rng.normal(0, 0.1, (4, 4)))
    own = rng.uniform(0.1, 0.4, 4)
    joined = replace(single, weight=np.concatenate([single.weight, recurrent.recurrent]))
    for a, b in zip(
        membrane(recurrent, rates, DT, own, binary=True),
        membrane(joined, np.concatenate([rates, own]), DT, binary=True),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    with pytest.raises(InputError, match="recurrent"):
        membrane(recurrent, rates, DT)
    with pytest.raises(InputError, match="shape"):
        membrane(single, rates[:3], DT)


def test_jacobian_is_gate_times_weight():
    rng = np.random.default_rng(2)
    net = dense(rng)
    gates = [rng.uniform(0, 1, layer.n_out) for layer in net.layers]
    jacobians = [np.diag(g) @ layer.weight.T for g, layer in zip(gates, net.layers, strict=True)]
    np.testing.assert_allclose(layer_jacobian(net.layers[0], gates[0]), jacobians[0], rtol=1e-13)
    found = passage(net, gates)
    np.testing.assert_allclose(found.norms, [np.linalg.norm(j, 2) for j in jacobians], rtol=1e-12)
    whole = np.linalg.norm(jacobians[1] @ jacobians[0], 2)
    assert found.log_product[-1] == pytest.approx(np.log(whole))
    assert found.per_layer == pytest.approx(np.sqrt(whole))
    with pytest.raises(InputError, match="1 gates for 2 layers"):
        passage(net, gates[:1])


def test_lasting_jacobian_is_the_slope_of_the_mean():
    net = dense(np.random.default_rng(3))
    layer, rates = net.layers[0], np.full(20, 0.1)
    h = 1e-3
    moved = [membrane(layer, rates + h * e, DT).mean for e in np.eye(20)]
    slope = (np.array(moved).T - membrane(layer, rates, DT).mean[:, None]) / h
    np.testing.assert_allclose(layer_jacobian(layer, 1.0, DT), slope, rtol=1e-8)


def test_gates_follow_the_threshold_and_gradients_vanish_far_from_it():
    net = dense(np.random.default_rng(4))
    rates = [np.full(20, 0.1), np.full(30, 0.17)]
    gates = network_gates(net, rates, "gaussian", (1.3, 1.0))
    free = membrane(net.layers[0], rates[0], DT)
    np.testing.assert_allclose(
        gates[0], stationary.gate(1.3, free.mean, free.std, "gaussian"), rtol=1e-12
    )
    near, far = (
        passage(net, network_gates(net, rates, "gaussian", scale)) for scale in ((1, 1), (30, 30))
    )
    assert far.per_layer < 1e-3 * near.per_layer
    with pytest.raises(InputError, match="arrays"):
        network_gates(net, rates[:1])


def test_deep_products_do_not_underflow():
    rng = np.random.default_rng(5)
    layer = dense(rng, (10, 10)).layers[0]
    deep = Network((layer,) * 60, dt=DT)
    found = passage(deep, [1e-9] * 60)
    assert np.isfinite(found.log_product).all()
    assert found.log_product[-1] < np.log(np.finfo(float).tiny)
    silent = passage(deep, [0.0] * 60)
    assert (silent.norms == 0).all()
    assert silent.per_layer == 0


def test_coupling_matches_a_simulated_net():
    """Same noise on both sides of a 5 % change: the difference is good to about 2 %."""
    net, rates = dense(np.random.default_rng(3)), np.full(20, 0.1)
    base = simulate(net, rates)
    assert all(layer.mean() > 0.05 for layer in base)
    found = homeostasis.coupling_from_network(net, [rates, *base])
    h = 0.05
    span = np.log1p(h) - np.log1p(-h)

    def slopes(scales: tuple[float, float], inputs: float) -> list[float]:
        up, down = (
            simulate(net.with_threshold([(1 + s * x) for s in scales]), rates * (1 + inputs * x))
            for x in (h, -h)
        )
        return [np.log(u.mean() / d.mean()) / span for u, d in zip(up, down, strict=True)]

    first, last, fed = slopes((1, 0), 0), slopes((0, 1), 0), slopes((0, 0), 1)
    # 6 %: synaptic noise is coloured, spikes are not Poisson, and rates do not move by one factor.
    np.testing.assert_allclose(found.sensitivity, [-first[0], -last[1]], rtol=0.06)
    np.testing.assert_allclose(found.coupling, [fed[0], first[1] / first[0]], rtol=0.06)


def test_coupling_follows_from_sensitivity():
    """Rates are a function of ratios: b = a - (1/2) d ln r/d ln std, by moving std alone."""
    net = dense(np.random.default_rng(6), (20, 1))
    layer, rates = net.layers[0], np.full(20, 0.1)
    a, b = homeostasis.coupling_from_network(net, [rates])
    free = membrane(layer, rates, DT)

    def log_of(std: float) -> float:
        cell = {"threshold": 1.0, "decay": free.decay, "max_spikes": layer.max_spikes}
        return float(filtered_log_rate(free.mean, std, free.fast, **cell)[0])

    h = 1e-3
    std = float(free.std[0])
    slope = (log_of(std * (1 + h)) - log_of(std * (1 - h))) / (2 * h)
    assert slope > 0.001
    assert b[0] == pytest.approx(a[0] - slope / 2, rel=1e-5)


def test_a_recurrent_layer_sums_its_own_feedback():
    rng = np.random.default_rng(7)
    net, rates = dense(rng, (20, 12)), np.full(20, 0.1)
    own = np.full(12, 0.2)
    plain = homeostasis.coupling_from_network(net, [rates])
    excited = replace(net.layers[0], recurrent=np.full((12, 12), 0.004))
    found = homeostasis.coupling_from_network(Network((excited,), DT), [rates, own])
    assert found.sensitivity[0] > 1.02 * plain.sensitivity[0]
