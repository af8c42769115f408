"""Populations that hear each other under a homeostat: elasticities and stability of the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from neurosim.analysis import firing_rate, homeostasis
from neurosim.analysis.homeostasis import Loop
from neurosim.analysis.homeostasis.loop import chain_modes
from neurosim.errors import InputError
from tests.analysis.test_homeostat import full_map

CELL = {
    "reset": np.array([10.0, 11.0]),
    "tau": np.array([0.02, 0.015]),
    "refractory": 0.002,
    "external_mean": np.array([30.0, 26.0]),
    "external_variance": np.array([12.0, 9.0]),
}
WEIGHT, DEGREE = [[0.2, -1.2], [0.25, -1.1]], [[200, 50], [180, 60]]
THRESHOLD, REST = np.array([20.0, 19.0]), np.array([0.0, -2.0])
START = (21.0, 25.3)
BALANCED = homeostasis.coupling_from_populations(
    firing_rate.elasticities(WEIGHT, DEGREE, threshold=THRESHOLD, rest=REST, **CELL)
)


def rates(scales: np.ndarray, start: ArrayLike = START) -> np.ndarray:
    """Log rates of the whole network at threshold scales, (2,)."""
    threshold = REST + scales * (THRESHOLD - REST)
    point = firing_rate.self_consistent(WEIGHT, DEGREE, threshold=threshold, start=start, **CELL)
    assert point.stable
    return np.log(point.rate)


def following() -> Callable[[np.ndarray], np.ndarray]:
    """The same, each solved from the rates of the last call: a fraction of the time."""
    last = np.log(START)

    def solved(scales: np.ndarray) -> np.ndarray:
        nonlocal last
        last = rates(scales, np.exp(last))
        return last

    return solved


def loop_of(coupling: homeostasis.Coupling, **gains) -> Loop:
    return Loop(
        **{"beta": 0.5, "gamma": 0.01, "D": 0.02, "layers": 2, "m_r": 0.6, **gains},
        sensitivity=tuple(coupling.sensitivity),
        coupling=coupling.coupling,
    )


def test_answer_to_thresholds_is_the_derivative_of_the_self_consistent_rates():
    h = 1e-4  # fourth order: truncation about h^4, and the fixed points are good to 1e-13 / h
    columns = []
    for one in np.eye(2):
        moved = {k: rates(np.exp(k * h * one)) for k in (-2, -1, 1, 2)}
        columns.append((8 * (moved[1] - moved[-1]) - moved[2] + moved[-2]) / (12 * h))
    loop = loop_of(BALANCED)
    answer = -np.linalg.inv(np.eye(2) - loop.J) * loop.a
    np.testing.assert_allclose(np.array(columns).T, answer, rtol=1e-6)
    # An inhibition-stabilised network: inhibitory neurons fire more when their threshold rises.
    assert loop.J[0, 0] > 1
    assert answer[1, 1] > 0 > answer[0, 0]


@pytest.mark.parametrize("centring", [0.0, 1.0])
def test_the_loop_with_the_whole_network_decays_by_the_spectral_radius(centring):
    """The nonlinear loop, its rates solved anew at each step, from a small disagreement."""
    loop = loop_of(BALANCED, centring=centring, beta=0.3)
    open_loop = rates(np.ones(2))
    loop = replace(loop, reference=float(open_loop.mean()))
    # rest: the state at which nothing pushes, found by running the loop until it stands still
    plant = following()
    rest = homeostasis.trajectory(loop, open_loop, 400, plant=plant)
    start = rest.c[-1] + 1e-4 * np.array([1.0, -1.0])
    run = homeostasis.trajectory(loop, open_loop, 60, plant=plant, start=start)
    gone = np.abs(run.c - rest.c[-1]).max(1)
    assert np.ptp(rest.c[-2:], axis=0).max() < 1e-9
    radius = homeostasis.spectral_radius(loop_at(loop, rest), rest.c[-1], mean=centring < 1)
    turns = slice(10, 40)
    slope = np.polyfit(np.arange(60)[turns], np.log(gone[turns]), 1)[0]
    assert np.exp(slope) == pytest.approx(radius, rel=0.01)  # other modes, and an oscillation


def loop_at(loop: Loop, run: homeostasis.Trajectory) -> Loop:
    """The loop with the elasticities of the network at the end of a run."""
    threshold = REST + run.scale[-1] * (THRESHOLD - REST)
    there = homeostasis.coupling_from_populations(
        firing_rate.elasticities(WEIGHT, DEGREE, threshold=threshold, rest=REST, **CELL)
    )
    return replace(loop, sensitivity=tuple(there.sensitivity), coupling=there.coupling)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_the_whole_network_stops_settling_at_the_boundary(factor):
    loop = loop_of(BALANCED, gamma=0.0, D=0.0, centring=0.0)
    plant = following()
    open_loop = plant(np.ones(2))
    loop = replace(loop, beta=factor * homeostasis.critical_gain(loop))
    assert homeostasis.is_stable(loop) == (factor < 1)

    def held(scales: np.ndarray) -> np.ndarray:
        return plant(scales) - open_loop  # each population is held to its own rate

    run = homeostasis.trajectory(loop, np.zeros(2), 150, plant=held, start=np.full(2, 1e-4))
    early, late = np.abs(run.c[0]).max(), np.abs(run.c[-20:]).max()
    assert (late < 0.2 * early) if factor < 1 else (late > 5 * early)


def test_without_recurrence_it_is_the_chain():
    """Layer by layer: b lies below the diagonal, and the numbers give the same loop."""
    weight = np.diag([0.6, 0.5], -1)
    answer = homeostasis.coupling_from_populations(
        firing_rate.elasticities(
            weight,
            400,
            external_mean=[14.0, 0.0, 0.0],
            external_variance=[9.0, 0.0, 0.0],
            threshold=[18.0, 20.0, 20.0],
            reset=0.0,
            tau=0.02,
            start=30.0,
        )
    )
    a, J = answer
    assert not (J - np.diag(np.diag(J, -1), -1)).any()
    # A reset to 0 leaves ratios only: b = a - d ln r/d ln std / 2 (white noise)
    point = firing_rate.elasticities(
        weight,
        400,
        external_mean=[14.0, 0.0, 0.0],
        external_variance=[9.0, 0.0, 0.0],
        threshold=[18.0, 20.0, 20.0],
        reset=0.0,
        tau=0.02,
        start=30.0,
    ).point
    slope = firing_rate.log_gradient(point.mean, point.std, threshold=20.0, reset=0.0, tau=0.02)
    expected = a - point.std * slope.std / 2
    np.testing.assert_allclose(np.diag(J, -1), expected[1:], rtol=1e-10)
    matrix = Loop(0.3, 0.05, 0.02, 3, m_r=0.5, sensitivity=tuple(a), coupling=J)
    chain = replace(matrix, coupling=(0.0, *np.diag(J, -1)))
    np.testing.assert_array_equal(chain.J, matrix.J)
    np.testing.assert_array_equal(homeostasis.linear_map(chain), homeostasis.linear_map(matrix))
    assert homeostasis.feedback_sum(chain) == homeostasis.feedback_sum(matrix)
    rest = [homeostasis.steady_state(loop, [0.1, -0.2, 0.3]).c for loop in (chain, matrix)]
    np.testing.assert_array_equal(*rest)


def test_coupled_populations_match_eigenvalues_of_the_map_in_their_own_space():
    rng = np.random.default_rng(8)
    signs = []
    for _ in range(600):
        size = int(rng.integers(1, 6))
        J = rng.normal(0, 1.5, (size, size))
        if np.linalg.eigvals(J).real.max() >= 0.99:
            J -= np.linalg.eigvals(J).real.max() * np.eye(size)
        loop = Loop(
            beta=float(10 ** rng.uniform(-2, 1)),
            gamma=float(rng.uniform(0, 0.5)),
            D=float(rng.uniform(0, 0.2)),
            layers=size,
            m_r=float(rng.uniform(0.05, 1)),
            ticks=int(rng.integers(1, 5)),
            sensitivity=tuple(rng.uniform(0.5, 3, size)),
            coupling=J,
            centring=float(rng.integers(2)),
        )
        radius = np.abs(np.linalg.eigvals(full_map(loop))).max()
        assert homeostasis.spectral_radius(loop) == pytest.approx(radius, rel=1e-6)
        if homeostasis.feedback_sum(loop) < 0 and loop.centring == 1 and size > 1:
            signs.append(homeostasis.feedback_sign(loop))
    assert set(signs) == {1}
    assert len(signs) > 10


def test_map_of_coupled_populations_is_the_derivative_of_the_loop():
    loop = loop_of(BALANCED, ticks=2)
    plant = loop.plant(np.zeros(2))
    h = 1e-5
    slope = np.array([plant(loop.scale(h * e)) - plant(loop.scale(-h * e)) for e in np.eye(2)]).T
    basis = chain_modes(2)[1]
    np.testing.assert_allclose(
        -basis.T @ (slope / (2 * h)) @ basis, homeostasis.stability.response(loop), rtol=1e-8
    )


def test_critical_gain_is_where_the_radius_is_one():
    loop = loop_of(BALANCED)
    critical = homeostasis.critical_gain(loop)
    for factor in (1 - 1e-6, 1 + 1e-6):
        at = replace(loop, beta=factor * critical)
        assert homeostasis.is_stable(at) == (factor < 1)
    equal = Loop(1.0, 0.1, 0.02, 5, m_r=0.4, ticks=2)  # by Jury's condition, of the fastest mode
    chain = homeostasis.modes(equal)
    bound = ((2 - 0.4) * (1 + chain.carried[1:]) / 0.4 / chain.beta[1:]).min() / 0.5
    assert homeostasis.critical_gain(equal) == pytest.approx(bound, rel=1e-9)
    assert homeostasis.critical_gain(replace(equal, alpha=0.0)) == np.inf
    assert homeostasis.critical_gain(replace(equal, gamma=2.5)) == 0.0


def test_recommended_gains_hold_for_populations():
    own = {"sensitivity": BALANCED.sensitivity, "coupling": BALANCED.coupling, "centring": 0.0}
    with pytest.raises(InputError, match="without oscillating"):
        homeostasis.recommend(2, **own)  # the network answers by a pair that turns: it rings
    loop = homeostasis.recommend(2, **own, steps=40, swing=0.1)
    assert homeostasis.is_stable(loop)
    assert homeostasis.settling_time(loop) <= 40


def test_bad_populations_are_refused():
    with pytest.raises(InputError, match="run away"):
        Loop(1.0, 0.1, 0.0, 2, coupling=[[1.2, 0.0], [0.0, 0.0]])
    with pytest.raises(InputError, match="run away"):
        Loop(1.0, 0.1, 0.0, 2, coupling=[[np.nan, 0.0], [0.0, 0.0]])
    with pytest.raises(InputError, match=r"Loop\.sensitivity"):
        Loop(1.0, 0.1, 0.0, 2, sensitivity=[[1.2, 0.0], [0.0, 0.0]])
    with pytest.raises(InputError, match="silent"):
        homeostasis.coupling_from_populations(
            firing_rate.elasticities(
                [[0.0]],
                1,
                external_mean=-1e3,
                external_variance=1.0,
                threshold=20.0,
                reset=0.0,
                tau=0.02,
            )
        )
