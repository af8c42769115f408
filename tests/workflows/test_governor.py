"""The governor's study on two small nets and made-up people, from spikes to tables."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from neurosim import engines, readout, store
from neurosim.cli import app
from neurosim.data import cache
from neurosim.energy import cycles
from neurosim.energy import price as energy
from neurosim.errors import InputError
from neurosim.readout import Rule
from neurosim.report import power as tables
from neurosim.workflows import caches, governor, power, stored_models
from tests import nets

SCALES = (0.6, 1.0, 1.3, 1.6)
PEOPLE = np.repeat([7, 8, 9], 20)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A large and a small net; the label is what the large one answers at scale 1, mostly."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "folder", lambda: folder)
        rng = np.random.default_rng(5)
        large = nets.spec(rng, chip="xylo-imu", dt=5e-3, aliases=[[]] * 12)
        small = nets.spec(
            rng,
            weights_in=rng.integers(-40, 90, (4, 6, 1)),
            weights_rec=np.zeros((6, 6, 1), int),
            weights_out=rng.integers(-40, 90, (6, 3)),
            dash_mem=[3] * 6,
            dash_syn=[3] * 6,
            threshold=[400] * 6,
            bias=[1] * 6,
            aliases=[[]] * 6,
            chip="xylo-imu",
            dt=5e-3,
        )
        raster = nets.events(rng, (60, 60, 4)) * rng.integers(0, 2, (60, 1, 4), dtype=np.uint8)
        labels = np.zeros(60, int)
        found = stored_models.sample(large, raster, labels, SCALES)
        made = []
        points = stored_models.settings(SCALES)
        for name, spec in (("large", large), ("small", small)):
            sample = stored_models.sample(spec, raster, labels, SCALES, "xylosim")
            active = float((raster > 0).mean())
            made.append(stored_models.Model(name, spec, *points, sample, PEOPLE, (8, 9), active))
        assert len(list(folder.iterdir())) == 3  # of each net and engine: none answers for another
        for name in vars(found):
            np.testing.assert_array_equal(getattr(found, name), getattr(made[0].sample, name))
        patch.setattr(stored_models, "_one", None)  # what is stored is not run again
        stored_models.sample(large, raster, labels, SCALES)
    return made


def with_accuracy(models, rng):
    """The models with answers drawn: 80 % of the large one's are right, 70 % of the small one's."""
    made = []
    for model, right in zip(models, (0.8, 0.7), strict=True):
        answers = {"correct": rng.random((4, 60)) < right, "silent": np.zeros((4, 60), bool)}
        made.append(replace(model, sample=replace(model.sample, **answers)))
    return made


def test_samples_hold_each_windows_activity_and_cycles(models):
    sample = models[0].sample
    assert sample.spikes.shape == (4, 60)
    assert (np.diff(sample.spikes.mean(axis=1)) < 0).all()
    assert (np.diff(sample.hidden_bins.mean(axis=1)) < 0).all()
    assert sample.spikes.min(axis=1).max() >= 0
    quiet = sample.hidden_bins[1].argmin()
    assert sample.cycles[1, quiet] >= cycles.per_step(models[0].spec, 0.0, 0.0)
    assert models[0].footprint > models[1].footprint


def test_prices_are_those_published_or_asked_for(models):
    price = energy.published_price()
    assert price.idle_w == 188e-6
    assert price.cycle_j == pytest.approx(13e-6 * 1.2 / 6.25e6)
    for share in (0.02, 0.5, 1.0):
        asked = governor.price_at(share, models[0])
        assert governor.dynamic_share(models[0], asked) == pytest.approx(share)
        cycles = models[0].sample.cycles[1].mean()
        assert asked.power_w(cycles, 5e-3) == pytest.approx(price.power_w(cycles, 5e-3))
    for bad in (
        lambda: governor.price_at(0.0, models[0]),
        lambda: governor.price_at(0.5, models[0], scale=2.0),
        lambda: energy.published_price("keywords"),
    ):
        with pytest.raises(InputError):
            bad()


def test_the_table_is_calibrated_on_everybody_but_the_wearer(models, rng):
    made = with_accuracy(models, rng)
    table = stored_models.table_of(made, energy.published_price(), wearer=8)
    assert [(s.model, s.threshold) for s in table] == [
        (name, scale) for name in ("large", "small") for scale in SCALES
    ]
    others = np.flatnonzero(PEOPLE != 8)
    assert table[1].accuracy == made[0].sample.correct[1, others].mean()
    assert table[5].power_w < table[1].power_w


def test_weeks_compare_all_policies_on_the_same_days(models, rng, tmp_path):
    made = with_accuracy(models, rng)
    price = governor.price_at(0.6, made[0])
    weeks = governor.weeks_of(made, price, days=2, weeks=3, memory_bytes=10**6)
    assert weeks.wearers == (8, 9, 8)
    assert set(weeks.lives) >= {"fixed", "calibrated", "select", "threshold", "switching"}
    for lives in weeks.lives.values():
        assert len(lives) == 3
        assert all(0.2 < life.correct_share < 1 for life in lives)
    fixed, mix = (
        np.mean([life.failures for life in weeks.lives[name]]) for name in ("fixed", "best mix")
    )
    assert fixed > 0.1 * weeks.schedules[0].asked  # 80 % of the energy needed
    assert mix < fixed
    worn = weeks.schedules[0].windows
    assert set(PEOPLE[worn[worn >= 0]]) == {8}
    gained = governor.gains(weeks.lives)
    assert gained["fixed"] == (0.0, 0.0)
    paths = governor.save({0.6: weeks}, tmp_path, command="neurosim governor x")
    rows = store.read_table(paths[0], remedy="x")
    assert len(rows["week"]) == 3 * len(weeks.lives)
    np.testing.assert_allclose(
        rows["correct_share"][rows["policy"] == "select"],
        [life.correct_share for life in weeks.lives["select"]],
        rtol=1e-5,
    )
    assert set(store.read_table(paths[1], remedy="x")["policy"]) == set(governor.TRACED)


def test_power_follows_active_bins_and_the_threshold_reaches_so_far(models, rng):
    made = with_accuracy(models, rng)
    line = power.in_active_bins(made[0])
    assert line.linear  # so the cycle model says, where the input is the same
    assert line.worst_residual < 1e-9
    windows = power.over_windows(made[0])
    assert windows.slope > 0
    assert 0 < power.silent_share(made[0]) < 1
    reach = power.power_reach(made[0], loss=0.5)
    assert reach.scale == 1.6
    assert 0 < reach.total < reach.dynamic < reach.spikes < 1
    share = reach.share_needed(0.05)
    assert 1 / (1 - share * reach.dynamic) == pytest.approx(1.05)


def test_a_net_that_only_scale_1_serves_saves_nothing(models):
    sample = models[0].sample
    right = np.zeros_like(sample.correct)
    right[1] = True
    silent = np.zeros_like(sample.silent)
    only = replace(models[0], sample=replace(sample, correct=right, silent=silent))
    reach = power.power_reach(only)
    assert (reach.scale, reach.dynamic) == (1.0, 0.0)
    assert reach.share_needed(0.1) == float("inf")
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(tables.reaches([only]))
    assert "impossible" in console.export_text()


def test_tables_are_printed(models, rng):
    made = with_accuracy(models, rng)
    price = energy.published_price()
    weeks = governor.weeks_of(made, price, days=1, weeks=2, memory_bytes=10**6)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(tables.estimates(made))
    console.print(tables.reaches(made))
    console.print(tables.weeks(weeks, made, price))
    said = console.export_text()
    assert "Estimates, nothing was measured here" in said
    assert "2 weeks of 2 wearers" in said
    assert "select" in said


@pytest.fixture(scope="module")
def leading(tmp_path_factory):
    """A net on whose windows evidence builds up, the label mostly what it answers at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "folder", lambda: tmp_path_factory.mktemp("cache"))
        spec, raster = nets.undecided(60)
        output = engines.get("xylosim").run(spec, raster).spikes[1]
        labels = readout.decide(output)
        labels[::4] = 0
        sample = stored_models.sample(spec, raster, labels, SCALES, "xylosim", (2, 5))
    points = stored_models.settings(SCALES, (2, 5))
    active = float((raster > 0).mean())
    return stored_models.Model("net", spec, *points, sample, PEOPLE, (8, 9), active), output


def test_leads_are_settings_of_their_own(leading):
    model, output = leading
    assert model.scales == SCALES * 3
    assert model.leads == (np.inf,) * 4 + (2,) * 4 + (5,) * 4
    assert model.at_end.scales == SCALES
    assert model.at_end.sample.correct.shape == (4, 60)
    sample, k = model.sample, 4 + SCALES.index(1.0)
    steps = readout.decision_step(output, Rule(lead=2))
    np.testing.assert_allclose(sample.used[k], steps / output.shape[1], rtol=1e-12)
    assert (sample.used[:4] == 1).all()
    for name in ("spikes", "cycles", "used", "busiest"):
        values = getattr(sample, name)
        assert (values[4:8] <= values[8:]).all(), name
        assert (values[8:] <= values[:4]).all(), name
    table = stored_models.table_of([model], energy.published_price())
    assert {setting.lead for setting in table} == {2, 5, np.inf}
    assert set(stored_models.outcomes_of([model], energy.published_price())) == {
        setting.key for setting in table
    }


def test_the_joint_front_has_no_setting_that_another_beats(leading):
    model, _ = leading
    whole, front = power.rows([model]), power.front(model)
    assert len(front) > 1
    assert 2.0 in {row["lead"] for row in front}
    for row in whole:
        better = [f for f in front if f["spikes"] <= row["spikes"]]
        assert row in front or max(f["accuracy"] for f in better) >= row["accuracy"]
    for row in whole:
        assert row["power_off_uw"] <= row["power_uw"]
        assert row["power_clock_uw"] <= row["power_uw"]  # a small net needs a slow clock
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(tables.fronts([model]))
    said = console.export_text()
    assert "Of 201 µW (imu) spikes move at most 13" in said
    assert "lower bounds" in said


def test_a_governor_of_both_knobs_answers_more_on_a_core_that_is_switched_off(leading):
    model, _ = leading
    price = replace(energy.published_price(spec=model.spec), off=True)
    options = {"days": 2, "weeks": 2, "max_silent": 1.0, "memory_bytes": 10**6}
    weeks = governor.weeks_of([model], price, **options)
    mean = {
        name: np.mean([life.correct_share for life in lives]) for name, lives in weeks.lives.items()
    }
    assert mean["threshold and lead"] > mean["threshold"] + 0.02
    used = np.concatenate([life.lead for life in weeks.lives["threshold and lead"]])
    assert set(used[np.isfinite(used)]) <= {2.0, 5.0}
    assert np.isfinite(used).any()
    ends = governor.weeks_of([model.at_end], price, **options)
    assert "lead" not in ends.lives
    for name, lives in ends.lives.items():  # leads in the table change no other policy
        assert mean[name] == np.mean([life.correct_share for life in lives])


@pytest.mark.parametrize("command", ["energy", "governor"])
def test_a_lead_is_refused_before_a_net_is_run(tmp_path, command):
    for leads, message in ((["0"], "lead is 0"), (["3", "3"], "give each once")):
        arguments = [command, str(tmp_path), *(f"--lead={lead}" for lead in leads)]
        with pytest.raises(InputError, match=message):
            CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)


@pytest.mark.parametrize("command", ["energy", "governor"])
def test_a_folder_without_a_run_is_named(tmp_path, command):
    with pytest.raises(InputError, match="no such file"):
        stored_models.measure_model(tmp_path)
    assert isinstance(CliRunner().invoke(app, [command, str(tmp_path)]).exception, InputError)


@pytest.mark.slow
def test_the_study_runs_at_its_fast_size(tmp_path, monkeypatch):
    from neurosim import studies

    monkeypatch.setenv(caches.NETS_VARIABLE, str(tmp_path))
    study = studies.get("aspen_governor")
    case = study.cases(1, fast=True)[0]
    rows = study.measure(**case)
    assert len(rows) == 7 * 2
    assert {"policy", "week", *study.units} == set(rows[0])
    for row in rows:  # nets of a moment's training: on few windows they may be wrong on all
        assert 0 <= row["correct_share"] <= row["accuracy"] < 1
        assert 0 < row["missed"] < 1  # 80 % of the energy needed
    assert max(row["correct_share"] for row in rows) > 0.1
