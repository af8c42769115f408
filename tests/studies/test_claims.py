"""The ledger: each claim is judged by stored results, and verdicts follow the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import studies
from neurosim.errors import InputError
from neurosim.studies import ledger, readings, results
from neurosim.studies.ahsar import _judges as judges_ahsar
from neurosim.studies.ahsar import _judges_learning as judges_learning
from neurosim.studies.ahsar._claims import CLAIMS as AHSAR
from neurosim.studies.aspen import _judges as judges_aspen
from neurosim.studies.aspen import _judges_governor as judges_governor
from neurosim.studies.aspen._claims import CLAIMS as ASPEN
from neurosim.studies.ledger import Verdict
from neurosim.studies.statistics import Estimate
from tests import readme
from tests.studies import study_tables

OF_STUDIES = [c for c in (*ASPEN, *AHSAR) if c.study and c.study in studies.names()]


@pytest.mark.parametrize("claim", OF_STUDIES, ids=lambda c: c.claim[:40])
def test_a_claim_is_judged_from_a_table_of_its_study(claim, tmp_path, rng, monkeypatch):
    power = lambda row: 190 + rng.uniform()  # noqa: E731 (above the idle power)
    path = study_tables.write(claim.study, tmp_path, rng, power=power)
    monkeypatch.setattr(results, "shipped", lambda name: path)
    entry = ledger.judge(claim)
    assert entry.command == f"neurosim study {claim.study}"
    assert any(letter.isdigit() for letter in entry.finding.result)
    assert "nan" not in entry.finding.result
    assert entry.finding.verdict not in (Verdict.NOT_RUN, Verdict.UNTESTABLE)


def test_without_results_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / f"{name}.csv")
    for claim in OF_STUDIES:
        assert ledger.judge(claim).finding.verdict is Verdict.NOT_RUN


@pytest.mark.parametrize("name", [n for n in studies.names() if results.shipped(n).is_file()])
def test_what_is_shipped_has_the_form_of_its_study(name):
    d, study = results.read(name), studies.get(name)
    assert set(d.dims) == set(study.index)
    assert set(d.data_vars) == set(study.units)
    assert d.attrs["command"].startswith(f"neurosim study {name}")
    assert "--fast" not in d.attrs["command"]
    for claim in OF_STUDIES:
        if claim.study == name:
            assert "nan" not in ledger.judge(claim).finding.result


def test_a_part_of_a_grid_judges_no_more_than_it_holds(tmp_path, rng, monkeypatch):
    path = study_tables.write("ahsar_homeostat", tmp_path, rng)
    kept = [ln for ln in path.read_text().splitlines(keepends=True) if ",no " not in ln]
    path.write_text("".join(kept))
    monkeypatch.setattr(results, "shipped", lambda name: path)
    judged = {c.judge: ledger.judge(c).finding for c in AHSAR if c.study == "ahsar_homeostat"}
    assert judged[judges_learning.steadier].verdict is not Verdict.NOT_RUN
    assert judged[judges_learning.parts].verdict is Verdict.NOT_RUN
    assert "a part of the study" in judged[judges_learning.parts].result


def test_how_a_claim_was_tested_is_what_is_stored(tmp_path, rng, monkeypatch):
    path = study_tables.write("ahsar_ood", tmp_path, rng)
    claim = next(c for c in AHSAR if c.study == "ahsar_ood")
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / "none.csv")
    assert "mlp, small-vgg, small-resnet" in ledger.judge(claim).tested
    kept = [ln for ln in path.read_text().splitlines(keepends=True) if not ln.startswith("small")]
    path.write_text("".join(kept))
    monkeypatch.setattr(results, "shipped", lambda name: path)
    tested = ledger.judge(claim).tested
    assert "mlp;" in tested
    assert f"{study_tables.SEEDS} seeds" in tested
    assert "small" not in tested


def _aspen(folder, rng, at_high):
    """Nets whose accuracy at the highest threshold is given."""

    def accuracy(row):
        value = at_high[row["net"]] if row["threshold"] == 2.4 else 0.78
        return value + 0.001 * rng.standard_normal()

    return results.read(study_tables.write("aspen_thresholds", folder, rng, accuracy=accuracy))


def test_the_verdict_on_graceful_degradation_follows_the_numbers(tmp_path, rng):
    good = _aspen(tmp_path, rng, {"fixed": 0.06, "aspen": 0.5})
    assert judges_aspen.graceful(good).verdict is Verdict.HOLDS
    assert judges_aspen.fixed_drops(good).verdict is Verdict.HOLDS
    assert judges_aspen.competitive(good).verdict is Verdict.HOLDS
    assert "0.44" in judges_aspen.graceful(good).result
    bad = _aspen(tmp_path, rng, {"fixed": 0.5, "aspen": 0.06})
    assert judges_aspen.graceful(bad).verdict is Verdict.FAILS
    same = _aspen(tmp_path, rng, {"fixed": 0.5, "aspen": 0.5})
    assert judges_aspen.graceful(same).verdict is not Verdict.FAILS


def test_times_are_read_between_checkpoints():
    import xarray as xr

    curve = xr.DataArray(
        [[0.0, 0.4, 0.6], [0.0, 0.1, 0.2], [1.0, 1.0, 1.0]],
        dims=("window", "time"),
        coords={"time": [0.16, 0.32, 0.48]},
    )
    np.testing.assert_allclose(readings.crossing(curve), [0.4, np.nan, 0.08])


def test_intervals_decide():
    sure, unsure = Estimate(1.0, 0.5, 1.5, 5), Estimate(1.0, -0.5, 2.5, 5)
    assert ledger.by_sign(sure) is Verdict.HOLDS
    assert ledger.by_sign(sure, positive=False) is Verdict.FAILS
    assert ledger.by_sign(unsure) is Verdict.UNDECIDED
    small = Estimate(0.0, -0.1, 0.1, 5)
    assert ledger.by_sign(small) is Verdict.UNDECIDED
    assert ledger.by_sign(small, least=0.2) is Verdict.FAILS
    assert ledger.by_sign(small, least=0.2, positive=False) is Verdict.FAILS
    assert ledger.by_sign(Estimate(1.0, np.nan, np.nan, 1)) is Verdict.UNDECIDED


def test_what_theory_decides():
    assert judges_aspen.jensen().verdict is Verdict.REGIME
    assert judges_ahsar.gate().verdict is Verdict.REGIME
    assert judges_ahsar.feedback().verdict is Verdict.REGIME


def test_both_forms_hold_every_claim():
    entries = ledger.judge_all("aspen")
    lines = ledger.markdown(entries).splitlines()
    assert len(lines) == len(ASPEN) + 2
    assert {line.count(" | ") for line in lines} == {len(ledger.COLUMNS) - 1}
    assert ledger.table(entries).row_count == len(ASPEN)
    with pytest.raises(InputError, match="paper 'bdett' is not known"):
        ledger.judge_all("bdett")


def test_the_readme_shows_the_ledger_as_it_is():
    remedy = "put what `neurosim claims --markdown` prints between README.md's claims lines"
    assert readme.section("claims") == ledger.markdown(ledger.judge_all(None)), remedy


def test_the_governors_verdict_follows_the_numbers(tmp_path, rng):
    def judged(gains):
        def right(row):
            gain = gains.get(row["dynamic_share"], 0.0) if row["policy"] == "select" else 0.0
            return 0.6 + gain + 0.001 * rng.standard_normal()

        path = study_tables.write("aspen_governor", tmp_path, rng, correct_share=right)
        return judges_governor.adaptation(results.read(path))

    assert judged({0.02: 0.05}).verdict is Verdict.HOLDS
    assert judged({0.02: -0.05, 0.95: 0.05}).verdict is Verdict.REGIME
    never = judged(dict.fromkeys(studies.get("aspen_governor").grid["dynamic_share"], -0.05))
    assert never.verdict is Verdict.FAILS
    assert "-0.05" in never.result
