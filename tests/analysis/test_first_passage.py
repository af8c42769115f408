"""First-passage times against mpmath, a closed form with a moving boundary, and simulation."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.firing_rate import cv, siegert
from neurosim.analysis.passage import first_passage
from neurosim.analysis.passage.volterra import passage_density
from neurosim.errors import InputError

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_passage.json").read_text(encoding="utf-8")
)["laws"]
CELL = (1.0, 0.6, 0.4, 0.02, 0.0)  # threshold, mean, std, tau, start


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: f"{row['start']}-{row['threshold']}")
def test_laws_against_mpmath(row):
    cell = (row["threshold"], 0.0, 1.0, 1.0, row["start"])
    error = 1e-8 * max(row["density"])
    found = first_passage.density(row["times"], *cell)
    np.testing.assert_allclose(found, row["density"], rtol=0, atol=error)
    left = first_passage.survival(row["times"], *cell)
    np.testing.assert_allclose(left, row["survival"], rtol=0, atol=1e-8)
    for order, moment in enumerate(row["moments"], start=1):
        assert first_passage.moments(order, *cell) == pytest.approx(moment, rel=1e-10)


@pytest.mark.parametrize("row", REFERENCE[::4], ids=lambda r: f"{r['start']}-{r['threshold']}")
def test_a_moving_threshold_is_as_good(row):
    def threshold(t):
        return row["threshold"] + 0 * t

    cell = (threshold, 0.0, 1.0, 1.0, row["start"])
    error = 1e-8 * max(row["density"])
    found = first_passage.density(row["times"], *cell)
    np.testing.assert_allclose(found, row["density"], rtol=0, atol=error)
    left = first_passage.survival(row["times"], *cell)
    np.testing.assert_allclose(left, row["survival"], rtol=0, atol=2e-8)


def test_a_close_start_is_resolved_or_refused():
    """From 0.35 std below the threshold most have passed after a fiftieth of tau."""
    p = np.array([0.2, 0.9])
    time = first_passage.quantile(p, 0.5, 0.0, 1.0, 1.0, 0.15)
    assert time[0] < 0.1
    np.testing.assert_allclose(
        first_passage.survival(time, 0.5, 0.0, 1.0, 1.0, 0.15), 1 - p, atol=1e-7
    )
    for threshold in (0.5, lambda t: 0.5 + 0 * t):
        assert np.isnan(first_passage.density(0.1, threshold, 0.0, 1.0, 1.0, 0.25))
    far = first_passage.density(100.0, lambda t: 0.5 + 0 * t, 0.0, 1.0, 1.0, 0.15)
    assert np.isnan(far)  # it would need more steps than are taken
    assert np.isfinite(
        first_passage.density(100.0, lambda t: 0.5 + 0 * t, 0.0, 1.0, 1.0, 0.15, steps=500)
    )


def daniels(t, delta=1.0, first=0.6, second=0.3):
    """Threshold and density in closed form (Daniels 1969, method of images).

    For Brownian motion over u = exp(2t) - 1, mapped to the Ornstein-Uhlenbeck process of unit
    variance: S(t) = exp(-t) B(u).
    """
    u = np.expm1(2 * np.asarray(t, dtype=float))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        images = np.sqrt(first**2 + 4 * second * np.exp(-4 * delta**2 / u))
        boundary = delta - u / (2 * delta) * np.log((first + images) / 2)
        boundary = np.where(u == 0, delta, boundary)

        def term(x):
            return x / u * np.exp(-x * x / (2 * u)) / np.sqrt(2 * np.pi * u)

        density = term(boundary) - first * term(boundary - 2 * delta)
        density = (density - second * term(boundary - 4 * delta)) / 2
    return boundary / np.sqrt(u + 1), density * 2 * (u + 1)


@pytest.mark.parametrize("steps", [500, 2000])
def test_moving_threshold_against_the_method_of_images(steps):
    t = np.linspace(0.1, 3, 60)
    exact = daniels(t)[1]
    assert np.ptp(daniels(t)[0]) > 0.4  # the threshold does move
    found = first_passage.density(t, lambda s: daniels(s)[0], 0.0, 1.0, 1.0, 0.0, steps=steps)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-6 if steps == 500 else 1e-8)


def test_a_constant_function_is_a_constant_threshold():
    t = np.linspace(0, 0.1, 50)
    for mean in (0.2, 1.0, 1.4):  # below, at and above the threshold
        moving = first_passage.density(t, lambda s: 1 + 0 * s, mean, 0.4, 0.02, 0.0)
        fixed = first_passage.density(t, 1.0, mean, 0.4, 0.02, 0.0)
        np.testing.assert_allclose(moving, fixed, atol=1e-8 * fixed.max())


def test_convergence_of_the_solver():
    """The error falls at least with the fifth power of the step, down to rounding."""
    time = 4.0
    finest = passage_density(np.full(3201, 0.7), None, -1.0, time / 3200)
    errors = []
    for n in (25, 50, 100):
        coarse = passage_density(np.full(n + 1, 0.7), None, -1.0, time / n)
        errors.append(np.abs(coarse - finest[:: 3200 // n])[n // 5 :].max())
    assert errors[0] > 1e-9  # not yet rounding
    assert np.log2(errors[0] / errors[1]) > 5
    fine = passage_density(np.full(401, 0.7), None, -1.0, time / 400)
    assert np.abs(fine - finest[::8]).max() < 1e-8


@pytest.mark.parametrize("mean", [0.3, 1.0, 1.6], ids=["noise", "at", "mean"])
def test_mass_and_moments_agree_with_the_rate(mean):
    theta, _, std, tau, start = CELL
    cell = {"threshold": theta, "reset": start, "tau": tau}
    first = first_passage.moments(1, theta, mean, std, tau, start)
    second = first_passage.moments(2, theta, mean, std, tau, start)
    assert 1 / first == pytest.approx(siegert(mean, std, **cell), rel=1e-12)
    spread = np.sqrt(second - first**2) / first
    assert spread == pytest.approx(cv(mean, std, **cell), rel=1e-10)
    t = np.linspace(0, 20 * first, 20_001)
    density = first_passage.density(t, theta, mean, std, tau, start)
    left = first_passage.survival(t, theta, mean, std, tau, start)
    mass = np.trapezoid(density, t)
    assert mass + left[-1] == pytest.approx(1, abs=1e-6)
    assert np.trapezoid(left, t) == pytest.approx(first, rel=1e-6)


def test_density_survival_and_quantile_belong_together():
    t = np.linspace(0.001, 0.5, 40)
    h = 1e-6
    ahead, behind = (first_passage.survival(t + s, *CELL, neurons=5) for s in (h, -h))
    slope = (behind - ahead) / (2 * h)
    np.testing.assert_allclose(
        first_passage.density(t, *CELL, neurons=5), slope, rtol=1e-4, atol=1e-6
    )
    p = np.array([1e-6, 0.01, 0.5, 0.9, 0.999999])
    for neurons in (1, 100):
        time = first_passage.quantile(p, *CELL, neurons=neurons)
        assert np.all(np.diff(time) > 0)
        left = first_passage.survival(time, *CELL, neurons=neurons)
        np.testing.assert_allclose(1 - left, p, atol=1e-7)  # interpolated between grid times
    assert first_passage.quantile(0.0, *CELL) == 0
    assert np.isnan(first_passage.quantile(1.5, *CELL))


def test_first_of_many_has_the_product_survival():
    t = np.array([0.005, 0.02, 0.05])
    single = first_passage.survival(t, *CELL)
    np.testing.assert_allclose(first_passage.survival(t, *CELL, neurons=48), single**48)
    mean = first_passage.moments(1, *CELL, neurons=48)
    assert mean < first_passage.moments(1, *CELL) / 3
    grid = np.linspace(0, 0.2, 4001)
    area = np.trapezoid(first_passage.survival(grid, *CELL, neurons=48), grid)
    assert mean == pytest.approx(area, rel=1e-5)


@pytest.mark.parametrize("moving", [False, True])
def test_against_simulation(moving):
    """Passages of exact Ornstein-Uhlenbeck steps, crossings between steps by their bridge."""
    rng = np.random.default_rng(10)
    _, mean, std, tau, start = CELL
    n, dt, steps = 20_000, 0.0004, 500

    def threshold(t):
        return 1.0 - 0.4 * np.asarray(t) / 0.2 if moving else np.ones_like(np.asarray(t))

    decay = np.exp(-dt / tau)
    noise = std * np.sqrt(1 - decay**2)
    v, waiting = np.full(n, start), np.ones(n, dtype=bool)
    passed = np.zeros(steps)
    for step in range(steps):
        ahead = mean + (v - mean) * decay + noise * rng.standard_normal(n)
        now, then = (float(threshold(s * dt)) for s in (step, step + 1))
        bridge = np.exp(-2 * np.maximum(now - v, 0) * (then - ahead) / noise**2)
        crossed = waiting & ((ahead >= then) | (rng.random(n) < bridge))
        passed[step] = crossed.sum()
        waiting &= ~crossed
        v = ahead
    assert passed.sum() > n / 2
    times = dt * np.arange(1, steps + 1)
    law = threshold if moving else 1.0
    expected = 1 - first_passage.survival(times, law, mean, std, tau, start)
    # Kolmogorov's bound at 1e-4
    assert np.abs(np.cumsum(passed) / n - expected).max() < 2.3 / np.sqrt(n)


@given(
    threshold=st.floats(-50, 50),
    mean=st.floats(-1e3, 1e3),
    std=st.sampled_from([0.0, 1e-9, 0.1, 1.0, 1e6]),
    start=st.floats(-60, 60),
)
@settings(max_examples=20, deadline=None)
def test_extremes_never_raise(threshold, mean, std, start):
    cell = (threshold, mean, std, 0.02, start)
    survival = first_passage.survival([0.0, 0.01, 1e9], *cell)
    valid = std > 0 and start < threshold
    assert valid or np.isnan(survival).all()
    assert np.all(np.isnan(survival) | (survival >= 0) & (survival <= 1))
    assert (first_passage.moments(2, *cell) > 0) == valid


def test_scalars_and_arrays_agree():
    means = np.array([[0.2], [1.2]])
    t = np.array([0.01, 0.03, 0.2])
    table = first_passage.density(t, 1.0, means, 0.4, 0.02, 0.0)
    for i, mean in enumerate(means[:, 0]):
        for j, time in enumerate(t):
            one = first_passage.density(time, 1.0, mean, 0.4, 0.02, 0.0)
            assert one == pytest.approx(table[i, j], rel=1e-8)  # a grid of its own


def test_bad_arguments():
    with pytest.raises(InputError, match="whole number"):
        first_passage.moments(0, *CELL)
    with pytest.raises(InputError, match="single numbers"):
        first_passage.density(0.1, lambda t: 1 + t, [0.1, 0.2], 0.4, 0.02, 0.0)
    late = first_passage.quantile([0.5, 0.999999], lambda t: 1 + t, 0.2, 0.3, 0.02, 0.0)
    assert np.isfinite(late[0]) != np.isnan(late[0])
    assert np.isnan(late[1])


@pytest.mark.parametrize(("boundary", "start"), [(1.0, 0.4), (2.0, 1.2), (-0.5, -2.0)])
def test_a_constant_boundary_is_solved_as_one_that_might_move(boundary, start):
    n, step = 2401, 0.002  # more than one block of steps: parts of the sums by Fourier transforms
    still = np.full(n, boundary)
    constant = passage_density(still, None, start, step)
    moving = passage_density(still, np.zeros(n), start, step)
    assert constant.max() > 0.1
    # the same sums in another order, in units of their largest terms
    np.testing.assert_allclose(constant, moving, rtol=0, atol=1e-13 * moving.max())
