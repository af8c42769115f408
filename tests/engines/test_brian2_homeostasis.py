"""The homeostat on graphs: against theory, against its own limit, and coupled to spiking layers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurosim.analysis.homeostasis import Loop, trajectory
from neurosim.engines.brian2 import graphs, homeostasis, simulate
from neurosim.errors import InputError
from tests import nets

RATES = np.array([0.02, 0.3, 0.1, 0.05])
GAINS = {"tick": 10.0, "momentum": 0.3, "beta": 0.2, "gamma": 0.1, "D": 0.15, "kappa": 0.8}


def test_the_map_is_the_published_update() -> None:
    """Against an independent implementation of AHSAR, sections 4.1 and 4.2."""
    ours = homeostasis.respond(
        RATES, graphs.chain(4), dt=10e-3, duration=0.6, parameters=GAINS | {"c_0": 0.2}
    )
    loop = Loop(
        beta=0.2,
        gamma=0.1,
        D=0.15,
        layers=4,
        kappa=0.8,
        m_r=0.3,
        c0=0.2,
        sensitivity=0.0,
    )
    sensed = np.log(1e-4 + (RATES - 1e-4) * (1 - 0.7 ** np.arange(1, 61)[:, None]))
    np.testing.assert_allclose(np.log(ours.sensed), sensed, rtol=1e-12)
    c = np.full(4, 0.2)
    for tick in range(60):
        c = c + loop.reaction(sensed[tick]) - 0.1 * (c - 0.2) - 0.15 * _laplacian(c)
        np.testing.assert_allclose(ours.c[tick], c, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.scale[tick], loop.scale(c), rtol=1e-9)
    assert np.ptp(c) > 0.5


def _laplacian(c: np.ndarray) -> np.ndarray:
    padded = np.pad(c, 1, mode="edge")
    return 2 * c - padded[:-2] - padded[2:]


def test_the_loop_with_constant_rates_ends_where_theory_says() -> None:
    ours = homeostasis.respond(RATES, graphs.chain(4), dt=10e-3, duration=3.0, parameters=GAINS)
    theory = trajectory(
        Loop(beta=0.2, gamma=0.1, D=0.15, layers=4, kappa=0.8, sensitivity=0.0), np.log(RATES), 300
    )
    np.testing.assert_allclose(ours.c[-1], theory.c[-1], rtol=1e-9)


@pytest.mark.parametrize(
    "graph",
    [
        graphs.chain(6),
        graphs.ring(6),
        graphs.grid(2, 3),
        graphs.connectivity(nets.network(np.random.default_rng(0), sizes=(6, 10, 9, 8, 7, 6, 5))),
    ],
    ids=["chain", "ring", "grid", "connectivity"],
)
def test_on_any_graph_the_state_settles_where_its_laplacian_says(graph: np.ndarray) -> None:
    rates = np.array([0.02, 0.3, 0.1, 0.05, 0.4, 0.01])
    result = homeostasis.respond(
        rates, graph, dt=10e-3, duration=4.0, parameters=GAINS | {"c_0": 0.1}
    )
    laplacian = np.diag(graph.sum(axis=1)) - graph
    logs = np.log(rates)
    expected = np.linalg.solve(
        0.1 * np.eye(6) + 0.15 * laplacian, 0.2 * (logs - logs.mean()) + 0.1 * 0.1
    )
    np.testing.assert_allclose(result.c[-1], expected, rtol=1e-8)
    without = homeostasis.respond(rates, 0 * graph, dt=10e-3, duration=4.0, parameters=GAINS)
    assert np.ptp(result.c[-1]) < 0.8 * np.ptp(without.c[-1])  # diffusion evens out


def _ode(t_end: float) -> np.ndarray:
    """Integrate the homeostat's differential equations on a chain with scipy."""

    def derivative(_, y):
        sensed, c = y[:4], y[4:]
        logs = np.log(sensed)
        push = 0.2 * (logs - logs.mean()) - 0.1 * c - 0.15 * _laplacian(c)
        return np.concatenate((0.3 * (RATES - sensed), push)) / 10e-3

    start = np.concatenate((np.full(4, 1e-4), np.zeros(4)))
    return solve_ivp(derivative, (0, t_end), start, rtol=1e-11, atol=1e-13).y[4:, -1]


@pytest.mark.parametrize("form", ["map", "flow"])
def test_map_and_flow_have_the_same_limit_at_first_order(form: str) -> None:
    t_end, expected = 0.08, _ode(0.08)
    steps = 10e-3 / 2.0 ** np.arange(2, 7)
    errors = []
    for dt in steps:
        run = homeostasis.respond(
            RATES, graphs.chain(4), dt=dt, duration=t_end, form=form, parameters=GAINS
        )
        errors.append(np.abs(run.c[-1] - expected).max())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert 0.9 < order < 1.15  # both step the coupling between units with Euler
    assert errors[-1] < 0.02 * np.abs(expected).max()


def test_the_moving_average_has_its_time_constant() -> None:
    result = homeostasis.respond(
        np.full(3, 0.25), graphs.ring(3), dt=1e-4, duration=0.1, form="flow", parameters=GAINS
    )
    expected = 0.25 + (1e-4 - 0.25) * np.exp(-0.3 * result.time / 10e-3)
    np.testing.assert_allclose(result.sensed[:, 0], expected, rtol=1e-9)


def test_the_state_stops_where_the_actuator_is_saturated() -> None:
    gains = {"gamma": 0.0, "D": 0.0, "beta": 1.0, "windup": 2.0}
    for form in ("map", "flow"):
        pushed = np.repeat([[0.9, 1e-3], [1e-3, 0.9]], 40, axis=0)
        run = homeostasis.respond(
            pushed, graphs.chain(2), dt=10e-3, form=form, parameters=gains | {"momentum": 1.0}
        )
        assert np.abs(run.c).max() <= 2.0 + 7.0 * (form == "flow")  # at most a step beyond
        assert run.c[39, 0] >= 2.0
        assert run.c[43, 0] < run.c[39, 0] - 1  # no winding up: it turns at once


def test_the_loop_on_spiking_layers_brings_their_rates_together() -> None:
    options = {
        "duration": 4.0,
        "neuron": "noisy-lif",
        "neuron_parameters": {"mu": np.array([-56.0, -53.0, -50.0]), "std": 4.0},
        "parameters": {"tick": 20.0, "momentum": 0.2, "beta": 0.1, "gamma": 0.01, "D": 0.02},
        "seed": 3,
    }
    free = homeostasis.regulate(3, 40, graphs.chain(3), closed=False, **options)
    loop = homeostasis.regulate(3, 40, graphs.chain(3), **options)
    assert free.counts.min() > 300
    spread = [np.ptp(np.log(run.sensed[-50:].mean(axis=0))) for run in (free, loop)]
    assert spread[0] > 1.0
    assert spread[1] < 0.5 * spread[0]
    scale = loop.scale[-1]
    assert scale[0] < 1 < scale[2]
    assert (np.diff(scale) > 0).all()
    # What the units were told is what the neurons fired.
    np.testing.assert_allclose(loop.rate[1:].sum(axis=0) * 40, loop.counts, atol=0.02 * 40 * 40)
    again = homeostasis.regulate(3, 40, graphs.chain(3), **options)
    np.testing.assert_array_equal(again.c, loop.c)


def test_the_global_gain_answers_energy_and_progress() -> None:
    epochs = 30
    falling = np.concatenate((0.9 ** np.arange(15), np.full(15, 0.9**14)))
    rising = np.linspace(0.1, 0.4, epochs)
    result = simulate(
        "global-gain",
        n=3,
        duration=epochs,
        dt=1.0,
        inputs={
            "loss": np.stack([np.ones(epochs), falling, np.ones(epochs)], 1),
            "energy": np.stack([rising, rising[::-1], np.full(epochs, 0.1)], 1),
        },
        record=("gain", "progress"),
    )
    gain = result.traces["gain"]
    assert gain[-1, 0] > 1.2  # stalled while the energy is above its trend
    assert gain[14, 1] < 0.9  # progress while it is below
    np.testing.assert_allclose(gain[:, 2], 1)  # energy at its trend
    change = np.abs(np.diff(np.log(gain), axis=0))
    assert change.max() <= 0.05 * (1 + 1e-9)
    assert change.max() > 0.03


@pytest.mark.parametrize(
    ("graph", "rates", "message"),
    [
        (np.ones((2, 3)), RATES[:2], "square"),
        (np.array([[0, 1], [0, 0]]), RATES[:2], "symmetric"),
        (-graphs.chain(2), RATES[:2], "nowhere negative"),
        (graphs.chain(3), RATES, "rates have shape"),
    ],
)
def test_graphs_and_rates_that_do_not_fit_are_refused(graph, rates, message: str) -> None:
    with pytest.raises(InputError, match=message):
        homeostasis.respond(rates, graph, dt=1e-2, duration=0.1)


def test_unknown_forms_and_parameters_are_refused() -> None:
    with pytest.raises(InputError, match="form 'wave'"):
        homeostasis.respond(RATES, graphs.chain(4), dt=1e-2, duration=0.1, form="wave")
    with pytest.raises(InputError, match="no parameter 'zeta'"):
        homeostasis.respond(RATES, graphs.chain(4), dt=1e-2, duration=0.1, parameters={"zeta": 1})
    with pytest.raises(InputError, match="2 units for 3 layers"):
        homeostasis.regulate(3, 4, graphs.chain(2), duration=0.1)
