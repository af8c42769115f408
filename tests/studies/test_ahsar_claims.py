"""Verdicts on AHSAR's claims follow the numbers, pooled over settings and judged over seeds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from neurosim import studies
from neurosim.studies import results
from neurosim.studies.ahsar import cost, homeostat, nets, scale, start
from neurosim.studies.claims import Verdict, pool
from tests.studies import study_tables


def _of(name, folder, rng, **columns):
    return results.read(study_tables.write(name, folder, rng, **columns))


def _gain(by, noise, rng):
    """An accuracy that AHSAR raises by `by`, a number or a function of the row."""

    def accuracy(row):
        more = by(row) if callable(by) else by
        return 0.9 + (more if row["variant"] == "full" else 0.0) + noise * rng.standard_normal()

    return accuracy


def test_seeds_are_what_an_interval_counts(rng):
    shared = rng.normal(0, 0.05, 4)  # by which all cells of a seed are off together
    gap = xr.DataArray(
        0.01 + shared[:, None, None] + rng.normal(0, 1e-4, (4, 3, 5)),
        dims=("seed", "net", "steps"),
        coords={"net": ["a", "b", "c"]},
    )
    found = pool(gap, ("net",))
    assert found.overall.n == 4
    assert found.overall.high - found.overall.low > 4 * np.std(shared, ddof=1) / 2
    assert (found.cells, found.up + found.down) == (15, 15)
    alone = pool(gap.sel(net="a"))
    widths = [e.high - e.low for e in (found.groups["a"], alone.overall)]
    assert widths[0] > 1.2 * widths[1], "three groups that hold together are wider than one"


@pytest.mark.parametrize(
    ("by", "verdict"),
    [
        (0.02, Verdict.HOLDS),
        (-0.02, Verdict.FAILS),
        (0.0, Verdict.FAILS),
        (lambda row: 0.05 if row["shown"] == "events" else -0.05, Verdict.REGIME),
    ],
)
def test_better_needs_as_much_as_the_paper_reports(by, verdict, tmp_path, rng):
    d = _of("ahsar_nets", tmp_path, rng, accuracy=_gain(by, 1e-3, rng))
    found = nets.better.judge(d)
    assert found.verdict is verdict
    assert f"of 48 settings ({study_tables.SEEDS} seeds)" in found.result


def test_noise_leaves_it_undecided(tmp_path, rng):
    d = _of("ahsar_nets", tmp_path, rng, accuracy=_gain(0.001, 0.3, rng))
    assert nets.better.judge(d).verdict is Verdict.UNDECIDED


def test_one_seed_decides_nothing(tmp_path, rng):
    d = _of("ahsar_nets", tmp_path, rng).isel(seed=[0])
    for found in (nets.better.judge(d), nets.faster.judge(d)):
        assert found.verdict is Verdict.UNDECIDED
        assert "(n = 1)" in found.result
        assert "nan" not in found.result


def test_faster_is_earlier_and_higher_on_the_way(tmp_path, rng):
    def epochs(row):
        return (1.0 if row["variant"] == "full" else 2.0) + 0.01 * rng.standard_normal()

    mean = _gain(0.03, 1e-3, rng)
    d = _of("ahsar_nets", tmp_path, rng, epochs_to_target=epochs, mean_accuracy=mean)
    assert nets.faster.judge(d).verdict is Verdict.HOLDS
    d = d.assign(mean_accuracy=0 * d.mean_accuracy)
    assert nets.faster.judge(d).verdict is Verdict.REGIME
    d["epochs_to_target"] = -d.epochs_to_target
    assert nets.faster.judge(d).verdict is Verdict.FAILS


def test_a_gain_that_never_moved_judges_nothing(tmp_path, rng):
    def accuracy(row):
        worse = 0.02 if row["variant"] in ("no relaxation", "no diffusion") else 0.0
        return 0.9 - worse + 1e-3 * rng.standard_normal()

    d = _of("ahsar_homeostat", tmp_path, rng, accuracy=accuracy, gain=lambda row: 1.0)
    found = homeostat.parts.judge(d)
    assert found.verdict is Verdict.HOLDS
    assert "the gain never left 1" in found.result
    moved = homeostat.parts.judge(d.assign(gain=d.gain + 0.05 * (d.epoch == 3)))
    assert moved.verdict is Verdict.REGIME, "without the gain it is as good"
    assert "from 1.000 to 1.050" in moved.result


def test_a_loss_that_only_falls_does_not_oscillate(tmp_path, rng):
    def loss(row):
        bump = 0.0 if row["variant"] == "full" else 0.2 + 0.01 * rng.standard_normal()
        return 2.0 - 0.5 * row["epoch"] + (bump + 0.5) * (row["epoch"] == 3)

    found = homeostat.steadier.judge(_of("ahsar_homeostat", tmp_path, rng, loss=loss))
    assert found.verdict is Verdict.HOLDS
    assert "-0.2" in found.result


def test_a_rescue_is_measured_by_what_was_lost(tmp_path, rng):
    def judged(made_good):
        def speed(row):
            lost = 0.0 if 0.3 <= row["start"] <= 1.6 else 0.5
            back = lost * made_good if row["control"] == "AHSAR" else 0.0
            return 0.9 - lost + back + 1e-3 * rng.standard_normal()

        return start.rescue.judge(_of("ahsar_start", tmp_path, rng, mean_accuracy=speed))

    assert judged(0.8).verdict is Verdict.HOLDS
    nothing = judged(0.0)
    assert nothing.verdict is Verdict.FAILS
    assert "which cost 0.50" in nothing.result


@pytest.mark.parametrize(("share", "verdict"), [(0.002, Verdict.HOLDS), (0.2, Verdict.FAILS)])
def test_a_cost_is_negligible_below_a_percent(share, verdict, tmp_path, rng):
    shares = lambda row: share * (1 + 0.1 * rng.uniform())  # noqa: E731
    found = cost.cost.judge(_of("ahsar_cost", tmp_path, rng, share=shares))
    assert found.verdict is verdict
    assert "%" in found.result


def _speed(row):
    return 0.9 * np.exp(-(np.log(row["scale"] / 0.6) ** 2))


def test_a_band_is_found_and_its_ends_are_behind(tmp_path, rng):
    d = _of("ahsar_scale", tmp_path, rng, mean_accuracy=_speed)
    found = scale.band.judge(d)
    assert found.verdict is Verdict.HOLDS
    assert "mlp best at 0.6, within 5 % from 0.5 to 0.75" in found.result
    flat = _of("ahsar_scale", tmp_path, rng, mean_accuracy=lambda row: min(0.9, _speed(row) + 9))
    assert scale.band.judge(flat).verdict is Verdict.FAILS


def test_productive_scales_hang_together():
    speed = xr.DataArray(
        [0.97, 0.2, 0.96, 1.0, 0.95, 0.1, 0.99],
        dims="scale",
        coords={"scale": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]},
    )
    assert scale.productive(speed) == (0.4, 0.3, 0.5)


def test_the_best_is_not_ahead_by_luck(rng):
    noise = xr.DataArray(
        rng.normal(0, 1, (40, 60)),
        dims=("scale", "seed"),
        coords={"scale": np.arange(40.0), "seed": range(60)},
    )
    lucky = float((noise.max("scale") - noise.sel(scale=0.0)).mean())
    found = scale.ahead(noise, 0.0)
    assert lucky > 1.5
    assert found.low < 0 < found.high or abs(found.mean) < 0.5


def test_the_table_has_the_papers_form(tmp_path, rng):
    def accuracy(row):
        more = 0.012 if row["variant"] == "full" and row["steps"] == 8 else 0.0
        return 0.9 + more + 1e-5 * rng.standard_normal()

    study = studies.get("ahsar_nets")
    shown = study.show(_of("ahsar_nets", tmp_path, rng, accuracy=accuracy))
    with (tmp_path / "table").open("w") as file:
        Console(file=file, width=80).print(shown)
    text = (tmp_path / "table").read_text()
    assert shown.row_count == 2 * 2 * 2 + 1
    assert len(shown.columns) == 3 + 2 * 3
    assert text.count("+1.20*") == 2 * (8 + 1)
    assert "up in" in text
    assert "…" not in text, "it fits a terminal of 80 columns"
