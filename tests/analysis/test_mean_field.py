"""Predicted rates of whole networks against simulation in the Network's step order."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.discrete.filtered_rate import fast_share, filtered_log_rate
from neurosim.analysis.firing_rate.white_noise import siegert
from neurosim.analysis.networks.mean_field import layer_rates, predict, predicted_accuracy
from neurosim.analysis.networks.membrane_drive import membrane
from neurosim.analysis.thresholds.stationary import exceedance
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from tests.analysis.layered import DT, TAUS, random_network, simulate, trained_network

TOTAL = 0.05
"""Stated error of a stationary network's total spike count."""
LAYER = 0.10
"""Stated error of a layer with more than 0.01 spikes per neuron and step."""


@pytest.mark.parametrize("synapse", [0.3, 3.5, None], ids=["fast", "slow", "as-membrane"])
@pytest.mark.parametrize("strength", [3.5, 12.0], ids=["sparse", "dense"])
def test_stationary_counts_within_the_stated_error(synapse, strength):
    network = random_network(strength, synapse=synapse, seed=1)
    rng = np.random.default_rng(2)
    rates = rng.uniform(0.1, 1, (2, 15))
    raster = rng.poisson(rates[:, None], (2, 2200, 15))
    measured = [spikes[:, 200:].mean(1) for spikes in simulate(network, raster)]
    found = predict(network, rates)
    counts = [(a.sum(), b.sum()) for a, b in zip(found.rates, measured, strict=True)]
    total = sum(a for a, _ in counts) / sum(b for _, b in counts)
    assert total == pytest.approx(1, abs=TOTAL)
    firing = 0
    for predicted, seen in zip(found.rates, measured, strict=True):
        if seen.mean() > 0.01:
            firing += 1
            assert predicted.mean() == pytest.approx(seen.mean(), rel=LAYER)
            assert np.corrcoef(predicted.ravel(), seen.ravel())[0, 1] > 0.98
    assert firing >= 2


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.6])
def test_counts_of_a_trained_net_within_the_stated_error(scale):
    """Weights of backpropagation through time, input rates of four recordings."""
    network, rates = trained_network()
    raster = np.random.default_rng(3).poisson(np.repeat(rates[:, None], 4300, axis=1))
    scaled = network.with_threshold(scale)
    measured = [spikes[:, 300:].mean(1) for spikes in simulate(scaled, raster)]
    found = predict(network, rates, threshold_scale=scale).rates
    counts = [(a.sum(), b.sum()) for a, b in zip(found, measured, strict=True)]
    assert sum(a for a, _ in counts) == pytest.approx(sum(b for _, b in counts), rel=TOTAL)
    firing = [(a, b) for a, b in zip(found, measured, strict=True) if b.mean() > 0.01]
    assert len(firing) >= 2
    for predicted, seen in firing:
        assert predicted.mean() == pytest.approx(seen.mean(), rel=LAYER)


def test_other_formulas_are_far_off():
    """What the discrete-time rate of filtered noise is for: the usual formulas, same moments."""
    network = random_network(2.0, synapse=3.5, seed=1)
    rng = np.random.default_rng(2)
    rates = rng.uniform(0.1, 1, (2, 15))
    raster = rng.poisson(rates[:, None], (2, 4200, 15))
    measured = simulate(network, raster)[0][:, 200:].mean()
    layer = network.layers[0]
    free = membrane(layer, rates, DT)
    found, _ = layer_rates(layer, DT, rates)
    assert measured > 0.01
    assert found.mean() == pytest.approx(measured, rel=LAYER)
    cell = {"threshold": layer.threshold}
    white = discrete_time.rate(free.mean, free.std, **cell, decay=free.decay, reset="multi")
    continuous = DT * siegert(free.mean, free.std, **cell, reset=0.0, tau=layer.tau_mem)
    above = exceedance(layer.threshold, free.mean, free.std)
    for formula, least in ((white, 1.05), (continuous, 1.2), (above, 1.5)):
        assert formula.mean() > least * measured


def test_filtered_rate_of_one_neuron_against_simulation():
    """Gaussian current through a synapse as slow as the membrane, where spikes are rare."""
    rng = np.random.default_rng(14)
    alpha = beta = float(np.exp(-1 / 7.5))
    mean, std, n, steps = 0.6, 0.5, 1500, 2500
    power = beta**2 * (1 + alpha * beta) / ((1 - alpha**2) * (1 - beta**2) * (1 - alpha * beta))
    kick, rest = std / np.sqrt(power), mean * (1 - alpha) * (1 - beta) / beta
    i, v, count = np.full(n, mean * (1 - alpha)), np.zeros(n), np.zeros(n)
    for step in range(steps):
        i = beta * (i + rest + kick * rng.standard_normal(n))
        v = alpha * v + i
        spikes = np.where(v >= 1, np.floor(v), 0)
        v -= spikes
        count += spikes if step >= 200 else 0
    measured = count.mean() / (steps - 200)
    assert count.sum() > 20_000
    share = fast_share(
        (1 - beta**2) * (1 - alpha * beta) / (1 + alpha * beta), (1 - beta) / (1 - alpha * beta)
    )
    cell = {"threshold": 1.0, "decay": alpha}
    assert np.exp(filtered_log_rate(mean, std, share, **cell)) == pytest.approx(measured, rel=0.1)
    white = discrete_time.rate(mean, std, **cell, reset="multi")
    assert white > 1.4 * measured
    alone = filtered_log_rate(mean, std, 1.0, **cell)
    assert alone == pytest.approx(np.log(white), rel=1e-12)


def test_threshold_scales_act_as_scaled_thresholds():
    network = random_network(6.0, synapse=None, seed=3)
    rates = np.random.default_rng(4).uniform(0.1, 1, 15)
    scales = [1.3, 0.8, 1.0]
    direct = predict(network.with_threshold(scales), rates)
    scaled = predict(network, rates, threshold_scale=scales)
    for a, b in zip(direct.rates, scaled.rates, strict=True):
        np.testing.assert_array_equal(a, b)
    one = predict(network, rates, threshold_scale=1.3)  # a number leaves the readout alone
    each = predict(network, rates, threshold_scale=[1.3, 1.3, 1.0])
    for a, b in zip(one.rates, each.rates, strict=True):
        np.testing.assert_array_equal(a, b)
    lower = predict(network, rates, threshold_scale=0.7).counts(100)
    higher = predict(network, rates, threshold_scale=2.0).counts(100)
    assert lower.shape == (3,)
    assert np.all(lower > higher)


def test_slow_input_in_bins():
    """Bursts of input: bins follow them, the mean over the window does not."""
    network = random_network(2.0, synapse=3.5, seed=5, sizes=(15, 40, 40))
    rng = np.random.default_rng(6)
    bins, steps = 16, 32
    shape = np.where(np.arange(bins) % 4 == 0, 3.0, 0.2)[None, :, None]
    rates = rng.uniform(0.1, 0.6, (24, 1, 15)) * shape
    raster = rng.poisson(np.repeat(rates, steps, axis=1))
    measured = np.array([spikes.sum((1, 2)).mean() for spikes in simulate(network, raster)])
    assert measured[0] > 100
    found = predict(network, rates, bin_steps=steps)
    followed = np.array([steps * rate.sum((1, 2)).mean() for rate in found.rates])
    averaged = predict(network, rates.mean(1)).counts(bins * steps).mean(1)
    assert followed.sum() == pytest.approx(measured.sum(), rel=0.08)
    assert abs(averaged.sum() / measured.sum() - 1) > 0.15


def test_recurrent_layer_is_self_consistent():
    rng = np.random.default_rng(7)
    base = random_network(6.0, synapse=0.3, seed=8, sizes=(15, 40)).layers[0]
    scale = np.abs(base.weight).mean()
    recurrent = rng.normal(-0.3, 0.3, (40, 40)) * scale
    layer = Layer(base.weight, base.tau_mem, base.tau_syn, 1.0, 0.0, recurrent=recurrent)
    network = Network((layer,), DT)
    rates = rng.uniform(0.2, 1, (2, 15))
    raster = rng.poisson(rates[:, None], (2, 2200, 15))
    measured = simulate(network, raster)[0][:, 200:].mean(1)
    found = predict(network, rates).rates[0]
    alone = predict(Network((base,), DT), rates).rates[0]
    assert found.mean() == pytest.approx(measured.mean(), rel=LAYER)
    assert alone.mean() > 1.2 * measured.mean()  # the recurrence matters


def test_two_synapses_and_a_bias():
    rng = np.random.default_rng(9)
    weight = rng.normal(0.02, 0.05, (15, 30, 2))
    tau_syn = np.broadcast_to(DT * np.array([1.0, 6.0]), (30, 2))
    layer = Layer(weight, rng.choice(TAUS, 30), tau_syn, 1.0, np.linspace(-0.02, 0.05, 30))
    network = Network((layer,), DT)
    rates = rng.uniform(0.2, 1, (2, 15))
    raster = rng.poisson(rates[:, None], (2, 2200, 15))
    measured = simulate(network, raster)[0][:, 200:].mean(1)
    assert measured.mean() > 0.02
    found = predict(network, rates).rates[0]
    assert found.mean() == pytest.approx(measured.mean(), rel=LAYER)


def test_the_table_agrees_with_exact_rates():
    network = random_network(6.0, synapse=3.5, seed=10, sizes=(15, 12))
    rates = np.random.default_rng(11).uniform(0.1, 1, (60, 15))
    many = predict(network, rates).rates[0]
    layer, free = network.layers[0], membrane(network.layers[0], rates[:2], DT)
    cell = {"threshold": layer.threshold, "decay": free.decay, "max_spikes": layer.max_spikes}
    exact = np.exp(filtered_log_rate(free.mean, free.std, free.fast, **cell))
    assert exact.mean() > 0.01
    np.testing.assert_allclose(many[:2], exact, rtol=0.03, atol=1e-5)


def test_accuracy_of_noisy_counts_against_sampling():
    rng = np.random.default_rng(12)
    mean, labels = rng.uniform(0, 12, (200, 5)), rng.integers(0, 5, 200)
    std = np.sqrt(mean + 0.5)
    draws = mean + std * rng.standard_normal((2000, 200, 5))
    sampled = (draws.argmax(-1) == labels).mean()
    assert 0.1 < sampled < 0.9
    # 4e5 draws; the quadrature over z adds less than 1e-3
    assert predicted_accuracy(mean, std, labels) == pytest.approx(sampled, abs=4e-3)
    sharp = predicted_accuracy(mean, 1e-6, labels)
    assert sharp == pytest.approx((mean.argmax(1) == labels).mean(), abs=1e-9)


def test_silence_and_saturation():
    network = random_network(6.0, synapse=3.5, seed=13, sizes=(15, 20, 20))
    silent = predict(network, np.zeros(15))
    assert all(np.all(rate == 0) for rate in silent.rates)
    loud = predict(network, np.full((10, 15), 1e6))
    assert all(np.all(np.isfinite(rate)) and np.all(rate <= 31.001) for rate in loud.rates)


def test_bad_arguments():
    network = random_network(6.0, synapse=3.5, seed=13, sizes=(15, 5, 5))
    with pytest.raises(InputError, match=r"needs \(\.\.\., 15\)"):
        predict(network, np.ones(3))
    with pytest.raises(InputError, match="bins, 15"):
        predict(network, np.ones(15), bin_steps=10)
    with pytest.raises(InputError, match="does not fit 2 layers"):
        predict(network, np.ones(15), threshold_scale=[1.0, 2.0, 3.0])
