"""Operating points and the governor: optimal choices, no oscillation, no silence."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.energy import operating_points as op
from neurosim.energy.governor import Governor, State, budget_w, fixed, selecting
from neurosim.energy.operating_points import Setting
from neurosim.errors import InputError

settings_of_a_table = st.lists(
    st.builds(
        Setting,
        model=st.sampled_from(["a", "b", "24"]),
        threshold=st.sampled_from([0.6, 1.0, 1.4, 2.0]),
        accuracy=st.floats(0.1, 1.0),
        silent=st.floats(0.0, 0.04),
        power_w=st.floats(1e-5, 1e-3),
        lead=st.sampled_from([op.NEVER, 3.0]),
    ),
    min_size=1,
    max_size=12,
)
budgets = st.lists(st.floats(0, 1.5e-3), min_size=1, max_size=80)


def test_leads_are_numbers_of_spikes():
    assert Setting("a", 1.0, 0.8, 0.0, 3e-4).key == ("a", 1.0, op.NEVER)
    for lead in (0.0, 2.5, -1.0, float("nan")):
        with pytest.raises(InputError, match="lead is a number of spikes from 1"):
            Setting("a", 1.0, 0.8, 0.0, 3e-4, lead)


def table(*rows):
    return tuple(Setting("a", 1.0, accuracy, 0.0, power) for accuracy, power in rows)


@given(settings=settings_of_a_table, power=st.floats(0, 2e-3))
def test_select_is_the_most_accurate_that_is_affordable(settings, power):
    chosen = settings[op.select(settings, power)]
    affordable = [s for s in settings if s.power_w <= power]
    if affordable:
        assert chosen.power_w <= power
        assert chosen.accuracy == max(s.accuracy for s in affordable)
    else:
        assert chosen.power_w == min(s.power_w for s in settings)


@given(settings=settings_of_a_table, power=st.floats(1e-6, 2e-3))
def test_the_efficient_table_holds_what_is_worth_most_at_any_power(settings, power):
    rows = op.efficient(settings)
    assert list(rows) == sorted(rows, key=lambda s: (s.power_w, s.accuracy))
    best = max(op.worth(s, power) for s in settings)
    chosen = rows[op.most_worth(rows, power)]
    assert op.worth(chosen, power) == pytest.approx(best, rel=1e-9)


@given(settings=settings_of_a_table)
def test_the_worthiest_row_rises_with_power(settings):
    rows = op.efficient(settings)
    chosen = [op.most_worth(rows, power) for power in np.linspace(0, 2e-3, 200)]
    assert chosen == sorted(chosen)
    assert chosen[-1] == len(rows) - 1


@given(settings=settings_of_a_table, power=st.floats(1e-5, 1e-3))
def test_the_best_mix_bounds_every_setting_and_pair(settings, power):
    shares = op.mix(settings, power)
    assert len(shares) <= 2
    assert sum(share for _, share in shares) == pytest.approx(1)
    cheapest = min(s.power_w for s in settings)
    if power < cheapest:
        return
    assert sum(share * s.power_w for s, share in shares) <= power * (1 + 1e-9)
    (value,) = op.mixed_accuracy(settings, [power])
    assert sum(share * s.accuracy for s, share in shares) == pytest.approx(value)
    for a, b in itertools.product(settings, repeat=2):
        if a.power_w <= power:
            share = 1.0 if b.power_w <= power else (power - a.power_w) / (b.power_w - a.power_w)
            assert value >= (1 - share) * a.accuracy + share * b.accuracy - 1e-9


def test_a_mix_by_hand():
    points = table((0.5, 1e-4), (0.55, 2e-4), (0.9, 3e-4))
    # The middle lies below the line between the others: half of each at its power.
    (cheap, a), (dear, b) = op.mix(points, 2e-4)
    assert (cheap.accuracy, dear.accuracy) == (0.5, 0.9)
    assert (a, b) == pytest.approx((0.5, 0.5))
    assert op.mixed_accuracy(points, [0.0, 2e-4, 1.0]) == pytest.approx([0.5, 0.7, 0.9])


def test_the_best_models_fit_the_memory_and_use_it():
    points = (
        Setting("large", 1.0, 0.9, 0.0, 9e-4),
        Setting("small", 1.0, 0.8, 0.0, 1e-4),
        Setting("bad", 1.0, 0.5, 0.0, 8e-4),
    )
    size = {"large": 60, "small": 20, "bad": 10}
    spread = np.linspace(1e-4, 1e-3, 9)
    assert op.best_models(points, size, 80, spread) == ("large", "small")
    assert op.best_models(points, size, 79, spread) == ("small",)
    assert op.best_models(points, size, 1000, spread) == ("large", "small")  # not the bad one
    with pytest.raises(InputError, match="memory of 9 bytes"):
        op.best_models(points, size, 9, spread)
    with pytest.raises(InputError, match="that of small is missing"):
        op.best_models(points, {"large": 1, "bad": 1}, 9, spread)


@given(settings=settings_of_a_table, powers=budgets, dwell=st.integers(1, 10))
def test_the_governor_changes_seldom_and_stays_in_its_table(settings, powers, dwell):
    governor = Governor(settings, dwell=dwell)
    before = governor.table[0]
    changes = rises = 0
    for power in powers:
        setting = governor.update(power)
        assert setting in governor.table
        changes += setting != before
        rises += setting.power_w > before.power_w
        before = setting
    assert changes <= governor.changes <= 2 + 2 * len(powers) / (dwell + 1)
    assert rises <= 1 + len(powers) / (dwell + 1)


@given(settings=settings_of_a_table, power=st.floats(0, 2e-3), dwell=st.integers(1, 5))
def test_a_constant_budget_ends_all_change(settings, power, dwell):
    governor = Governor(settings, dwell=dwell)
    enough = len(governor.table) * (dwell + 1)
    for _ in range(enough):
        governor.update(power)
    settled = governor.changes
    for _ in range(3 * enough):
        governor.update(power)
    assert governor.changes == settled


@given(
    settings=settings_of_a_table,
    power=st.floats(1e-5, 1e-3),
    ripple=st.lists(st.floats(0, 1), min_size=1, max_size=60),
)
def test_a_budget_within_the_margin_never_makes_it_turn_back(settings, power, ripple):
    governor = Governor(settings, dwell=1, margin=0.5)
    steps = [b.power_w - a.power_w for a, b in itertools.pairwise(governor.table)]
    amplitude = 0.499 * min(steps, default=0.0)
    path = [governor.update(power - amplitude * r).power_w for r in ripple]
    assert path == sorted(path)


def test_a_rise_waits_and_goes_row_by_row_and_a_fall_is_immediate():
    governor = Governor(table((0.4, 1e-4), (0.6, 2e-4), (0.9, 4e-4)), dwell=3, margin=0.1)
    powers = [governor.update(1.0).power_w for _ in range(6)]
    assert powers == [2e-4] * 4 + [4e-4] * 2
    assert governor.update(0.0).power_w == 1e-4
    assert [governor.update(1.0).power_w for _ in range(4)] == [1e-4] * 3 + [2e-4]


def test_settings_that_silence_or_guess_are_never_used():
    good, guess = Setting("a", 1.0, 0.8, 0.0, 3e-4), Setting("a", 1.8, 0.4, 0.0, 2e-4)
    silent = Setting("a", 2.4, 0.7, 0.3, 1e-4)
    governor = Governor([good, guess, silent], min_accuracy=0.5)
    assert {governor.update(power) for power in (0.0, 1e-4, 2e-4, 1.0)} == {good}
    with pytest.raises(InputError, match=r"best of 1 reaches 0\.700"):
        Governor([silent])
    with pytest.raises(InputError, match="dwell 0"):
        Governor([good], dwell=0)
    with pytest.raises(InputError, match="shares lie in"):
        Setting("a", 1.0, 1.2, 0.0, 1e-4)


def test_a_governor_never_saves_where_saving_buys_nothing():
    # As on the Xylo IMU: power falls by half a percent, accuracy by a tenth.
    rows = table((0.7, 190.6e-6), (0.78, 191.5e-6))
    governor = Governor(rows)
    assert governor.table == rows[1:]
    starved = State(1.0, 100.0, 0.0, 1e6, 0.5, 189e-6)
    assert governor(starved).accuracy == 0.78
    assert selecting(rows)(starved).accuracy == 0.7  # Select(E) gives up accuracy for nothing
    assert fixed(rows[0])(starved) == rows[0]


def test_the_budget_spreads_the_charge_over_what_remains():
    state = State(
        charge_j=20.0,
        capacity_j=100.0,
        harvest_w=50e-6,
        remaining_s=1e5,
        at_work=0.5,
        resting_w=100e-6,
        drift=1.25,
    )
    # (20 - 5) J / 1e5 s + 50 uW = 200 uW on average; rest takes 50 uW of it.
    assert budget_w(state) == pytest.approx((200e-6 - 50e-6) / 0.5 / 1.25)


@given(settings=settings_of_a_table)
def test_a_table_comes_back_from_its_file(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "operating_points.csv"
    assert op.load(op.save(path, settings)) == tuple(settings)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "model,threshold\n",
        "model,threshold,accuracy,silent,power_w\n",
        "model,threshold,accuracy,silent,power_w\na,1,2,0,1e-4\n",
        "model,threshold,accuracy,silent,power_w\na,1,x,0,1e-4\n",
        "model,threshold,accuracy,silent\na,1,0.5,0\n",
        "model,threshold,accuracy,silent,power_w\na,1\n",
    ],
)
def test_a_damaged_table_is_refused(tmp_path, content):
    path = tmp_path / "operating_points.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"operating_points\.csv"):
        op.load(path)
    with pytest.raises(InputError, match="no such file; run `neurosim governor`"):
        op.load(tmp_path / "none.csv")
