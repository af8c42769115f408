"""Studies on recordings of daily life and of falls: what they read off nets and windows."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurosim import data
from neurosim.data import sisfall
from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.readout import NEVER
from neurosim.studies.aspen import daily, falls
from neurosim.workflows.caches import NETS_VARIABLE
from tests.data import official


def test_each_person_is_tested_once_and_in_one_part_only():
    people = tuple(range(1, 31))
    splits = [daily.split(people, seed) for seed in range(daily.FOLDS)]
    assert sorted(p for split in splits for p in split.test) == list(people)
    assert all(len({*s.train, *s.validation, *s.test}) == 30 for s in splits)


def test_budgets_are_kept_by_points_that_others_chose():
    """Two nets, three seeds, numbers by hand."""
    axes = {"data": ["hapt"], "net": ["fixed", "to 2"], "seed": [0, 1, 2],
            "threshold": [1.0, 2.0], "lead": [6.0, NEVER]}  # fmt: skip
    shape = [len(values) for values in axes.values()]
    accuracy, spikes = np.zeros(shape), np.full(shape, 100.0)
    fixed, random = accuracy[0, 0], accuracy[0, 1]
    fixed[:, 0, 1] = 0.9  # the whole window at scale 1
    fixed[:, 0, 0], spikes[0, 0, :, 0, 0] = 0.7, 40.0  # a lead
    fixed[:, 1, 1], spikes[0, 0, :, 1, 1] = [0.5, 0.1, 0.1], 29.0  # a threshold
    random[:, 1, 1], spikes[0, 1, :, 1, 1] = [0.2, 0.8, 0.8], 30.0
    random[:, 1, 0], spikes[0, 1, :, 1, 0] = [0.75, 0.3, 0.3], 30.0
    names = tuple(axes)
    d = xr.Dataset({"accuracy": (names, accuracy), "spikes": (names, spikes)}, axes)
    within = daily.at_budgets(d).sel(data="hapt")

    def at(way, budget):
        return within.sel(way=way, budget=budget).values.tolist()

    assert at("fixed, by threshold", 0.3) == [0.5, 0.1, 0.1]
    assert at("fixed, by lead", 0.45) == [0.7, 0.7, 0.7]
    assert np.isnan(at("fixed, by lead", 0.3)).all(), "its lead costs more"
    assert at("fixed, by both", 0.45) == [0.7, 0.7, 0.7]
    # Seed 0 takes what was best for seeds 1 and 2; those take what was best for seed 0 and another.
    assert at("random, by both", 0.3) == [0.2, 0.3, 0.3]


def test_a_person_counts_once_however_many_windows(tmp_path, monkeypatch):
    official.braille(tmp_path / "braille", np.random.default_rng(0))
    windows = data.braille(tmp_path / "braille")
    people = np.where(np.arange(len(windows.test)) < 2, 8, 9)
    test = data.Windows(windows.test.raster, windows.test.labels, people)
    monkeypatch.setattr(daily, "dataset", lambda *_: daily.replace(windows, test=test))
    monkeypatch.setenv(NETS_VARIABLE, str(tmp_path / "nets"))
    kept = []
    sweep = daily.threshold_sweep

    def noted(*arguments, **options):
        kept.append(sweep(*arguments, **options))
        return kept[-1]

    monkeypatch.setattr(daily, "threshold_sweep", noted)
    training = {"epochs": 1, "batch_size": 8, "hidden": (16,), "weight_gain": 1.0}
    rows = daily.measure("hapt", "to 2", 0, training, 1, (1.0, 2.0), (3,))
    assert [(row["threshold"], row["lead"]) for row in rows] == [
        (1.0, NEVER), (1.0, 3.0), (2.0, NEVER), (2.0, 3.0)
    ]  # fmt: skip
    few, many = kept
    for row, one, other in zip(rows, few, many, strict=True):
        expected = (one["spikes_per_inference"] + other["spikes_per_inference"]) / 2
        assert row["spikes"] == pytest.approx(expected)
        assert row["spikes"] > 0
        assert row["accuracy"] == pytest.approx((one["accuracy"] + other["accuracy"]) / 2)


@pytest.fixture
def exercises(monkeypatch) -> Recordings:
    """A walk of 4 s of all people, and falls of the young and one old person with an impact."""
    rng = np.random.default_rng(0)
    signals, labels, people = [], [], []
    for person in range(1, 39):
        swing = np.sin(2 * np.pi * 2 * np.arange(800) / 200)[:, None]
        walk = np.array([0, 1, 0]) + swing * [0.8, 1.2, 0.4] + rng.normal(0, 0.02, (800, 3))
        signals.append(walk)
        labels.append(0)
        people.append(person)
        if person <= 23 or person == 29:
            fall = np.array([0, 1, 0]) + rng.normal(0, 0.02, (800, 3))
            fall[400:420] += rng.normal(0, 1, (20, 3))
            fall[410] = [8.0, -8.0, 4.0]
            signals.append(fall)
            labels.append(len(sisfall.DAILY))
            people.append(person)
    made = Recordings(
        tuple(signals), np.array(labels), np.array(people), np.full(len(labels), UNKNOWN_SIDE),
        sisfall.CLASSES, 200.0,
    )  # fmt: skip
    monkeypatch.setattr(falls, "recordings", lambda: made)
    for cached in (falls.dataset, falls.judged):
        cached.cache_clear()
    yield made
    for cached in (falls.dataset, falls.judged):
        cached.cache_clear()


def test_windows_show_a_fall_where_the_impact_is_well_inside(exercises):
    rows = np.arange(len(exercises))
    seen = falls.watched(rows, falls.FRONT_END)
    assert set(seen.impact) == {-1, 410}
    assert seen.start.tolist()[:4] == [0, 256, 0, 256]
    windows = falls.labelled(seen, exercises.subjects)
    # The impact at step 410 of 800 is at 410 of the first window and at 154 of the second, each
    # between 30 and 90 % of 512 steps.
    assert int(windows.labels.sum()) == 2 * int((seen.impact > 0).sum())
    daily_windows = np.flatnonzero(seen.impact[seen.recording] < 0)
    assert (windows.labels == 0).sum() == (daily_windows % falls.THINNED == 0).sum()


def test_an_alarm_counts_from_shortly_before_the_impact_on():
    seen = falls.Watched(
        windows=np.empty((4, 512, 15)), recording=np.array([0, 0, 1, 2]),
        start=np.array([0, 256, 0, 0]), impact=np.array([300, 300, 400]), seconds=1.0,
    )  # fmt: skip
    never = falls.STEPS
    caught = falls._caught(seen, np.array([350, 40, 250, never]))
    # 50 steps after the impact, or 256 + 40 - 300 = 4 before; 50 before; none.
    assert caught.tolist() == [-4 / 200, -50 / 200, np.inf]
    early = falls._caught(seen, np.array([150, never, 199, never]))
    assert early.tolist() == [np.inf, np.inf, np.inf], "more than half a second before"


def test_a_detector_learns_an_impact_and_the_threshold_trades(exercises, tmp_path, monkeypatch):
    monkeypatch.setenv(NETS_VARIABLE, str(tmp_path))
    training = {
        "epochs": 30,
        "batch_size": 8,
        "hidden": (16, 16),
        "learning_rate": 0.005,
        "weight_gain": 1.0,
    }
    rows = falls.measure("fixed", 0, training, (1.0, 2.0))
    assert {(row["threshold"], row["lead"]) for row in rows} == {
        (scale, lead) for scale in (1.0, 2.0) for lead in falls.LEADS
    }
    first = [row for row in rows if row["threshold"] == 1.0]
    assert first[0]["recall"] > 0.7
    recalls = [row["recall"] for row in first]
    alarms = [row["false_alarms"] for row in first]
    assert recalls == sorted(recalls, reverse=True), "a larger lead catches no more"
    assert alarms == sorted(alarms, reverse=True)
    spikes = {row["threshold"]: row["spikes"] for row in rows}
    assert spikes[1.0] > spikes[2.0] > 0
