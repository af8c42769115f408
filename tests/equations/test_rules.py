"""What defines each rule: the law of its draws, its target, its time constant."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from neurosim import equations
from neurosim.engines.brian2 import Simulation, simulate

LEVEL = 1e-4  # of the Kolmogorov-Smirnov tests; all seeds are fixed


@cache
def composed(*names: str):
    model = equations.get(names[0])
    for name in names[1:]:
        model = model + equations.get(name)
    return model


def assert_uniform(draws: np.ndarray) -> None:
    assert len(draws) >= 500
    assert stats.kstest(draws, stats.uniform(1.0, 0.5).cdf).pvalue > LEVEL


def assert_levels(draws: np.ndarray) -> None:
    assert len(draws) >= 500
    values, counts = np.unique(np.round(draws, 9), return_counts=True)
    np.testing.assert_allclose(values, [1.0, 1.125, 1.25, 1.375, 1.5])
    assert stats.chisquare(counts).pvalue > LEVEL


LAWS = {"stochastic": assert_uniform, "discrete": assert_levels}


# --- drawn thresholds -----------------------------------------------------------------------------


def drawn(rule: str, *, n: int, seed: int = 3, duration: float = 0.05, **inputs) -> Simulation:
    return simulate(
        composed("lif", rule),
        n=n,
        duration=duration,
        dt=1e-3,
        parameters=inputs,
        record=("threshold_scale", "theta"),
        seed=seed,
    )


@pytest.mark.parametrize("law", LAWS)
def test_a_threshold_drawn_per_trial_is_shared_and_constant(law: str) -> None:
    first = []
    for seed in range(600):
        scale = drawn(f"{law}-threshold", n=3, seed=seed, duration=2e-3).traces["threshold_scale"]
        assert np.ptp(scale) == 0
        first.append(scale[0, 0])
    LAWS[law](np.array(first))


@pytest.mark.parametrize("law", LAWS)
def test_a_threshold_drawn_per_neuron_is_quenched(law: str) -> None:
    result = drawn(f"{law}-threshold-per-neuron", n=2000, I=0.5)
    scale = result.traces["threshold_scale"]
    assert result.counts().min() > 0
    assert np.ptp(scale, axis=0).max() == 0
    LAWS[law](scale[0])
    np.testing.assert_allclose(result.traces["theta"], -70e-3 + 20e-3 * scale)


@pytest.mark.parametrize("law", LAWS)
def test_a_threshold_drawn_per_spike_changes_at_spikes_only(law: str) -> None:
    result = drawn(f"{law}-threshold-per-spike", n=200, duration=0.2, I=0.5)
    scale = result.traces["threshold_scale"]
    spiked = np.zeros(scale.shape, dtype=bool)
    spiked[result.spike_steps, result.spike_neurons] = True
    changed = np.diff(scale, axis=0) != 0
    assert not (changed & ~spiked[1:]).any()
    if law == "stochastic":  # a level may be drawn again
        assert changed[spiked[1:]].all()
    LAWS[law](scale[spiked])
    # Consecutive draws of a neuron are independent.
    pairs = [scale[result.spike_steps[result.spike_neurons == k], k][:2] for k in range(200)]
    before, after = np.array([pair for pair in pairs if len(pair) == 2]).T
    assert abs(np.corrcoef(before, after)[0, 1]) < 4 / np.sqrt(len(before))


@pytest.mark.parametrize("law", LAWS)
def test_a_threshold_drawn_per_step_is_annealed(law: str) -> None:
    scale = drawn(f"{law}-threshold-per-step", n=200).traces["threshold_scale"]
    LAWS[law](scale.ravel())
    step, neuron = np.corrcoef(scale[:-1].ravel(), scale[1:].ravel())[0, 1], np.corrcoef(scale.T)
    assert abs(step) < 4 / np.sqrt(scale[1:].size)
    # 50 draws a neuron: no pair of the 200 is more alike than 5.5 standard errors.
    assert np.abs(neuron[~np.eye(200, dtype=bool)]).max() < 5.5 / np.sqrt(50)


# --- firing conditions ----------------------------------------------------------------------------


def test_escape_noise_at_a_constant_potential_is_a_poisson_process() -> None:
    depolarisation = np.array([0.7, 0.9, 1.0])
    dt, duration = 1e-3, 40.0
    result = simulate(
        composed("noisy-lif", "escape-noise"),
        n=3,
        duration=duration,
        dt=dt,
        parameters={"std": 0.0, "E_L": -70.0, "V_r": -70 + 20 * depolarisation}
        | {"mu": -70 + 20 * depolarisation},
        seed=8,
    )
    hazard = 100.0 * np.exp((depolarisation - 1) / 0.1)
    for k in range(3):
        probability = 1 - np.exp(-hazard[k] * dt)
        times = result.times_of(k)
        steps = np.round(np.diff(times) / dt).astype(int)
        expected = probability * duration / dt
        assert len(times) == pytest.approx(expected, abs=4 * np.sqrt(expected))
        assert len(steps) > 150
        # Geometric intervals: mean and variance, each within four standard errors.
        mean, variance = 1 / probability, (1 - probability) / probability**2
        assert steps.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / len(steps)))
        blurred = steps - np.random.default_rng(k).random(len(steps))  # continuous, for the test
        geometric = stats.geom(probability)

        def law(x: np.ndarray, geometric=geometric) -> np.ndarray:
            floor = np.floor(x)
            return geometric.cdf(floor) + (x - floor) * geometric.pmf(floor + 1)

        assert stats.kstest(blurred, law).pvalue > LEVEL


def test_escape_noise_sharpens_into_the_threshold() -> None:
    current, soft = 0.3, composed("lif", "escape-noise")
    sharp = simulate("lif", duration=1.0, parameters={"I": current}).rate()[0]
    rates = [
        simulate(soft, n=50, duration=1.0, parameters={"I": current, "width": w, "rate_0": 5e3},
                 seed=1).rate().mean()
        for w in (0.3, 0.1, 0.01)
    ]  # fmt: skip
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] == pytest.approx(sharp, rel=0.05)  # a soft threshold is passed a little early


def test_triesch_plasticity_makes_the_intensity_exponential() -> None:
    result = simulate(
        composed("noisy-lif", "triesch-plasticity"),
        n=40,
        duration=120.0,
        dt=2e-3,
        parameters={"mu": -62.0, "std": 6.0, "rate_max": 0.001, "eta": 2.0, "mean": 0.1},
        record=("intensity", "gain", "offset"),
        seed=5,
    )
    early = result.traces["intensity"][0].mean()
    intensity = result.traces["intensity"][-20000::10].ravel()
    assert early > 0.3
    # Gradient descent on a sigmoid reaches the exponential law nearly, not exactly (Triesch 2007).
    assert intensity.mean() == pytest.approx(0.1, rel=0.1)
    assert np.mean(intensity**2) == pytest.approx(2 * 0.1**2, rel=0.25)
    assert stats.kstest(intensity[::50], stats.expon(scale=0.1).cdf).statistic < 0.1
    assert result.traces["gain"][-1].min() > 1


# --- moving thresholds ----------------------------------------------------------------------------


def test_an_adapting_threshold_jumps_and_decays() -> None:
    result = simulate(
        composed("lif", "adapting-threshold"),
        duration=0.3,
        parameters={"I": 0.5, "jump_scale": 0.2, "tau_adapt": 50.0},
        record=("threshold_scale",),
    )
    scale, dt = result.traces["threshold_scale"][:, 0], 1e-4
    expected, value = np.empty(len(scale)), 1.0
    for step in range(len(scale)):
        value = 1 + (value - 1) * np.exp(-dt / 50e-3)
        value += 0.2 * (step in result.spike_steps)
        expected[step] = value
    assert len(result.spike_steps) > 3
    np.testing.assert_allclose(scale, expected, rtol=1e-9)


def test_a_homeostatic_threshold_brings_every_neuron_to_its_target() -> None:
    target = np.array([5.0, 10.0, 20.0, 10.0])
    result = simulate(
        composed("lif", "homeostatic-threshold"),
        n=4,
        duration=60.0,
        dt=5e-4,
        parameters={"I": np.array([0.25, 0.25, 0.25, 1.0]), "target": target},
        record=("threshold_scale",),
    )
    without = simulate(
        "lif", n=4, duration=2.0, dt=5e-4, parameters={"I": np.array([0.25, 0.25, 0.25, 1.0])}
    ).rate()
    assert (np.abs(without - target) > 0.2 * target).sum() >= 3
    np.testing.assert_allclose(result.rate(40.0), target, rtol=0.03)
    scale = result.traces["threshold_scale"][-1]
    assert scale[3] > scale[1]  # the same target against a stronger drive


def test_the_rate_estimate_decays_with_its_time_constant() -> None:
    result = simulate(
        composed("lif", "homeostatic-threshold"), duration=0.5, record=("fired",), dt=1e-3
    )
    assert len(result.spike_steps) == 0
    np.testing.assert_allclose(
        result.traces["fired"][:, 0], 10.0 * np.exp(-result.time / 0.5), rtol=1e-9
    )


def test_the_rate_estimate_is_the_rate_in_the_mean() -> None:
    result = simulate(
        composed("lif", "homeostatic-threshold"),
        duration=10.0,
        parameters={"I": 0.3, "tau_homeostasis": 1e9},
        record=("fired",),
    )
    estimate = result.traces["fired"][-40000:].mean()
    assert estimate == pytest.approx(result.rate(6.0)[0], rel=0.02)


# --- noise ----------------------------------------------------------------------------------------


def test_the_noise_current_has_its_deviation_and_correlation_time() -> None:
    n, dt, tau = 2000, 2e-4, 5e-3
    result = simulate(
        composed("lif", "ou-current"), n=n, duration=0.08, dt=dt, record=("I_noise",), seed=6
    )
    current = result.traces["I_noise"] * 1e9
    # Euler-Maruyama: the stationary variance is larger by 1 / (1 - dt/2tau), 2 % here.
    deviation = 0.05 / np.sqrt(1 - dt / (2 * tau))
    assert current[-1].std() == pytest.approx(deviation, abs=4 * deviation / np.sqrt(2 * n))
    lag = 25
    pairs = np.corrcoef(current[-1 - lag], current[-1])[0, 1]
    assert pairs == pytest.approx((1 - dt / tau) ** lag, abs=4 / np.sqrt(n))


def test_step_noise_is_normal_and_new_in_each_step() -> None:
    result = simulate(
        composed("lif-map", "step-noise"),
        n=100,
        duration=0.05,
        dt=1e-3,
        parameters={"std_step": 0.25},
        record=("noise",),
        seed=2,
    )
    noise = result.traces["noise"]
    assert stats.kstest(noise.ravel(), stats.norm(0, 0.25).cdf).pvalue > LEVEL
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 4 / np.sqrt(4900)
