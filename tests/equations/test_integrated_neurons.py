"""Neurons without a closed form against an independent integration of their equations."""

from __future__ import annotations

import numpy as np
import pytest
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


# Naud, Marcille, Clopath and Gerstner, Firing patterns in the adaptive exponential
# integrate-and-fire model, Biol Cybern 99:335, 2008, doi:10.1007/s00422-008-0264-7, table 1: C,
# g_L, E_L, V_T, Delta_T, a, tau_w, b, V_r, I. Spikes in 0.6 s of an independent integration by
# Euler's rule, whose steps shrink in the upstroke (at most 5 us, v at most 1 % of Delta_T).
FIRING_PATTERNS = {
    "tonic": ((200, 10, -70, -50, 2, 2, 30, 0, -58, 500), 62),
    "adaptation": ((200, 12, -70, -50, 2, 2, 300, 60, -58, 500), 12),
    "initial burst": ((130, 18, -58, -50, 2, 4, 150, 120, -50, 400), 12),
    "regular bursting": ((200, 10, -58, -50, 2, 2, 120, 100, -46, 210), 11),
    "delayed accelerating": ((200, 12, -70, -50, 2, -10, 300, 0, -58, 300), 46),
    "delayed regular bursting": ((100, 10, -65, -50, 2, -10, 90, 30, -47, 110), 32),
    "transient": ((100, 10, -65, -50, 2, 10, 90, 100, -47, 180), 1),
    "irregular": ((100, 12, -60, -50, 2, -11, 130, 30, -48, 160), 33),
}


@pytest.mark.parametrize("cutoff", [20.0, 50.0, 200.0])
@pytest.mark.parametrize(("composed", "dt"), [(False, 2e-5), (True, 2e-5), (False, 2e-6)])
def test_adex_fires_in_the_eight_published_patterns(
    cutoff: float, composed: bool, dt: float
) -> None:
    """All spikes at 2 us. At 20 us each is late by up to a step, the tonic neuron's last by 62.

    The irregular pattern amplifies that: it has 32 or 33 spikes in the independent integration too
    where its current changes by 1e-4 of itself.
    """
    model = equations.get("adex")
    if composed:
        model = model + equations.get("fixed-threshold")
    names = ("C", "g_L", "E_L", "theta_0", "Delta_T", "a", "tau_w", "b", "V_r")
    table = np.array([values for values, _ in FIRING_PATTERNS.values()], dtype=float).T
    result = simulate(
        model,
        n=len(FIRING_PATTERNS),
        duration=0.6,
        dt=dt,
        parameters={**dict(zip(names, table, strict=False)), "cutoff": cutoff},
        inputs={"I": table[-1] * 1e-3},
    )
    lag = result.counts() - [spikes for _, spikes in FIRING_PATTERNS.values()]
    assert not lag[:-1].any()
    assert abs(lag[-1]) <= (1 if dt > 2e-6 else 0)


@pytest.mark.parametrize("target", ["library", "numpy"])
def test_where_adex_is_cut_and_how_sharp_its_onset_is_do_not_matter(target: str) -> None:
    cutoff = np.array([10.0, 30.0, 50.0, 70.0, 50.0, 10.0])
    onset = np.array([2.0, 2.0, 2.0, 2.0, 0.1, 0.01])
    result = simulate(
        "adex",
        n=6,
        duration=0.5,
        parameters={"cutoff": cutoff, "Delta_T": onset},
        inputs={"I": 1.0},
        record=("w_ad", "v"),
        target=target,
    )
    # The independent integration above: 17 spikes and w_ad up to 0.428 nA for Delta_T = 2 mV, 18
    # spikes and up to 0.44 nA for sharper onsets.
    assert (result.counts()[:4] == 17).all()
    np.testing.assert_allclose(result.traces["w_ad"][:, :4].max(axis=0), 0.428e-9, rtol=0.01)
    assert (np.abs(result.counts()[4:] - 18) <= 1).all()
    assert result.traces["w_ad"].max() < 0.5e-9
    assert (result.traces["v"].max(axis=0) <= (-50.4 + cutoff) * 1e-3).all()


def test_what_follows_an_izhikevich_neuron_does_not_follow_its_leap() -> None:
    values = {"I": 1.0, "a": 0.5, "b": 10.0, "d": 0.0, "V_peak": 200.0, "k": 2.0}
    fine, coarse = (
        simulate("izhikevich", duration=0.3, dt=dt, parameters=values, record=("u",))
        for dt in (1e-5, 5e-4)
    )
    assert len(fine.spike_steps) > 50
    # u moves by up to a (b (V_peak - E_L) - u) dt = 0.65 nA in the coarse step of a spike.
    assert coarse.traces["u"].max() < fine.traces["u"].max() + 0.65e-9


def test_more_m_current_makes_a_hodgkin_huxley_neuron_less_excitable() -> None:
    model = equations.get("hodgkin-huxley") + equations.get("fixed-threshold")
    scale = np.array([0.0001, 1.0, 5.0, 20.0])
    result = simulate(model, n=4, duration=0.5, dt=2e-5, parameters={"I": 0.5, "scale": scale})
    counts = result.counts()
    assert (np.diff(counts) < 0).all()
    assert counts[0] > 20
