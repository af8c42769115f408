"""Neurons without a closed form against an independent integration of their equations."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from neurosim import equations
from neurosim.engines.brian2 import simulate

DT = 1e-5


def _spike_times(derivative, start, crossing, reset, duration: float) -> list[float]:
    """Integrate with scipy from event to event; times in ms."""
    crossing.terminal, crossing.direction = True, 1
    times, t, state = [], 0.0, np.asarray(start, dtype=float)
    while t < duration:
        run = solve_ivp(
            derivative, (t, duration), state, events=crossing, rtol=1e-9, atol=1e-9, method="LSODA"
        )
        if not len(run.t_events[0]):
            break
        t, state = run.t_events[0][0], reset(run.y_events[0][0])
        times.append(t)
    return times


def test_izhikevich_equals_an_independent_integration() -> None:
    names = ("C", "k", "E_L", "theta_0", "a", "b", "V_r", "d", "V_peak")
    declared = equations.get("izhikevich").parameters
    c, k, rest, theta, a, b, reset, d, peak = (declared[name].default for name in names)
    current = 200.0  # pA

    def derivative(_, y):
        v, u = y
        return [(k * (v - rest) * (v - theta) - u + current) / c, a * (b * (v - rest) - u)]

    expected = _spike_times(
        derivative, [rest, 0.0], lambda _, y: y[0] - peak, lambda y: [reset, y[1] + d], 300.0
    )
    result = simulate("izhikevich", duration=0.3, dt=DT, parameters={"I": current * 1e-3})
    assert len(expected) > 5
    # A spike is seen up to a step late, and lateness adds up over the spikes.
    lag = result.spike_times * 1e3 - expected
    assert (np.abs(lag) < 0.01 * 1.5 * np.arange(1, len(expected) + 1)).all()


def _hodgkin_huxley(current: float, duration: float) -> list[float]:
    """Spike times in ms of the declared parameters, kinetics written out independently."""

    def rates(v: float) -> list[float]:
        x = v + 56.2
        return [
            0.32 * (13 - x) / (np.exp((13 - x) / 4) - 1),
            0.28 * (x - 40) / (np.exp((x - 40) / 5) - 1),
            0.128 * np.exp((17 - x) / 18),
            4 / (1 + np.exp((40 - x) / 5)),
            0.032 * (15 - x) / (np.exp((15 - x) / 5) - 1),
            0.5 * np.exp((10 - x) / 40),
        ]

    def slow(v: float) -> tuple[float, float]:
        bottom = 3.3 * np.exp((v + 35) / 20) + np.exp(-(v + 35) / 20)
        return 1 / (1 + np.exp(-(v + 35) / 10)), 608.0 / bottom

    def derivative(_, y):
        v, m, h, n, p = y
        am, bm, ah, bh, an, bn = rates(v)
        p_inf, tau_p = slow(v)
        total = 4.1 * (-70.3 - v) + 11200 * m**3 * h * (50 - v) + 1200 * n**4 * (-90 - v)
        total += 15 * p * (-90 - v) + current
        gates = [am * (1 - m) - bm * m, ah * (1 - h) - bh * h, an * (1 - n) - bn * n]
        return [total / 200, *gates, (p_inf - p) / tau_p]

    am, bm, ah, bh, an, bn = rates(-70.3)
    start = [-70.3, am / (am + bm), ah / (ah + bh), an / (an + bn), slow(-70.3)[0]]

    def passed(_, y):
        return y[0] + 20

    passed.direction = 1
    run = solve_ivp(
        derivative, (0, duration), start, events=passed, rtol=1e-8, atol=1e-8, method="LSODA"
    )
    return list(run.t_events[0])


def test_hodgkin_huxley_has_the_rheobase_and_rate_of_an_independent_integration() -> None:
    currents = np.array([0.05, 0.09, 0.1, 0.3, 0.5, 1.0])
    result = simulate(
        "hodgkin-huxley", n=len(currents), duration=0.5, dt=DT, parameters={"I": currents}
    )
    expected = [_hodgkin_huxley(1e3 * current, 500.0) for current in currents]
    counts = np.array([len(times) for times in expected])
    assert counts[0] == 0  # below rheobase
    assert counts[-1] > 20
    np.testing.assert_allclose(result.counts(), counts, atol=1)  # one spike at the very end
    first = [times[0] for times in expected if times]
    ours = [result.times_of(k)[0] * 1e3 for k in np.flatnonzero(counts)]
    np.testing.assert_allclose(ours, first, atol=0.2)  # ms: a first-order integrator at 0.01 ms


def test_more_m_current_makes_a_hodgkin_huxley_neuron_less_excitable() -> None:
    model = equations.get("hodgkin-huxley") + equations.get("fixed-threshold")
    scale = np.array([0.0001, 1.0, 5.0, 20.0])
    result = simulate(model, n=4, duration=0.5, dt=2e-5, parameters={"I": 0.5, "scale": scale})
    counts = result.counts()
    assert (np.diff(counts) < 0).all()
    assert counts[0] > 20
