"""Networks with random thresholds: limits, closed form, and a simulated renewal process."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from neurosim.analysis.firing_rate import (
    brunel,
    random_threshold_brunel,
    random_threshold_rate,
    siegert,
)
from neurosim.analysis.laws import Gaussian, Levels, Uniform
from neurosim.errors import InputError

NET = {
    "psp": 0.1, "g": 5.0, "excitatory": 1000, "inhibitory": 250, "reset": 10.0, "tau": 0.02,
    "refractory": 0.002,
}  # fmt: skip
CELL = {"reset": 10.0, "tau": 0.02, "refractory": 0.002}


def test_one_threshold_is_brunels_network():
    for external in (10.5, 20.0, 40.0):
        (point,) = random_threshold_brunel(external, 20.0, **NET)
        assert point.stable
        theirs = brunel(external, threshold=20.0, **NET)
        np.testing.assert_allclose(point.rate, theirs.rate[0], rtol=1e-9)
        np.testing.assert_allclose([point.mean, point.std], [theirs.mean[0], theirs.std[0]])


def test_both_draws_are_the_means_they_should_be():
    rates = np.array([siegert(18.0, 3.0, threshold=t, **CELL) for t in (18.0, 20.0, 23.0)])
    law = Levels([18.0, 20.0, 23.0], [0.2, 0.5, 0.3])
    shares = np.array([0.2, 0.5, 0.3])
    quenched = random_threshold_rate(law, 18.0, 3.0, **CELL)
    spikes = random_threshold_rate(law, 18.0, 3.0, draw="per-spike", **CELL)
    np.testing.assert_allclose(quenched, rates @ shares, rtol=1e-12)
    np.testing.assert_allclose(spikes, 1 / (shares / rates).sum(), rtol=1e-12)
    assert spikes < quenched


@pytest.mark.parametrize("law", [Uniform(18.0, 22.0), Gaussian(20.0, 0.8)])
def test_laws_are_integrated(law):
    """Against an adaptive rule over the density."""
    frozen = stats.uniform(18, 4) if isinstance(law, Uniform) else stats.norm(law.mean, law.std)

    def mean(of_rate):
        def value(threshold):
            return frozen.pdf(threshold) * of_rate(siegert(17.0, 2.0, threshold=threshold, **CELL))

        low, high = frozen.ppf(1e-15), frozen.isf(1e-15)
        return quad(value, low, high, epsabs=0, epsrel=1e-11, limit=200)[0]

    quenched, spikes = mean(lambda rate: rate), 1 / mean(lambda rate: 1 / rate)
    ours = [
        random_threshold_rate(law, 17.0, 2.0, draw=d, **CELL) for d in ("quenched", "per-spike")
    ]
    np.testing.assert_allclose(ours, [quenched, spikes], rtol=1e-9)


def test_thresholds_drawn_in_every_step_are_those_of_a_simulation():
    """20,000 neurons in steps of 0.1 ms, with the exact update of the membrane."""
    rng, n, dt = np.random.default_rng(1), 20_000, 1e-4
    law, mean, std = Uniform(16.0, 24.0), 18.0, 3.0
    decay, dead = np.exp(-dt / CELL["tau"]), round(CELL["refractory"] / dt)
    noise = std * np.sqrt(1 - decay**2)
    v, wait, spikes, skipped = np.full(n, 10.0), np.zeros(n, int), 0, 3000
    for step in range(skipped + 2000):
        moved = mean + (v - mean) * decay + noise * rng.standard_normal(n)
        v = np.where(wait > 0, 10.0, moved)
        fired = (wait == 0) & (v > rng.uniform(law.low, law.high, n))
        v[fired] = 10.0
        wait = np.where(fired, dead, np.maximum(wait - 1, 0))
        spikes += fired.sum() * (step >= skipped)
    rate = random_threshold_rate(law, mean, std, draw="per-step", dt=dt, **CELL)
    # 14,000 spikes, more regular than Poisson's: 3 standard errors are below 2.5 %.
    np.testing.assert_allclose(spikes / (n * 2000 * dt), rate, rtol=0.025)


def test_thresholds_drawn_per_step_act_more_like_the_lowest_the_shorter_the_steps():
    law, mean, std = Uniform(16.0, 24.0), 18.0, 3.0
    rates = [
        random_threshold_rate(law, mean, std, draw="per-step", dt=dt, **CELL)
        for dt in (1e-3, 1e-4, 2e-5)
    ]
    lowest, middle = (siegert(mean, std, threshold=t, **CELL) for t in (16.0, 20.0))
    assert middle < rates[0] < rates[1] < rates[2] < lowest
    few = {**NET, "draw": "per-step", "dt": 1e-4}
    (point,) = random_threshold_brunel(20.0, law, **few)
    theirs = random_threshold_rate(law, point.mean, point.std, draw="per-step", dt=1e-4, **CELL)
    np.testing.assert_allclose(point.rate, theirs, rtol=1e-9)
    assert random_threshold_rate(1e4, 0.0, 1.0, draw="per-step", dt=1e-4, **CELL) == 0


def test_silence_and_many_fixed_points():
    assert random_threshold_rate(1e6, 0.0, 1.0, draw="per-spike", **CELL) == 0
    points = random_threshold_brunel(8.0, 20.0, **{**NET, "g": 2.0})
    assert [point.stable for point in points] == [True, False, True]
    for point in points:
        rate = siegert(point.mean, point.std, threshold=20.0, **CELL)
        np.testing.assert_allclose(rate, point.rate, rtol=1e-6)
    silent, *_ = random_threshold_brunel(2.0, 20.0, **{**NET, "g": 2.0})
    assert silent.rate < 1e-6
    assert silent.stable


def test_errors():
    with pytest.raises(InputError, match="draw is 'annealed'"):
        random_threshold_rate(20.0, 1.0, 1.0, draw="annealed", **CELL)
    with pytest.raises(InputError, match="dt is None"):
        random_threshold_rate(20.0, 1.0, 1.0, draw="per-step", **CELL)
    with pytest.raises(InputError, match="std 0 is too small"):
        random_threshold_rate(20.0, 21.0, 0.0, draw="per-step", dt=1e-4, **CELL)
    with pytest.raises(InputError, match="begin at 9"):
        random_threshold_rate(Uniform(9.0, 20.0), 1.0, 1.0, **CELL)
