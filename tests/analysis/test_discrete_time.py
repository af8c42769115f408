"""Discrete-time rates against linear algebra in 40 digits, identities and simulation."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.discrete import discrete_time, membrane_chain
from neurosim.analysis.discrete.discrete_time import (
    corrected_siegert,
    density,
    gradient,
    log_rate,
    rate,
)
from neurosim.analysis.discrete.markov import log_stationary
from neurosim.analysis.discrete.rate_table import rate_table
from neurosim.analysis.firing_rate.white_noise import siegert
from neurosim.errors import InputError

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_discrete.json").read_text(encoding="utf-8")
)
TENTH = float(np.exp(-0.1))
"""The decay of dt/tau = 0.1."""


def simulate(mean, std, threshold, decay, reset, *, reset_to=0.0, most=np.inf, n, steps, seed):
    """Spikes per step of each of n neurons, and their potentials at the end."""
    rng = np.random.default_rng(seed)
    noise = std * np.sqrt(1 - decay**2)
    v, counts, warm = np.zeros(n), np.zeros(n), 200
    for step in range(steps + warm):
        pre = mean + (v - mean) * decay + noise * rng.standard_normal(n)
        if reset == "hard":
            spikes = (pre >= threshold) * 1.0
            v = np.where(spikes > 0, reset_to, pre)
        else:
            limit = 1 if reset == "soft" else most
            spikes = np.where(pre >= threshold, np.minimum(np.floor(pre / threshold), limit), 0)
            v = pre - spikes * threshold
        counts += spikes if step >= warm else 0
    return counts / steps, v


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: str(row["cell"][:2]))
def test_rate_against_mpmath(row):
    mean, std, threshold, decay = row["cell"]
    cell = {"threshold": threshold, "decay": decay}
    hard = rate(mean, std, **cell, reset="hard", reset_to=0.1)
    assert hard == pytest.approx(float(row["hard"]), rel=1e-12)
    multi = rate(mean, std, **cell, reset="multi")
    assert multi == pytest.approx(float(row["multi"]), rel=1e-12)


@pytest.mark.parametrize("reset", ["hard", "soft", "multi"])
@pytest.mark.parametrize(
    ("mean", "std", "decay"),
    [(0.5, 0.4, TENTH), (1.6, 0.3, TENTH), (0.3, 0.8, 0.3), (4.0, 1.0, 0.6)],
    ids=["noise", "mean", "fast", "many"],
)
def test_rate_against_simulation(reset, mean, std, decay):
    found, _ = simulate(mean, std, 1.0, decay, reset, n=1500, steps=1000, seed=11)
    assert found.sum() * 1000 > 10_000
    expected = rate(mean, std, threshold=1.0, decay=decay, reset=reset)
    error = 4 * found.std() / np.sqrt(found.size)
    assert found.mean() == pytest.approx(expected, abs=error)


@pytest.mark.slow
@pytest.mark.parametrize("reset", ["hard", "soft", "multi"])
def test_rate_against_ten_million_spikes(reset):
    found, _ = simulate(0.8, 0.4, 1.0, TENTH, reset, n=10_000, steps=30_000, seed=12)
    assert found.sum() * 30_000 > 1e7
    expected = rate(0.8, 0.4, threshold=1.0, decay=TENTH, reset=reset)
    assert found.mean() == pytest.approx(expected, rel=2e-3)


def test_a_capped_neuron_against_simulation():
    found, _ = simulate(3.0, 1.2, 1.0, 0.2, "multi", most=2, n=1000, steps=500, seed=13)
    expected = rate(3.0, 1.2, threshold=1.0, decay=0.2, reset="multi", max_spikes=2)
    assert expected > 1.5
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / np.sqrt(1000))
    once = rate(3.0, 1.2, threshold=1.0, decay=0.2, reset="multi", max_spikes=1)
    assert once == pytest.approx(rate(3.0, 1.2, threshold=1.0, decay=0.2, reset="soft"), rel=1e-12)


@pytest.mark.parametrize("reset", ["hard", "soft", "multi"])
def test_density_against_simulation(reset):
    mean, std, decay = 0.9, 0.5, 0.8
    _, v = simulate(mean, std, 1.0, decay, reset, n=40_000, steps=100, seed=14)
    edges = np.linspace(-1.5, 1.0, 11)
    spikes = rate(mean, std, threshold=1.0, decay=decay, reset=reset)
    free = v[v != 0] if reset == "hard" else v
    share = 1 - spikes if reset == "hard" else 1.0
    assert free.size == pytest.approx(share * v.size, abs=4 * np.sqrt(v.size * spikes))
    for low, high in itertools.pairwise(edges):
        x = low + (high - low) * (np.arange(40) + 0.5) / 40
        f = density(x, mean, std, threshold=1.0, decay=decay, reset=reset)
        expected = f.mean() * (high - low)
        found = ((free >= low) & (free < high)).sum() / v.size
        assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / v.size) + 1e-4)


@pytest.mark.parametrize("mean", [0.2, 1.0, 2.5])
def test_subtraction_balances_drive_leak_and_spikes(mean):
    """E[V] is stationary: (1 - decay)(mean - E[V]) = threshold rate, exactly."""
    std, decay, theta = 0.4, 0.85, 1.0
    nodes, weights = np.polynomial.legendre.leggauss(120)
    for reset, high in (("multi", 1.0), ("soft", 6.0)):
        total, first = 0.0, 0.0
        for a, b in ((-4.0, 0.0), (0.0, theta), (theta, high)):
            if b > a:
                v = a + (b - a) * (nodes + 1) / 2
                f = density(v, mean, std, threshold=theta, decay=decay, reset=reset)
                total += weights @ f * (b - a) / 2
                first += weights @ (f * v) * (b - a) / 2
        spikes = rate(mean, std, threshold=theta, decay=decay, reset=reset)
        assert total == pytest.approx(1, abs=1e-10)
        assert (1 - decay) * (mean - first) / theta == pytest.approx(spikes, rel=1e-9)


def test_gradient_against_the_occupation_identity():
    """d ln(rate)/d threshold = -f(threshold-) T(threshold-) for a hard reset."""
    for mean, std, decay in ((0.5, 0.4, TENTH), (1.5, 0.3, TENTH), (0.1, 0.15, 0.8)):
        noise = std * np.sqrt(1 - decay**2)
        low = min(0.0, mean) - 9 * std
        edges = np.linspace(low, 1.0, int(np.ceil((1 - low) / (2 * noise))) + 1)
        x, w = np.polynomial.legendre.leggauss(14)
        v = (edges[:-1, None] + np.diff(edges)[:, None] * (x + 1) / 2).ravel()
        weights = (np.diff(edges)[:, None] * w / 2).ravel()

        def kernel(start, end, mean=mean, decay=decay, noise=noise):
            z = (end - mean - (start - mean) * decay) / noise
            return np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / noise

        times = np.linalg.solve(
            np.eye(v.size) - kernel(v[:, None], v[None, :]) * weights, np.ones(v.size)
        )
        passage = 1 + kernel(1.0, v) * weights @ times
        f = density(1.0 - 1e-13, mean, std, threshold=1.0, decay=decay)
        found = gradient(mean, std, threshold=1.0, decay=decay)
        # the dense solve loses digits in proportion to T
        assert found.threshold == pytest.approx(-f * passage, rel=1e-8 + 1e-14 * times.max())


@pytest.mark.parametrize("reset", ["hard", "soft", "multi"])
def test_gradients_know_that_only_ratios_matter(reset):
    mean, std = np.array([0.3, 1.4]), np.array([0.4, 0.3])
    slopes = gradient(mean, std, threshold=1.0, decay=0.85, reset=reset)
    sum_of_elasticities = slopes.threshold + mean * slopes.mean + std * slopes.std
    np.testing.assert_allclose(sum_of_elasticities, 0, atol=1e-7)
    assert np.all(slopes.threshold < 0)
    h = 1e-5
    logs = [log_rate(mean + s, std, threshold=1.0, decay=0.85, reset=reset) for s in (h, -h)]
    np.testing.assert_allclose(slopes.mean, (logs[0] - logs[1]) / (2 * h), rtol=1e-6)


def test_rare_spikes_keep_their_digits():
    """Far from threshold a neuron rarely fires, and its rate does not depend on its reset."""
    mean = np.array([-2.0, -4.0, -12.0, -40.0])
    cell = {"threshold": 1.0, "decay": TENTH}
    hard, soft = (log_rate(mean, 0.5, **cell, reset=reset) for reset in ("hard", "soft"))
    np.testing.assert_allclose(hard, soft, rtol=1e-5)
    # Kramers: -ln(rate) grows as the squared distance over twice the variance
    barrier = ((1 - mean) / 0.5) ** 2 / 2
    assert hard[-1] < -3000
    np.testing.assert_allclose(-hard / barrier, 1, atol=0.35)
    assert np.all(np.diff(-hard / barrier) < 0)


def test_limits():
    cell = {"threshold": 1.0, "decay": TENTH}
    # noiseless: ceil of the passage time in steps
    passage = np.log(1.5 / 0.5) / 0.1
    assert rate(1.5, 0.0, **cell) == pytest.approx(1 / np.ceil(passage), rel=1e-15)
    assert rate(1.5, 1e-5, **cell) == pytest.approx(1 / np.ceil(passage), rel=1e-9)
    assert rate(0.9, 0.0, **cell) == 0
    # without memory: a coin per step
    coin = rate(0.2, 0.5, threshold=1.0, decay=0.0)
    assert coin == pytest.approx(0.05479929169955799, rel=1e-12)  # Q(1.6)
    # finer steps: Siegert
    fine = rate(0.8, 0.4, threshold=1.0, decay=np.exp(-1e-3)) / 1e-3
    shifted = corrected_siegert(0.8, 0.4, threshold=1.0, decay=np.exp(-1e-3)) / 1e-3
    exact = siegert(0.8, 0.4, threshold=1.0, reset=0.0, tau=1.0)
    assert exact > fine > 0.95 * exact
    assert shifted == pytest.approx(fine, rel=1e-3)


def test_remote_thresholds_keep_their_logarithm():
    """Where steps towards the threshold underflow its leading term goes on without a jump."""
    for decay in (0.3, 0.677, TENTH, 0.97):
        z = 36 / np.sqrt(1 - decay**2) * np.array([0.98, 0.999, 1.001, 1.02, 3.0])
        logs = log_rate(1 - z, 1.0, threshold=1.0, decay=decay, reset="multi")
        assert logs[1] < -600
        assert np.all(np.diff(logs) < 0)
        np.testing.assert_allclose(logs / (-(z**2) / 2), 1, atol=0.01)


def test_countless_spikes_of_a_step():
    """Beyond 1000 spikes in a step the membrane's place is lost in the rounding."""
    cell = {"threshold": 1.0, "decay": 0.5, "reset": "multi"}
    below, above = rate([1900.0, 2300.0], 5.0, **cell)
    assert above - below == pytest.approx(200, rel=1e-3)
    assert np.isnan(rate(1.0, 1e9, **cell))
    assert rate(1e9, 1.0, **cell, max_spikes=31) == pytest.approx(31)


def test_little_noise_against_simulation():
    """One noise of a step is a hundredth of the way: a chain of over a thousand states."""
    found, _ = simulate(1.03, 0.02, 1.0, TENTH, "hard", n=1000, steps=2000, seed=17)
    expected = rate(1.03, 0.02, threshold=1.0, decay=TENTH)
    assert found.sum() * 2000 > 10_000
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / np.sqrt(1000))


@pytest.mark.parametrize("reset", ["hard", "soft", "multi"])
def test_little_noise_below_threshold(reset, monkeypatch):
    """A way without noise to where the neuron settles, against the whole chain."""
    std = 0.01
    for decay in (0.5, 0.8, TENTH):
        cell = {"threshold": 1.0, "decay": decay, "reset": reset}
        mean = 1 - std * np.array([0.5, 1.0, 3.0, 12.0])
        whole = log_rate(mean, std, **cell)
        with monkeypatch.context() as short:
            short.setattr(membrane_chain, "MOST_NODES", 600)
            found = log_rate(mean, std, **cell)
        assert np.all(found[:3] != whole[:3])  # the short way was taken
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-3)


def test_quick_formula_within_its_stated_error():
    mean, std = np.meshgrid([-0.5, 0.3, 0.6, 1.0, 1.5], [0.2, 0.5, 1.0])
    for decay, bound in ((TENTH, 0.021), (np.exp(-0.01), 0.003)):
        for reset in ("hard", "soft"):
            exact = rate(mean, std, threshold=1.0, decay=decay, reset=reset)
            quick = corrected_siegert(mean, std, threshold=1.0, decay=decay, reset=reset)
            kept = exact > 1e-5
            assert kept.sum() >= 12
            assert np.abs(quick / exact - 1)[kept].max() < bound
    with pytest.warns(RuntimeWarning, match=r"dt/tau reaches 0\.693"):
        corrected_siegert(0.5, 0.5, threshold=1.0, decay=0.5)


def test_continuous_theory_is_wrong_at_a_tenth_of_tau():
    mean, std = np.array([0.3, 0.5, 0.8, 1.2]), 0.5
    exact = rate(mean, std, threshold=1.0, decay=TENTH)
    assert np.all(siegert(mean, std, threshold=1.0, reset=0.0, tau=10.0) > 1.2 * exact)


@given(
    mean=st.floats(-1e6, 1e6),
    std=st.sampled_from([0.0, 1e-8, 0.05, 1.0, 1e4]),
    threshold=st.floats(-1, 0) | st.floats(0.01, 10),
    decay=st.sampled_from([-0.1, 0.0, 0.5, 0.97, 0.9999, 1.0]),
    reset=st.sampled_from(["hard", "soft", "multi"]),
)
@settings(max_examples=40, deadline=None)
def test_extremes_never_raise(mean, std, threshold, decay, reset):
    value = rate(mean, std, threshold=threshold, decay=decay, reset=reset, max_spikes=31)
    if threshold > 0 and 0 <= decay < 1:
        most = 31 if reset == "multi" else 1
        assert 0 <= value <= most * (1 + 1e-9)
    else:
        assert np.isnan(value)


def test_scalars_and_arrays_agree():
    mean, std = np.array([[0.2], [0.9]]), np.array([0.3, 0.6])
    table = rate(mean, std, threshold=1.0, decay=0.8, reset="multi")
    for i in range(2):
        for j in range(2):
            assert table[i, j] == rate(mean[i, 0], std[j], threshold=1.0, decay=0.8, reset="multi")
    assert np.isnan(rate(np.nan, 0.5, threshold=1.0, decay=0.8))


def test_stationary_law_of_a_small_chain():
    rng = np.random.default_rng(15)
    matrix = rng.random((6, 6))
    matrix /= matrix.sum(1, keepdims=True)
    values, vectors = np.linalg.eig(matrix.T)
    expected = np.abs(vectors[:, np.argmax(values.real)].real)
    found = np.exp(log_stationary(matrix.copy()))
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), rtol=1e-12)
    # two states: the rare one keeps its digits
    log_mass = log_stationary(np.array([[0.5, 0.5], [1e-280, 1.0]]))
    assert log_mass[0] - log_mass[1] == pytest.approx(np.log(2e-280), rel=1e-15)
    # unreachable from the last state
    assert log_stationary(np.array([[0.5, 0.5], [0.0, 1.0]]))[0] == -np.inf


def test_table_of_rates():
    rng = np.random.default_rng(16)
    decay = float(np.exp(-1 / 7.5))
    std = np.exp(rng.uniform(np.log(0.06), np.log(2), 60))
    mean = 1 + std * rng.uniform(-4, 12, 60)
    exact = rate(mean, std, threshold=1.0, decay=decay, reset="multi", max_spikes=31)
    found = rate_table(decay, 31)(2 * mean, 2 * std, 2.0)
    error = np.abs(found / exact - 1)[exact > 1e-4]
    assert error.size > 30
    assert np.median(error) < 1e-3
    assert error.max() < 0.04


def test_bad_arguments():
    with pytest.raises(InputError, match="'hard', 'soft' or 'multi'"):
        rate(0.5, 0.5, threshold=1.0, decay=0.9, reset="none")
    with pytest.raises(InputError, match="max_spikes"):
        rate(0.5, 0.5, threshold=1.0, decay=0.9, reset="multi", max_spikes=1.5)
    with pytest.raises(InputError, match="1/600"):
        density(0.5, 0.5, 1e-9, threshold=1.0, decay=0.9)
    assert pytest.approx(0.5826, abs=1e-4) == discrete_time.OVERSHOOT
