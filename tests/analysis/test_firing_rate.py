"""Rates of the leaky integrate-and-fire neuron against mpmath, identities and simulation."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis import firing_rate
from neurosim.analysis.firing_rate import (
    brunel,
    colored,
    cv,
    gradient,
    log_gradient,
    log_siegert,
    siegert,
    transfer,
)
from neurosim.errors import InputError

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_rates.json").read_text(encoding="utf-8")
)
NAMES = ("mean", "std", "threshold", "reset", "tau", "refractory")
CELL = {"threshold": 1.0, "reset": 0.0, "tau": 0.02, "refractory": 0.002}


def cells(rows):
    """Columns of the reference's cells, as keyword arguments."""
    return dict(zip(NAMES, np.array([row["cell"] for row in rows]).T, strict=True))


def test_rate_and_its_log_against_mpmath():
    rows = REFERENCE["rates"]
    logs = np.array([row["log_rate"] for row in rows])
    assert logs.min() < -300
    assert logs.max() > 5
    found = log_siegert(**cells(rows))
    # absolute error of the log = relative error of the rate; the square of y = 20 has an
    # inherent rounding error of 2 y^2 eps = 2e-13
    np.testing.assert_allclose(found, logs, rtol=0, atol=1e-12)
    rates = np.array([row["rate"] for row in rows])
    np.testing.assert_allclose(siegert(**cells(rows)), rates, rtol=1e-12)


def test_gradient_against_mpmath():
    rows = REFERENCE["rates"]
    found = np.stack(log_gradient(**cells(rows)), axis=1)
    np.testing.assert_allclose(found, [row["slopes"] for row in rows], rtol=1e-11)
    direct = np.stack(gradient(**cells(rows)), axis=1)
    rate = siegert(**cells(rows))[:, None]
    np.testing.assert_allclose(direct, found * rate, rtol=1e-13)


def test_cv_against_mpmath():
    rows = REFERENCE["cv"]
    np.testing.assert_allclose(cv(**cells(rows)), [row["cv"] for row in rows], rtol=1e-10)


def test_transfer_against_mpmath():
    rows = REFERENCE["transfer"]
    found = transfer([row["frequency"] for row in rows], **cells(rows))
    expected = np.array([complex(*row["transfer"]) for row in rows])
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_slow_modulation_is_the_static_gradient():
    mean = np.array([-0.5, 0.6, 1.2, 3.0])
    static = gradient(mean, 0.3, **CELL)
    for which, expected in (("mean", static.mean), ("std", static.std)):
        for frequency in (0.0, 1e-7):
            found = transfer(frequency, mean, 0.3, **CELL, modulated=which)
            np.testing.assert_allclose(found.real, expected, rtol=1e-8)
            assert np.all(np.abs(found.imag) < 1e-5 * np.abs(expected))


def test_fast_modulation_decays_as_theory_says():
    # Brunel et al. (2001): |N| -> nu / (std sqrt(2 omega tau)), phase -45 degrees
    frequency = 1e6
    found = transfer(frequency, 0.7, 0.4, **CELL)
    rate = siegert(0.7, 0.4, **CELL)
    expected = rate / (np.sqrt(2) * 0.4) / np.sqrt(1j * np.pi * frequency * 0.02) * 1
    assert abs(found / expected - 1) < 0.01


@pytest.mark.parametrize(
    ("mean", "std"), [(0.6, 0.3), (0.9, 0.4), (1.6, 0.2)], ids=["noise", "between", "mean"]
)
def test_rate_and_cv_against_simulation(mean, std):
    """Exact Ornstein-Uhlenbeck steps with the crossing probability of the bridge between them."""
    rng = np.random.default_rng(1)
    dt, n, reset, threshold = 0.01, 10_000, 0.0, 1.0
    decay = np.exp(-dt)
    noise = std * np.sqrt(1 - decay**2)
    v = np.full(n, reset)
    intervals = []
    for step in range(1, 20_000):
        ahead = mean + (v - mean) * decay + noise * rng.standard_normal(v.size)
        bridge = np.exp(-2 * (threshold - v) * (threshold - ahead) / noise**2)
        fired = (ahead >= threshold) | (rng.random(v.size) < bridge)
        intervals.append(np.full(fired.sum(), (step - 0.5) * dt))
        v = ahead[~fired]
        if v.size == 0:
            break
    gaps = np.concatenate(intervals)
    assert gaps.size == n  # every neuron has fired
    cell = {"threshold": threshold, "reset": reset, "tau": 1.0}
    spread = cv(mean, std, **cell)
    # 4 standard errors of a mean, and of a standard deviation whose law has a long tail
    assert 1 / gaps.mean() == pytest.approx(siegert(mean, std, **cell), rel=4 * spread / np.sqrt(n))
    assert gaps.std() / gaps.mean() == pytest.approx(spread, rel=4 * np.sqrt(2 / n))


def test_transfer_against_simulation():
    """A population under a weakly modulated mean; its rate's Fourier component at f."""
    rng = np.random.default_rng(2)
    mean, std, frequency, strength = 0.8, 0.4, 0.3, 0.15  # per tau
    dt, n, threshold = 0.01, 40_000, 1.0
    decay = np.exp(-dt)
    noise = std * np.sqrt(1 - decay**2)
    v = np.zeros(n)
    counts = []
    for step in range(1334):
        now = mean + strength * np.cos(2 * np.pi * frequency * step * dt)
        ahead = now + (v - now) * decay + noise * rng.standard_normal(n)
        bridge = np.exp(-2 * (threshold - v) * (threshold - ahead) / noise**2)
        fired = (ahead >= threshold) | (rng.random(n) < bridge)
        counts.append(fired.sum())
        v = np.where(fired, 0.0, ahead)
    kept = np.arange(334, 1334)  # three periods after the transient
    phase = np.exp(-2j * np.pi * frequency * (kept + 0.5) * dt)
    found = 2 * np.mean(np.array(counts)[kept] / (n * dt) * phase) / strength
    expected = transfer(frequency, mean, std, threshold=threshold, reset=0.0, tau=1.0)
    total = np.sum(np.array(counts)[kept])
    assert total > 100_000
    error = 2 * np.sqrt(2 * total) / (n * dt * kept.size) / strength
    assert abs(found - expected) < 4 * error + 0.01 * abs(expected)  # 1 %: second order in strength


def test_extremes_never_raise():
    wild = [0.0, 1e-300, 1e300, -1e300, np.inf, -np.inf, np.nan, 1.0]
    mean, std = np.meshgrid(wild, wild)
    with np.errstate(all="raise"):
        for function in (siegert, log_siegert, cv):
            function(mean, std, **CELL)
        log_gradient(mean, std, **CELL)
    assert np.isnan(siegert(0.5, -1.0, **CELL))
    assert np.isnan(siegert(0.5, 0.5, threshold=0.0, reset=1.0, tau=0.02))
    assert siegert(0.5, 0.0, **CELL) == 0
    assert log_siegert(-1e3, 0.1, **CELL) < -1e7
    far = siegert(-1e3, 0.1, **CELL)
    assert far == 0


def test_noiseless_limits():
    exact = 1 / (0.002 + 0.02 * np.log(1.5 / 0.5))
    assert siegert(1.5, 0.0, **CELL) == pytest.approx(exact, rel=1e-14)
    assert siegert(1.5, 1e-6, **CELL) == pytest.approx(exact, rel=1e-10)
    limit, near = log_gradient(1.5, 0.0, **CELL), log_gradient(1.5, 1e-7, **CELL)
    assert limit.threshold == pytest.approx(near.threshold, rel=1e-9)
    assert limit.mean == pytest.approx(near.mean, rel=1e-9)
    assert cv(1.5, 0.0, **CELL) == 0


def test_scalars_and_arrays_agree():
    mean, std = np.linspace(-2, 3, 7)[:, None], np.array([0.1, 0.5, 2.0])
    table = siegert(mean, std, **CELL)
    assert table.shape == (7, 3)
    for i in range(7):
        for j in range(3):
            one = siegert(mean[i, 0], std[j], **CELL)
            assert one == pytest.approx(table[i, j], rel=1e-14)  # sums in another order
    assert isinstance(siegert(0.5, 0.5, **CELL), float)


@given(
    mean=st.floats(-5, 5),
    std=st.floats(0.01, 5),
    factor=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
)
@settings(max_examples=100, deadline=None)
def test_rate_depends_on_ratios_only(mean, std, factor, shift):
    plain = log_siegert(mean, std, threshold=1.0, reset=0.0, tau=0.02)
    moved = log_siegert(
        factor * mean + shift,
        factor * std,
        threshold=factor + shift,
        reset=shift,
        tau=0.02,
    )
    # y is recomputed from shifted numbers: its rounding enters the log as 2 y dy
    y = abs(1 - mean) / std
    slack = 1e-13 * (1 + abs(shift) / factor / std) * (1 + y) * 20
    assert moved == pytest.approx(plain, rel=1e-12, abs=slack)


def test_colored_noise_against_simulation():
    rng = np.random.default_rng(3)
    tau, tau_syn, dt, n = 1.0, 0.05, 0.002, 2000
    mean, std = 0.7, 0.4
    keep, slow = np.exp(-dt / tau), np.exp(-dt / tau_syn)
    # y with dy = -y/tau_syn dt + sqrt(2)/tau_syn dW drives V as white noise does when fast
    kick = np.sqrt((1 - slow**2) / tau_syn)
    y = rng.standard_normal(n) / np.sqrt(tau_syn)
    v = np.zeros(n)
    spikes = 0
    for step in range(20_000):
        y = y * slow + kick * rng.standard_normal(n)
        v = mean + (v - mean) * keep + std * y * (1 - keep)
        fired = v >= 1.0
        v = np.where(fired, 0.0, v)
        spikes += fired.sum() if step >= 2_000 else 0
    assert spikes > 10_000
    rate = spikes / (n * 18_000 * dt)
    cell = {"threshold": 1.0, "reset": 0.0, "tau": tau}
    found = colored(mean, std, **cell, tau_syn=tau_syn)
    assert rate == pytest.approx(found, rel=0.02 + 4 / np.sqrt(spikes))
    assert abs(siegert(mean, std, **cell) / rate - 1) > 0.1  # which white noise misses


def test_colored_warns_beyond_its_range():
    with pytest.warns(RuntimeWarning, match=r"tau_syn / tau reaches 0\.5"):
        colored(0.5, 0.5, threshold=1.0, reset=0.0, tau=0.02, tau_syn=0.01)


def test_brunel_network_against_simulation():
    """1250 neurons, every one with 100 + 25 random synapses, in the asynchronous state."""
    rng = np.random.default_rng(4)
    n_exc, n_inh, degree_exc, degree_inh = 1000, 250, 100, 25
    jump, g, tau, dt = 0.2, 6.0, 0.02, 1e-4
    theta, reset, dead = 20.0, 10.0, 0.002
    outside = 3 * theta / (jump * degree_exc * tau)
    expected = brunel(
        outside,
        psp=jump,
        g=g,
        excitatory=degree_exc,
        inhibitory=degree_inh,
        threshold=theta,
        reset=reset,
        tau=tau,
        refractory=dead,
    )
    assert expected.residual < 1e-12
    n = n_exc + n_inh
    weights = np.zeros((n, n), dtype=np.float32)
    for row in weights:
        row[rng.choice(n_exc, degree_exc, replace=False)] = jump
        row[n_exc + rng.choice(n_inh, degree_inh, replace=False)] = -g * jump
    columns = np.ascontiguousarray(weights.T)
    v, wait = rng.uniform(0, theta, n), np.zeros(n, dtype=int)
    delay = [np.zeros(n, dtype=np.float32)] * 15  # spread of delays keeps it asynchronous
    spikes = 0
    for step in range(6000):
        drive = jump * rng.poisson(outside * degree_exc * dt, n) + delay[step % 15]
        v = np.where(wait > 0, reset, v * np.exp(-dt / tau) + drive)
        wait -= 1
        fired = np.flatnonzero(v >= theta)
        v[fired], wait[fired] = reset, round(dead / dt)
        delay = [*delay[: step % 15], columns[fired].sum(0), *delay[step % 15 + 1 :]]
        spikes += len(fired) if step >= 1000 else 0
    rate = spikes / (n * 5000 * dt)
    assert spikes > 5_000
    # finite weights (shot noise) and recurrent correlations are left out by the theory
    assert rate == pytest.approx(expected.rate[0], rel=0.1)


def test_bad_arguments():
    with pytest.raises(InputError, match="'mean' or 'std'"):
        transfer(1.0, 0.5, 0.5, **CELL, modulated="phase")
    with pytest.raises(InputError, match=r"needs \(n, n\)"):
        firing_rate.self_consistent([1.0, 2.0], 1.0, external_mean=0, external_variance=0, **CELL)
