"""Synapses: what a spike does to potential, current and conductance, in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines.brian2 import Spikes, simulate


def _one_spike(steps: int, weight: float) -> Spikes:
    counts = np.zeros((steps, 1), dtype=int)
    counts[0] = 2
    return Spikes(counts, np.array([[weight]]))


def test_a_delta_synapse_moves_the_potential_at_once() -> None:
    result = simulate(
        "lif", duration=0.02, inputs={"receive": _one_spike(200, 3e-3)}, record=("v",)
    )
    expected = -70e-3 + 2 * 3e-3 * np.exp(-result.time / 20e-3)
    np.testing.assert_allclose(result.traces["v"][:, 0], expected, rtol=1e-12)


def test_an_exponential_current_makes_a_difference_of_exponentials() -> None:
    result = simulate(
        "lif-exponential",
        duration=0.05,
        inputs={"receive": _one_spike(500, 0.1e-9)},
        record=("v", "I_syn"),
    )
    t, tau, tau_syn = result.time, 20e-3, 5e-3
    current = 0.2e-9 * np.exp(-t / tau_syn)
    depolarisation = (
        100e6 * 0.2e-9 * tau_syn / (tau - tau_syn) * (np.exp(-t / tau) - np.exp(-t / tau_syn))
    )
    np.testing.assert_allclose(result.traces["I_syn"][:, 0], current, rtol=1e-7)
    np.testing.assert_allclose(result.traces["v"][:, 0] + 70e-3, depolarisation, rtol=1e-6)


def test_conductances_pull_towards_their_reversal_potentials() -> None:
    steps = 2000
    steady = Spikes(np.ones((steps, 1), dtype=int), np.array([[0.02e-9]]))
    result = simulate(
        "lif-conductance",
        duration=0.2,
        inputs={"excite": steady, "inhibit": steady},
        record=("v", "g_e", "g_i"),
    )
    # A spike in each step holds the conductances at w / (1 - exp(-dt/tau)), decayed once.
    g_e, g_i = (0.02e-9 * np.exp(-1e-4 / tau) / (1 - np.exp(-1e-4 / tau)) for tau in (5e-3, 10e-3))
    assert result.traces["g_e"][-1, 0] == pytest.approx(g_e, rel=1e-6)
    assert result.traces["g_i"][-1, 0] == pytest.approx(g_i, rel=1e-6)
    total = 10e-9 + g_e + g_i
    expected = (10e-9 * -70e-3 + g_i * -80e-3) / total
    # Half of a step's decay separates the conductance that v sees from the recorded one.
    assert result.traces["v"][-1, 0] == pytest.approx(expected, rel=2e-3)
