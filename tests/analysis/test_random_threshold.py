"""Random thresholds: expectations, the sign of Jensen's gap, quenched against annealed draws."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.firing_rate.white_noise import siegert
from neurosim.analysis.thresholds.random_threshold import (
    Frozen,
    Gaussian,
    Levels,
    Uniform,
    as_law,
    convexity_boundary,
    critical_reset_distance,
    expected_exceedance,
    expected_rate,
    jensen_gap,
    matched_levels,
    population_rate,
)
from neurosim.analysis.thresholds.stationary import exceedance
from neurosim.errors import InputError

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_gates.json").read_text(encoding="utf-8")
)


def test_uniform_exceedance_against_mpmath():
    for row in REFERENCE["uniform"]:
        found = expected_exceedance(Uniform(*row["law"]), *row["cell"])
        assert found == pytest.approx(row["exceedance"], abs=1e-12)
        # the quadrature of any scipy law, an independent route
        low, high = row["law"]
        law = scipy.stats.uniform(low, high - low)
        assert expected_exceedance(law, *row["cell"]) == pytest.approx(row["exceedance"], abs=1e-11)


def test_laws_against_each_other():
    gaussian = expected_exceedance(Gaussian(1.0, 0.3), 0.4, 0.5)
    assert gaussian == pytest.approx(expected_exceedance(scipy.stats.norm(1.0, 0.3), 0.4, 0.5))
    levels = Levels([1.5, 1.0], [3, 1])
    assert levels.mean == pytest.approx(1.375)
    expected = 0.75 * exceedance(1.5, 0.4, 0.5) + 0.25 * exceedance(1.0, 0.4, 0.5)
    assert expected_exceedance(levels, 0.4, 0.5) == pytest.approx(expected, rel=1e-14)
    counted = as_law(scipy.stats.randint(1, 4))
    assert counted.mean == pytest.approx(2)
    assert isinstance(as_law(scipy.stats.gamma(3)), Frozen)
    assert expected_exceedance(1.2, 0.4, 0.5) == exceedance(1.2, 0.4, 0.5)


@pytest.mark.parametrize(
    "law",
    [
        Uniform(0.8, 1.5),
        Gaussian(1.0, 0.2),
        Levels([0.8, 1.0, 1.3]),
        Frozen(scipy.stats.beta(2, 3)),
    ],
    ids=["uniform", "gaussian", "levels", "frozen"],
)
def test_law_nodes_carry_its_moments_and_survival(law):
    points, shares = law.nodes(0.05)
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert points @ shares == pytest.approx(law.mean, rel=1e-10)
    assert (points - law.mean) ** 2 @ shares == pytest.approx(law.variance, rel=1e-9)
    at = np.linspace(*law.support, 7)
    assert np.all(np.diff(law.survival(at)) <= 0)
    assert law.survival(law.support[0] - 1) == pytest.approx(1)
    assert law.survival(law.support[1] + 1) == pytest.approx(0, abs=1e-15)


@given(
    middle=st.floats(-2, 2),
    half=st.floats(0.01, 1),
    mean=st.floats(-2, 2),
    std=st.floats(0.05, 2),
    kind=st.sampled_from(["uniform", "levels", "gaussian"]),
)
@settings(max_examples=200, deadline=None)
def test_sign_of_the_gap_is_that_of_mean_threshold_minus_drive(middle, half, mean, std, kind):
    law = {
        "uniform": Uniform(middle - half, middle + half),
        "levels": Levels([middle - half, middle, middle + half]),
        "gaussian": Gaussian(middle, half),
    }[kind]
    gap = jensen_gap(law, mean, std)
    if abs(gap) > 1e-12 and abs(middle - mean) > 1e-6:  # below, rounding decides
        assert np.sign(gap) == np.sign(middle - mean)


def test_expectation_against_simulation():
    rng = np.random.default_rng(7)
    n = 400_000
    u = 0.7 + 0.4 * rng.standard_normal(n)
    for law, draws in (
        (Uniform(1.0, 1.5), rng.uniform(1.0, 1.5, n)),
        (Levels([1.0, 1.2, 1.5]), rng.choice([1.0, 1.2, 1.5], n)),
        (Gaussian(1.1, 0.2), rng.normal(1.1, 0.2, n)),
    ):
        fired = (u >= draws).mean()
        assert fired > 0.05
        expected = expected_exceedance(law, 0.7, 0.4)
        assert fired == pytest.approx(expected, abs=4 * np.sqrt(expected / n))


@pytest.mark.parametrize("draw", ["quenched", "annealed"])
@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("kind", ["uniform", "levels", "gaussian"])
def test_rate_with_reset_against_simulation(draw, reset, kind):
    rng = np.random.default_rng(8)
    n, steps, warm = 3000, 1500, 100
    mean, std, decay = 0.7, 0.4, 0.9
    law, sample = {
        "uniform": (Uniform(1.0, 1.5), lambda: rng.uniform(1.0, 1.5, n)),
        "levels": (Levels([1.0, 1.2, 1.5]), lambda: rng.choice([1.0, 1.2, 1.5], n)),
        "gaussian": (Gaussian(1.1, 0.1), lambda: rng.normal(1.1, 0.1, n)),
    }[kind]
    noise = std * np.sqrt(1 - decay**2)
    v, threshold = np.zeros(n), sample()
    counts = np.zeros(n)
    for step in range(steps):
        if draw == "annealed":
            threshold = sample()
        pre = mean + (v - mean) * decay + noise * rng.standard_normal(n)
        fired = pre >= threshold
        v = np.where(fired, 0.0 if reset == "hard" else pre - threshold, pre)
        if step >= warm:
            counts += fired
    found = counts.mean() / (steps - warm)
    assert counts.sum() > 10_000
    expected = expected_rate(law, mean, std, decay=decay, reset=reset, draw=draw)
    # neurons are independent, so their spread gives the error, quenched draws included
    error = 4 * counts.std() / np.sqrt(n) / (steps - warm)
    assert found == pytest.approx(expected, abs=error)


def test_quenched_and_annealed_draws_differ():
    law = Uniform(1.0, 1.5)
    rates = {
        draw: expected_rate(law, 0.6, 0.4, decay=0.9, draw=draw)
        for draw in ("quenched", "annealed")
    }
    assert rates["annealed"] > 1.2 * rates["quenched"]
    fixed = discrete_time.rate(0.6, 0.4, threshold=1.2, decay=0.9)
    for draw in ("quenched", "annealed"):
        same = expected_rate(Levels([1.2]), 0.6, 0.4, decay=0.9, draw=draw)
        assert same == pytest.approx(fixed, rel=1e-12)


def test_population_rate_against_sampling():
    rng = np.random.default_rng(9)
    law, neurons = Uniform(1.0, 1.5), 30
    arguments = {"reset_to": 0.0, "tau": 0.02, "refractory": 0.002}
    draws = rng.uniform(1.0, 1.5, (4000, neurons))
    each = siegert(0.8, 0.3, threshold=draws, reset=0.0, tau=0.02, refractory=0.002)
    alone = population_rate(law, 0.8, 0.3, neurons=neurons, shared=False, **arguments)
    together = population_rate(law, 0.8, 0.3, neurons=neurons, shared=True, **arguments)
    assert each.mean() > 1
    assert alone.mean == pytest.approx(each.mean(), rel=4 * each.std() / each.mean() / 346)
    assert alone.std == pytest.approx(each.mean(1).std(), rel=4 / np.sqrt(2 * 4000))
    assert together.std == pytest.approx(each[:, 0].std(), rel=4 / np.sqrt(2 * 4000))
    assert together.mean == pytest.approx(expected_rate(law, 0.8, 0.3, **arguments))


def test_matched_levels_have_the_continuous_variance():
    for count in (2, 3, 5, 11):
        levels = matched_levels(count, 1.0, 1.5)
        assert levels.variance == pytest.approx(Uniform(1.0, 1.5).variance, rel=1e-12)
        assert levels.mean == pytest.approx(1.25)
        spread = Levels(list(np.linspace(1.0, 1.5, count))).variance
        assert spread / levels.variance == pytest.approx((count + 1) / (count - 1))


def test_convexity_boundary_is_where_the_curvature_turns():
    for mean, std, dead in ((1.0, 0.05, 0.0), (1.0, 0.1, 0.5), (1.0, 0.3, 2.0)):
        band = convexity_boundary(mean, std, reset=0.0, refractory=dead)
        assert 0 <= band.low < band.high
        for edge, concave_above in ((band.low, True), (band.high, False)):
            if edge == 0:
                continue
            for side in (-1, 1):
                theta = edge + side * 0.02 * std + np.array([-1, 0, 1]) * 0.01 * std
                nu = siegert(mean, std, threshold=theta, reset=0.0, tau=1.0, refractory=dead)
                curvature = nu[0] - 2 * nu[1] + nu[2]
                assert (curvature < 0) == ((side > 0) == concave_above)


def test_critical_distance_against_mpmath():
    path = Path(__file__).parents[1] / "reference" / "theory_layers.json"
    for row in json.loads(path.read_text(encoding="utf-8"))["critical"]:
        found = critical_reset_distance(row["refractory"])
        assert found == pytest.approx(row["distance"], rel=1e-10)


def test_rate_is_convex_everywhere_below_the_critical_distance():
    critical = critical_reset_distance()
    assert critical == pytest.approx(11.757, abs=1e-3)
    assert np.isnan(convexity_boundary(0.0, 1.0, reset=-critical + 0.01).low)
    assert np.isfinite(convexity_boundary(0.0, 1.0, reset=-critical - 0.01).low)
    assert critical_reset_distance(0.1) < critical
    theta = np.linspace(-9, 5, 400)
    nu = siegert(0.0, 1.0, threshold=theta, reset=-10.0, tau=1.0)
    assert np.all(np.diff(nu, 2) > 0)
    no_reset = convexity_boundary(0.3, 0.5)
    assert (no_reset.low, no_reset.high) == (-np.inf, 0.3)


def test_narrow_laws_gain_half_the_curvature():
    mean, std, width = 1.0, 0.08, 1e-3
    theta = np.array([0.7, 0.9, 1.02, 1.2])
    h = 2e-3
    for point in theta:
        nu = siegert(mean, std, threshold=point + h * np.array([-1, 0, 1]), reset=0.0, tau=1.0)
        curvature = (nu[0] - 2 * nu[1] + nu[2]) / h**2
        gap = expected_rate(Gaussian(point, width), mean, std, tau=1.0) - nu[1]
        assert gap == pytest.approx(curvature * width**2 / 2, rel=2e-2)


def test_bad_arguments():
    for bad in (lambda: Uniform(1.5, 1.0), lambda: Levels([]), lambda: Gaussian(1.0, -1.0)):
        with pytest.raises(InputError):
            bad()
    with pytest.raises(InputError, match="not both"):
        expected_rate(1.0, 0.5, 0.5)
    with pytest.raises(InputError, match="give decay"):
        expected_rate(1.0, 0.5, 0.5, tau=0.02, draw="annealed")
    with pytest.raises(InputError, match="no threshold law"):
        expected_exceedance("wide", 0.5, 0.5)
    with pytest.raises(InputError, match="two levels"):
        matched_levels(1, 1.0, 1.5)


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_thresholds_out_of_reach_may_be_left_out(reset):
    law = Uniform(0.9, 1.7)
    mean, std = np.array([0.9, 0.3]), np.array([0.08, 0.05])
    points, shares = law.nodes(float(std.min() * np.sqrt(1 - 0.8**2)))
    settings = {"decay": 0.8, "reset": reset}
    rates = discrete_time.rate(mean[:, None], std[:, None], threshold=points, **settings)
    assert (rates[0] < 1e-19 * rates[0].max()).any()  # there are some to leave out
    averages = expected_rate(law, mean, std, **settings)
    np.testing.assert_allclose(averages[1], rates[1] @ shares, rtol=1e-14)
    finer = expected_rate(law, mean[0], std[0], **settings)  # with nodes of its own noise
    np.testing.assert_allclose(averages[0], finer, rtol=1e-13)
