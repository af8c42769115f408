"""Latency laws against closed forms, each other and simulated neurons."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from neurosim.analysis.passage import latency
from neurosim.analysis.passage.latency import Stage
from neurosim.errors import InputError

DECISIONS = json.loads(
    (Path(__file__).parents[1] / "reference" / "theory_passage.json").read_text(encoding="utf-8")
)["decisions"]
NEURON = {"mean": 1.1, "std": 0.3, "tau": 0.02}
FIRST, HALF = 1.0, 1.5


def spike_times(
    rng: np.random.Generator, threshold: float, trials: int, dt: float = 2e-5, end: float = 0.4
) -> np.ndarray:
    """First-spike times [s] by exact updates, crossings within a step from the Brownian bridge."""
    mean, std, tau = NEURON.values()
    decay = np.exp(-dt / tau)
    spread, bridge = std * np.sqrt(1 - decay**2), 2 * std**2 / tau * dt
    v, times = np.zeros(trials), np.full(trials, np.inf)
    alive = np.arange(trials)
    for step in range(int(end / dt)):
        after = mean + (v - mean) * decay + spread * rng.standard_normal(v.size)
        gap = np.maximum(threshold - v, 0) * np.maximum(threshold - after, 0)
        hit = rng.random(v.size) < np.exp(-2 * gap / bridge)
        times[alive[hit]] = (step + 0.5) * dt
        alive, v = alive[~hit], after[~hit]
        if not alive.size:
            break
    return times


@pytest.mark.parametrize("row", DECISIONS, ids=lambda row: f"{row['start']}-{row['threshold']}")
def test_mean_decision_time_against_mpmath(row):
    cell = (row["threshold"], 0.0, 1.0, 1.0, row["start"])
    for (neurons, needed), mean in zip(row["groups"], row["means"], strict=True):
        found = latency.mean_time(*cell, neurons=neurons, needed=needed)
        assert found == pytest.approx(mean, rel=1e-6)


def test_noiseless_time_solves_the_membrane_equation():
    theta = np.array([0.5, 1.0, 1.19])
    t = latency.noiseless(theta, 1.2, 0.02, 0.1)
    np.testing.assert_allclose(1.2 + (0.1 - 1.2) * np.exp(-t / 0.02), theta, rtol=1e-13)
    h = 1e-6
    slope = (latency.noiseless(theta + h, 1.2, 0.02) - latency.noiseless(theta - h, 1.2, 0.02)) / (
        2 * h
    )
    np.testing.assert_allclose(latency.noiseless_penalty(theta, 1.2, 0.02), slope, rtol=1e-6)
    assert latency.noiseless(1.2, 1.2, 0.02) == np.inf
    assert latency.noiseless(0.0, 1.2, 0.02, 0.1) == 0
    assert latency.noiseless_penalty(1.3, 1.2, 0.02) == np.inf


def test_little_noise_is_no_noise():
    noisy = latency.mean_time(1.0, 1.5, 0.01, 0.02)
    assert noisy == pytest.approx(float(latency.noiseless(1.0, 1.5, 0.02)), rel=2e-3)


def test_survival_is_binomial_in_the_single_one():
    t = np.array([0.005, 0.02, 0.05])
    single = latency.survival(t, FIRST, **NEURON)
    for n, k in ((1, 1), (7, 1), (7, 3), (7, 7)):
        group = latency.survival(t, FIRST, **NEURON, neurons=n, needed=k)
        np.testing.assert_allclose(group, binom.cdf(k - 1, n, 1 - single), atol=1e-13)


@pytest.mark.parametrize(("neurons", "needed"), [(1, 1), (48, 1), (48, 12), (5, 5)])
def test_quantile_inverts_survival(neurons, needed):
    p = np.array([1e-3, 0.1, 0.5, 0.9, 0.999])
    group = {"neurons": neurons, "needed": needed}
    t = latency.quantile(p, FIRST, **NEURON, **group)
    decided = 1 - latency.survival(t, FIRST, **NEURON, **group)
    # The single law is good to 1e-8 on either of two grids; a population multiplies its error.
    np.testing.assert_allclose(decided, p, rtol=0, atol=2e-8 * neurons)


@pytest.mark.parametrize(("neurons", "needed"), [(1, 1), (10, 1), (10, 4)])
def test_laws_match_simulated_neurons(neurons, needed):
    times = spike_times(np.random.default_rng(1), FIRST, 6000)
    assert np.isfinite(times).all()
    decided = np.sort(times.reshape(-1, neurons), axis=1)[:, needed - 1]
    group = {"neurons": neurons, "needed": needed}
    mean = latency.mean_time(FIRST, **NEURON, **group)
    error = decided.std() / np.sqrt(decided.size)
    assert abs(decided.mean() - mean) < 4 * error
    t = latency.quantile([0.1, 0.5, 0.9], FIRST, **NEURON, **group)
    share = (decided[:, None] <= t).mean(0)
    assert (np.abs(share - [0.1, 0.5, 0.9]) < 4 * np.sqrt(0.25 / decided.size)).all()


def test_the_first_of_many_pays_less_for_a_higher_threshold():
    low_drive = {"mean": 0.7, "std": 0.3, "tau": 0.02}
    factor = [
        latency.quantile(0.5, HALF, **low_drive, neurons=n)
        / latency.quantile(0.5, FIRST, **low_drive, neurons=n)
        for n in (1, 48)
    ]
    assert factor[0] > 2 * factor[1] > 2


def test_one_layer_is_a_population():
    stage = Stage(FIRST, *NEURON.values(), 0.0, 20, 3)
    t = np.linspace(0.001, 0.08, 50)
    alone = latency.survival(t, FIRST, **NEURON, neurons=20, needed=3)
    np.testing.assert_allclose(latency.layered(t, [stage]), alone, atol=1e-6)


def test_layers_add_their_latencies():
    stages = [
        Stage(FIRST, *NEURON.values(), 0.0, 10, 1),
        Stage(1.2, 1.5, 0.3, 0.01, 0.0, 10, 5),
        Stage(0.8, 1.0, 0.4, 0.03, 0.0, 4, 2),
    ]
    t = np.linspace(0, 0.6, 30_001)
    waiting = latency.layered(t, stages, bins=60_000)
    total = sum(latency.mean_time(*s[:5], neurons=s.neurons, needed=s.needed) for s in stages)
    assert np.trapezoid(waiting, t) == pytest.approx(total, rel=1e-5)
    assert waiting[0] == pytest.approx(1)
    assert waiting[-1] < 1e-9
    rng = np.random.default_rng(2)
    draws = sum(
        latency.quantile(rng.random(4000), *s[:5], neurons=s.neurons, needed=s.needed)
        for s in stages
    )
    asked = np.quantile(draws, [0.1, 0.5, 0.9])
    error = 4 * np.sqrt(0.25 / draws.size)
    np.testing.assert_allclose(1 - np.interp(asked, t, waiting), [0.1, 0.5, 0.9], atol=error)


def test_race_of_equals_is_fair_and_takes_the_first_spike():
    t = np.array([0.005, 0.02])
    race = latency.race(t, np.full(4, FIRST), **NEURON)
    np.testing.assert_allclose(race.winner, 0.25, rtol=1e-9)
    np.testing.assert_allclose(
        1 - race.decided, latency.survival(t, FIRST, **NEURON, neurons=4), atol=1e-12
    )
    assert race.mean_time == pytest.approx(
        float(latency.mean_time(FIRST, **NEURON, neurons=4)), rel=1e-6
    )


def test_race_matches_simulation():
    rng = np.random.default_rng(3)
    drives = np.array([0.9, 1.1, 0.8])
    race = latency.race(0.02, FIRST, drives, 0.3, 0.02)
    times = latency.quantile(rng.random((3, 8000)), FIRST, drives[:, None], 0.3, 0.02)
    wins = np.bincount(times.argmin(0), minlength=3) / 8000
    assert race.winner.sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(race.winner, wins, atol=4 * np.sqrt(0.25 / 8000))
    first = times.min(0)
    assert abs(race.mean_time - first.mean()) < 4 * first.std() / np.sqrt(8000)
    assert abs(race.decided - (first <= 0.02).mean()) < 4 * np.sqrt(0.25 / 8000)


def test_elements_without_a_law_are_nan_and_nonsense_is_refused():
    mean = latency.mean_time([1.0, 1.0, -1.0], 1.1, [0.3, -0.1, 0.3], 0.02, needed=2, neurons=3)
    assert np.isfinite(mean[0])
    assert np.isnan(mean[1:]).all()
    with pytest.raises(InputError, match="needed is 4"):
        latency.survival(0.1, FIRST, **NEURON, neurons=3, needed=4)
    with pytest.raises(InputError, match="stages is empty"):
        latency.layered(0.1, [])
