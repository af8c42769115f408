"""Simulated days: energy is accounted for, outages are counted, schedules are what they say."""

from dataclasses import replace

import numpy as np
import pytest

from neurosim.energy.governor import fixed
from neurosim.energy.operating_points import Setting
from neurosim.energy.wear import Battery, Outcomes, live, schedule
from neurosim.errors import InputError
from neurosim.readout import NEVER

ONE = Setting("a", 1.0, 0.75, 0.0, 200e-6)
GROUPS = np.repeat([1, 2, -1], 40)


@pytest.fixture
def outcomes(rng):
    correct = rng.random(120) < 0.75
    return {("a", 1.0, NEVER): Outcomes(correct, np.full(120, 200e-6), resting_w=100e-6)}


def test_a_schedule_works_its_hours_with_one_person_a_bout():
    days = schedule(GROUPS, Battery(1.0), days=10, active_hours=6, seed=1)
    assert days.windows.shape == (1440, 234)
    working = days.windows[:, 0] >= 0
    assert working.sum() == 10 * 6 * 6
    assert days.asked == 10 * 6 * 6 * 234
    hours = np.arange(1440) % 144 / 6
    assert hours[working].min() >= 7
    assert hours[working].max() < 22
    for windows in days.windows[working]:
        assert (windows >= 0).all()
        assert len(set(GROUPS[windows])) == 1
        assert GROUPS[windows[0]] > 0  # left out
        assert (windows % 2 == 0).all()  # every other one of overlapping windows
    again = schedule(GROUPS, Battery(1.0), days=10, active_hours=6, seed=1)
    np.testing.assert_array_equal(days.windows, again.windows)


def test_the_harvest_has_its_mean_and_comes_by_day():
    battery = Battery(1.0, harvest_w=50e-6, weather=0.5)
    days = schedule(GROUPS, battery, days=400, seed=2)
    by_day = days.harvest_w.reshape(400, 144)
    # Uniform in 0.5..1.5 times the mean: standard error 0.29 / 20; four of them.
    assert by_day.mean() == pytest.approx(50e-6, rel=0.06)
    assert 0.5 * 50e-6 <= by_day.mean(axis=1).min() < by_day.mean(axis=1).max() <= 1.5 * 50e-6
    assert not by_day[:, :42].any()
    assert not by_day[:, 114:].any()


def test_a_full_battery_lasts_as_long_as_its_energy(outcomes):
    battery = Battery(20.0, self_discharge=0.0)
    days = schedule(GROUPS, battery, days=4, active_hours=0, seed=0)
    life = live(fixed(ONE), outcomes, battery, days)
    assert life.lifetime_days == pytest.approx(20.0 / 100e-6 / 86400)
    assert days.asked == life.failures == 0
    assert np.isnan(life.accuracy)
    assert life.energy_per_correct_j == float("inf")
    leaking = replace(battery, self_discharge=0.2)
    assert live(fixed(ONE), outcomes, leaking, days).lifetime_days < life.lifetime_days - 0.1


def test_energy_and_decisions_are_accounted_for(outcomes):
    battery = Battery(1000.0, harvest_w=30e-6, self_discharge=0.0)
    days = schedule(GROUPS, battery, days=3, active_hours=6, seed=3)
    life = live(fixed(ONE), outcomes, battery, days)
    correct = outcomes["a", 1.0, NEVER].correct
    expected = sum(correct[w].sum() for w in days.windows if w[0] >= 0)
    assert life.correct_share == pytest.approx(expected / days.asked)
    assert life.accuracy == life.correct_share
    assert life.failures == life.changes == 0
    assert life.lifetime_days == 3
    spent = 3 * 3600 * (6 * 200e-6 + 18 * 100e-6)
    assert life.energy_per_correct_j == pytest.approx(spent / expected)
    # Not more than full, and else what came less what went.
    assert life.charge.max() <= 1
    for day in range(1, 3):
        night = slice(day * 144, day * 144 + 42)
        fall = -np.diff(life.charge[night]) * 1000.0
        np.testing.assert_allclose(fall, 600 * 100e-6, rtol=1e-9)


def test_an_outage_misses_decisions_until_the_harvest_restarts_it(outcomes):
    battery = Battery(3.0, harvest_w=70e-6, weather=0.0, self_discharge=0.0, restart=0.1)
    days = schedule(GROUPS, battery, days=5, active_hours=6, seed=4)
    life = live(fixed(ONE), outcomes, battery, days)
    assert 0 < life.failures < days.asked
    assert life.lifetime_days < 1
    out = np.isnan(life.threshold)
    assert out.any()
    assert not out.all()
    # It comes back each day, and not before the restart level.
    back = np.flatnonzero(out[:-1] & ~out[1:])
    assert len(back) >= 4
    assert (life.charge[back] >= 0.1).all()
    assert life.correct_share < life.accuracy
    assert 0.6 < life.accuracy < 0.9


def test_a_policy_sees_drift_and_its_changes_are_counted(outcomes):
    seen = []
    two = replace(ONE, power_w=100e-6)  # the table says half of what it takes

    def policy(state):
        seen.append(state)
        return two

    days = schedule(GROUPS, Battery(1000.0), days=2, active_hours=12, seed=5)
    live(policy, outcomes, Battery(1000.0), days)
    assert seen[0].drift == 1
    assert seen[-1].drift == pytest.approx(2, rel=1e-3)
    assert seen[0].remaining_s == 2 * 86400
    assert seen[-1].remaining_s == 600
    turns = iter(range(1000))
    both = {**outcomes, ("a", 2.0, NEVER): outcomes["a", 1.0, NEVER]}
    life = live(
        lambda _: replace(ONE, threshold=1.0 + next(turns) % 2), both, Battery(1000.0), days
    )
    assert life.changes == len(days.windows) - 1


def test_bad_days_are_refused(outcomes):
    battery = Battery(1.0)
    for bad in (
        lambda: schedule(GROUPS, battery, days=0),
        lambda: schedule(GROUPS, battery, days=1, active_hours=16),
        lambda: schedule(np.full(5, -1), battery, days=1),
        lambda: Battery(0.0),
        lambda: Battery(1.0, self_discharge=2.0),
        lambda: live(
            fixed(replace(ONE, threshold=3.0)), outcomes, battery, schedule(GROUPS, battery, days=1)
        ),
    ):
        with pytest.raises(InputError):
            bad()
