"""The homeostat's linear map against the nonlinear loop itself, and what its functions promise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim.analysis import homeostasis
from neurosim.analysis.homeostasis import Loop
from neurosim.analysis.homeostasis.loop import advance, chain_modes, laplacian
from neurosim.errors import InputError

LOOPS = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_layers.json").read_text(encoding="utf-8")
)["loops"]
EDGE = 1e-9  # eigenvalues of a 16x16 map are good to about 1e-12; a draw so near 1 is no evidence


def draw(rng: np.random.Generator, **fixed) -> Loop:
    layers = int(rng.integers(2, 9))
    return Loop(
        **{
            "beta": float(10 ** rng.uniform(-2, 1.5)),
            "gamma": float(rng.uniform(0.001, 2.5)),
            "D": float(rng.uniform(0, 0.6)),
            "layers": layers,
            "alpha": float(rng.uniform(0.05, 0.95)),
            "kappa": float(10 ** rng.uniform(-1, 0.7)),
            "m_r": float(rng.uniform(0.02, 1)),
            "ticks": int(rng.integers(1, 11)),
            "sensitivity": float(10 ** rng.uniform(-1, 1)),
            "fresh": bool(rng.integers(2)),
            **fixed,
        }
    )


def full_map(loop: Loop) -> np.ndarray:
    """The map of (ln r~, c) in layer space, written from the update rule tick by tick."""
    size = loop.layers
    identity, centre = np.eye(size), np.eye(size) - loop.centring / size
    falls = np.linalg.inv(np.eye(size) - loop.J) * (loop.a * loop.alpha * loop.kappa)
    tick = (1 - loop.gamma) * identity - loop.D * laplacian(size)
    sensed = np.hstack([(1 - loop.m_r) * identity, -loop.m_r * falls])
    used = sensed if loop.fresh else np.hstack([identity, np.zeros((size, size))])
    state = np.hstack([np.zeros((size, size)), identity])
    for _ in range(loop.ticks):
        state = tick @ state + loop.beta * centre @ used
    return np.vstack([sensed, state])


def assert_predicate_matches(draws: int, seed: int, **fixed) -> None:
    rng = np.random.default_rng(seed)
    stable = checked = 0
    for _ in range(draws):
        loop = draw(rng, **fixed)
        radius = np.abs(np.linalg.eigvals(full_map(loop))).max()
        if abs(radius - 1) < EDGE:
            continue
        checked += 1
        stable += radius < 1
        assert homeostasis.is_stable(loop) == (radius < 1), loop
        assert homeostasis.spectral_radius(loop) == pytest.approx(radius, rel=1e-6)
    assert checked > 0.99 * draws
    assert 0.1 * draws < stable < 0.9 * draws


def test_coupled_unequal_loops_against_mpmath():
    for row in LOOPS:
        parts = {k: tuple(v) if isinstance(v, list) else v for k, v in row["loop"].items()}
        loop = Loop(**parts)
        assert homeostasis.spectral_radius(loop) == pytest.approx(row["radius"], rel=1e-11)
        assert homeostasis.feedback_sign(loop) == row["feedback"]
        assert homeostasis.is_stable(loop) == (row["radius"] < 1)
    assert {row["feedback"] for row in LOOPS} == {-1, 1}
    assert {row["radius"] < 1 for row in LOOPS} == {True, False}


def test_stability_has_no_mismatch_with_eigenvalues():
    assert_predicate_matches(2000, seed=0)


@pytest.mark.slow
def test_stability_has_no_mismatch_with_eigenvalues_in_10000_draws():
    assert_predicate_matches(10_000, seed=1)


def test_common_mode_control_has_no_mismatch_either():
    assert_predicate_matches(500, seed=2, centring=0.3)


def test_unequal_coupled_layers_match_eigenvalues():
    rng = np.random.default_rng(3)
    for _ in range(300):
        loop = draw(rng, layers=5)
        loop = replace(
            loop,
            sensitivity=tuple(rng.uniform(0.5, 3, 5)),
            coupling=tuple(rng.uniform(0, 0.8, 5)),
        )
        radius = np.abs(np.linalg.eigvals(full_map(loop))).max()
        if abs(radius - 1) > 1e-6:
            assert homeostasis.is_stable(loop) == (radius < 1)


def test_linear_map_is_the_derivative_of_the_loop():
    """One step of the nonlinear loop, differentiated by central differences at rest."""
    loop = draw(np.random.default_rng(4), layers=4, ticks=3, fresh=True)
    loop = replace(loop, sensitivity=(1.0, 2.0, 0.5, 1.5), coupling=0.7)
    plant = loop.plant(np.zeros(4))

    def step(state: np.ndarray) -> np.ndarray:
        average, c = np.exp(state[:4]), state[4:]
        average = (1 - loop.m_r) * average + loop.m_r * np.exp(plant(loop.scale(c)))
        return np.concatenate([np.log(average), advance(loop, c, np.log(average))])

    h = 1e-5
    moved = np.array([(step(h * e) - step(-h * e)) / (2 * h) for e in np.eye(8)]).T
    basis = np.kron(np.eye(2), chain_modes(4)[1])
    np.testing.assert_allclose(
        basis.T @ moved @ basis, homeostasis.linear_map(loop), atol=1e-8 * np.abs(moved).max()
    )


def test_modes_diagonalise_the_chain():
    for layers in (1, 2, 5, 12):
        values, basis = chain_modes(layers)
        np.testing.assert_allclose(basis.T @ basis, np.eye(layers), atol=1e-13)
        np.testing.assert_allclose(basis.T @ laplacian(layers) @ basis, np.diag(values), atol=1e-13)


def test_averaging_after_use_is_stable_in_a_smaller_range():
    loop = Loop(beta=1.0, gamma=0.05, D=0.01, layers=4, m_r=0.1)
    assert homeostasis.is_stable(replace(loop, beta=30.0))
    assert not homeostasis.is_stable(replace(loop, beta=30.0, fresh=False))
    assert homeostasis.is_stable(replace(loop, fresh=False))


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_the_bound_is_where_the_nonlinear_loop_stops_settling(factor):
    loop = Loop(beta=1.0, gamma=0.1, D=0.02, layers=5, m_r=0.4, ticks=2)
    chain = homeostasis.modes(loop)
    bound = ((2 - 0.4) * (1 + chain.carried[1:]) / 0.4 / chain.beta[1:]).min() / 0.5
    loop = replace(loop, beta=factor * float(bound))
    start = 1e-3 * np.random.default_rng(5).standard_normal(5)
    run = homeostasis.trajectory(loop, np.zeros(5), 1500, start=start - start.mean())
    early, late = np.abs(run.c[0]).max(), np.abs(run.c[-50:]).max()
    assert (late < 1e-6 * early) if factor < 1 else (late > 100 * early)


def test_settling_time_and_overshoot_describe_a_run():
    loop = homeostasis.recommend(6, steps=25, sensitivity=1.7, ticks=4)
    needed = homeostasis.settling_time(loop)
    assert needed <= 25
    assert homeostasis.overshoot(loop) <= 0.01
    start = 1e-4 * chain_modes(6)[1][:, 1]
    run = homeostasis.trajectory(loop, np.zeros(6), 200, start=start)
    size = np.abs(run.c).max(1)
    later = size[int(3 * needed)] / size[int(2 * needed)]
    assert later < 0.02  # 0.01 per settling time, once the faster modes have gone
    assert np.abs(np.minimum(run.c[:, 0] / start[0], 0)).max() <= 0.01


def test_a_ringing_loop_overshoots_as_said():
    """Successive extremes of a slow oscillation (about 60 steps a turn) have that ratio."""
    loop = Loop(beta=0.2, gamma=0.0, D=0.0, layers=2, m_r=0.1)
    run = homeostasis.trajectory(loop, np.zeros(2), 150, start=np.array([1e-4, -1e-4]))
    c = run.c[:, 0]
    trough = int(c[:60].argmin())
    peak = trough + int(c[trough : trough + 60].argmax())
    assert peak > trough + 10
    # A turn is sampled about 60 times, so an extreme is missed by less than 1 %.
    assert -c[peak] / c[trough] == pytest.approx(homeostasis.overshoot(loop), rel=0.02)


def test_without_relaxation_the_mean_stays_and_deviations_vanish():
    loop = Loop(beta=0.2, gamma=0.0, D=0.0, layers=4)
    assert homeostasis.is_stable(loop)
    assert homeostasis.spectral_radius(loop) == pytest.approx(1)
    run = homeostasis.trajectory(
        loop, np.log([0.1, 0.12, 0.09, 0.11]), 300, start=np.array([0.3, 0.1, 0.2, 0.0])
    )
    np.testing.assert_allclose(run.c.mean(1), 0.15, atol=1e-12)
    assert np.ptp(run.log_rate[-1]) < 1e-6 < np.ptp(run.log_rate[0])


def test_steady_state_is_where_the_run_ends():
    loop = Loop(
        beta=0.3,
        gamma=0.1,
        D=0.05,
        layers=4,
        ticks=3,
        m_r=0.3,
        sensitivity=(1, 2, 1.5, 1),
        coupling=0.4,
    )
    rates = np.log([0.1, 0.3, 0.05, 0.2])
    rest = homeostasis.steady_state(loop, rates)
    run = homeostasis.trajectory(loop, rates, 600)
    assert np.abs(rest.c).max() > 0.1
    np.testing.assert_allclose(run.c[-1], rest.c, atol=1e-10)
    np.testing.assert_allclose(run.log_rate[-1], rest.log_rate, atol=1e-10)


def test_disagreements_shrink_by_the_share_of_each_mode():
    loop = Loop(beta=0.4, gamma=0.05, D=0.02, layers=6, sensitivity=1.3)
    values, basis = chain_modes(6)
    k = 1.3 * loop.alpha * loop.kappa
    for j in range(1, 6):
        small = 1e-5 * basis[:, j]
        rest = homeostasis.steady_state(loop, small)
        pull = loop.gamma + loop.D * values[j]
        share = pull / (pull + loop.beta * k)
        np.testing.assert_allclose(basis[:, j] @ rest.log_rate / 1e-5, share, rtol=1e-4)
    assert homeostasis.remaining_disagreement(loop) == pytest.approx(share, rel=1e-9)


def test_no_rest_is_nan():
    loop = Loop(beta=0.4, gamma=0.0, D=0.0, layers=2, alpha=0.1)
    assert np.isnan(homeostasis.steady_state(loop, [0.0, 5.0]).c).all()


@pytest.mark.parametrize(("layers", "limit"), [(2, 2.0), (4, 4 / 3), (9, 9 / 8), (11, 1.07296)])
def test_equal_layers_feed_disagreements_beyond_a_coupling(layers, limit):
    loop = Loop(beta=0.1, gamma=0.0, D=0.0, layers=layers, coupling=limit - 1e-3)
    assert homeostasis.feedback_sign(loop) == -1
    loop = replace(loop, coupling=limit + 1e-3)
    assert homeostasis.feedback_sign(loop) == 1
    assert (homeostasis.feedback_sum(loop) < 0) == (layers <= 9)


def test_ten_equal_layers_turn_twice():
    """An oscillating pair feeds disagreements first, rests, and then a single mode does."""
    signs = [
        homeostasis.feedback_sign(Loop(beta=0.1, gamma=0, D=0, layers=10, coupling=b))
        for b in (1.089, 1.1, 1.109, 1.113)
    ]
    assert signs == [-1, 1, -1, 1]


def test_a_negative_sum_always_means_positive_feedback():
    rng = np.random.default_rng(6)
    negative = 0
    for _ in range(500):
        size = int(rng.integers(2, 8))
        loop = Loop(
            beta=0.1,
            gamma=0,
            D=0,
            layers=size,
            sensitivity=tuple(10 ** rng.uniform(-0.5, 0.5, size)),
            coupling=tuple(rng.uniform(0, 4, size)),
        )
        if homeostasis.feedback_sum(loop) < 0:
            negative += 1
            assert homeostasis.feedback_sign(loop) == 1
            # However small the gain: the disagreement grows.
            assert homeostasis.spectral_radius(replace(loop, beta=1e-4), mean=False) > 1
        assert homeostasis.feedback_sign(replace(loop, centring=0.0)) == -1
    assert 100 < negative < 400


def test_region_holds_what_the_functions_say():
    loop = Loop(beta=1.0, gamma=0.1, D=0.02, layers=3, m_r=0.5)
    region = homeostasis.stability_region(loop, beta=[0.01, 1, 50], coupling=[0.0, 3.0])
    assert region.stable.shape == (3, 2)
    assert region.stable[0, 0]
    assert not region.stable[2, 0]
    np.testing.assert_array_equal(region.positive_feedback, [[False, True]] * 3)
    again = homeostasis.spectral_radius(replace(loop, coupling=3.0), mean=False)
    assert region.spectral_radius[1, 1] == again


@pytest.mark.parametrize("ticks", [1, 8])
@pytest.mark.parametrize("steps", [15, 60])
def test_recommended_gains_keep_their_promise(ticks, steps):
    loop = homeostasis.recommend(
        5, steps=steps, sensitivity=(1, 1.5, 2, 1.2, 1), coupling=0.3, ticks=ticks, left=0.2
    )
    assert homeostasis.is_stable(loop)
    assert homeostasis.settling_time(loop) <= steps
    assert homeostasis.remaining_disagreement(loop) <= 0.2 * (1 + 1e-9)
    for c in (0.0, homeostasis.steepest_state(loop)):
        assert homeostasis.overshoot(loop, c) <= 0.01


def test_the_actuator_is_nowhere_steeper():
    loop = Loop(beta=1, gamma=1, D=0, layers=1, alpha=0.6, kappa=2.0)
    steepest = loop.actuator(np.array(homeostasis.steepest_state(loop)))
    assert steepest >= loop.actuator(np.linspace(-3, 3, 2001)).max()
    assert steepest == pytest.approx(2 * 2.0 * (1 - np.sqrt(1 - 0.36)) / 0.6)


def test_recommend_refuses_what_cannot_be():
    with pytest.raises(InputError, match="feedback is positive"):
        homeostasis.recommend(4, coupling=2.0)
    with pytest.raises(InputError, match="fastest"):
        homeostasis.recommend(4, steps=0.5)
    assert homeostasis.recommend(4, coupling=2.0, centring=0.0, steps=200).centring == 0


@pytest.mark.parametrize(
    "change",
    [{"layers": 0}, {"ticks": 1.5}, {"m_r": 0}, {"alpha": 1}, {"sensitivity": (1.0, 2.0)}],
)
def test_impossible_loops_are_refused(change):
    with pytest.raises(InputError, match=f"Loop.{next(iter(change))}"):
        Loop(**{"beta": 1, "gamma": 0.1, "D": 0, "layers": 3, **change})
