"""Trial-to-trial noise of a readout, and the accuracy it leaves, against simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim import readout
from neurosim.analysis.networks.count_noise import Counts, expected_accuracy, readout_counts
from neurosim.analysis.networks.mean_field import predicted_accuracy
from neurosim.errors import InputError
from neurosim.network import Layer, Network
from tests.analysis.layered import DT, random_network, simulate, trained_network

BINS, STEPS = 12, 32


def in_bins(rates: np.ndarray) -> np.ndarray:
    return np.repeat(rates[:, None], BINS, axis=1)


def counted(network: Network, rates: np.ndarray, trials: int, seed: int) -> np.ndarray:
    """Output spikes (samples, trials, time, classes) for Poisson input."""
    rng = np.random.default_rng(seed)
    raster = rng.poisson(rates[:, None, None], (len(rates), trials, BINS * STEPS, rates.shape[1]))
    spikes = simulate(network, raster.reshape(-1, *raster.shape[2:]))[-1]
    return spikes.reshape(len(rates), trials, *spikes.shape[1:])


@pytest.mark.parametrize("scale", [1.0, 1.4])
def test_counts_of_a_trained_readout_vary_as_predicted(scale):
    network, rates = trained_network()
    spikes = counted(network.with_threshold(scale), rates[:2], trials=100, seed=1).sum(2)
    mean, std = spikes.mean(1), spikes.std(1)
    found = readout_counts(network, in_bins(rates[:2]), STEPS, threshold_scale=scale)
    busy = mean > 5
    assert busy.sum() >= 4
    # 30 % is what is stated; a standard deviation of 100 trials is good to 7 %
    ratio = found.std[busy] / std[busy]
    assert np.median(ratio) == pytest.approx(1, abs=0.2)
    assert np.all((ratio > 0.6) & (ratio < 1.6))
    assert np.median(np.sqrt(mean[busy]) / std[busy]) > 1.7  # Poisson counts would vary far more


def alike_classes() -> Network:
    """Four classes whose neurons read a random net with nearly the same weights."""
    body = random_network(6.0, synapse=3.5, seed=1, sizes=(15, 40, 40, 4)).layers
    rng = np.random.default_rng(101)
    weight = np.abs(rng.normal(0.15, 0.2, (40, 1))) + 0.02 * rng.normal(0, 1, (40, 4))
    weight *= np.abs(body[-1].weight).mean() / np.abs(weight).mean()
    return Network((*body[:-1], Layer(weight, 7.5 * DT, 3.5 * DT, 1.0, 0.0, max_spikes=1)), DT)


def test_accuracy_of_a_noisy_readout():
    """Classes that read the same layer vary together, which saves most decisions."""
    network = alike_classes()
    rates = np.random.default_rng(2).uniform(0.2, 0.8, (10, 15))
    spikes = counted(network, rates, trials=30, seed=3)
    counts = spikes.sum(2)
    labels = counts.mean(1).argmax(1)
    measured = readout.accuracy(
        spikes.reshape(-1, *spikes.shape[2:]), np.repeat(labels, spikes.shape[1])
    )
    found = readout_counts(network, in_bins(rates), STEPS)
    together = np.mean([np.corrcoef(c.T)[np.triu_indices(4, 1)].mean() for c in counts])
    assert together > 0.9
    assert 0.8 < measured < 0.99
    # 300 trials: 2 %; the predicted means add as much
    assert expected_accuracy(found, labels) == pytest.approx(measured, abs=0.05)
    apart = predicted_accuracy(found.mean, found.std, labels)
    assert apart < measured - 0.2


def test_known_counts_leave_less_noise():
    """Counts of the very trial in every bin: only when events come within a bin is open."""
    network, rates = trained_network()
    rng = np.random.default_rng(4)
    bins = rng.poisson(rates[0] * STEPS, (BINS, 15))
    raster = np.zeros((100, BINS * STEPS, 15))
    for k, channel in np.ndindex(bins.shape):
        places = rng.integers(0, STEPS, (100, bins[k, channel])) + k * STEPS
        np.add.at(raster, (np.arange(100)[:, None], places, channel), 1)
    spikes = simulate(network, raster)[-1].sum(1)
    known = readout_counts(network, bins[None] / STEPS, STEPS, known_input=True)
    drawn = readout_counts(network, bins[None] / STEPS, STEPS)
    busy = spikes.mean(0) > 5
    assert busy.sum() >= 2
    assert np.all(known.std[0, busy] < 0.9 * drawn.std[0, busy])
    np.testing.assert_allclose(known.mean[0, busy], spikes.mean(0)[busy], rtol=0.15)


def test_accuracy_of_gaussian_counts_against_sampling():
    rng = np.random.default_rng(5)
    mean, labels = rng.uniform(0, 8, (60, 4)), rng.integers(0, 4, 60)
    mixing = rng.normal(0, 1, (60, 4, 4))
    covariance = mixing @ np.swapaxes(mixing, 1, 2)
    drawn = np.rint(mean + np.einsum("sij,nsj->nsi", mixing, rng.standard_normal((4000, 60, 4))))
    sampled = ((drawn.argmax(-1) == labels) & (drawn.max(-1) > 0)).mean()
    assert 0.1 < sampled < 0.9
    found = expected_accuracy(Counts(mean, covariance), labels)
    assert found == pytest.approx(sampled, abs=5e-3)
    silent = Counts(np.zeros((3, 4)), np.zeros((3, 4, 4)))
    assert expected_accuracy(silent, [0, 0, 0]) == 0


def test_recurrent_layers_are_refused():
    network, rates = trained_network()
    first = network.layers[0]
    looped = replace(first, recurrent=np.zeros((first.n_out, first.n_out)))
    with pytest.raises(InputError, match="recurrent"):
        readout_counts(Network((looped,), network.dt), in_bins(rates), STEPS)
