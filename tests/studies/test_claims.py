"""The ledger: each claim is judged by stored results, and verdicts follow the numbers."""

from __future__ import annotations

import pkgutil

import numpy as np
import pytest

from neurosim import store, studies
from neurosim.errors import InputError
from neurosim.studies import ahsar, aspen, ledger, networks, results
from neurosim.studies.ahsar import homeostat
from neurosim.studies.ahsar import other_claims as ahsar_claims
from neurosim.studies.aspen import governor, latency, leads, thresholds
from neurosim.studies.aspen import other_claims as aspen_claims
from neurosim.studies.claims import Verdict, by_sign
from neurosim.studies.estimates import Estimate
from tests import readme
from tests.studies import stored_claims, study_tables

ALL = [(paper, *pair) for paper in studies.PAPERS for pair in ledger.claims_of(paper)]
OF_STUDIES = [(paper, study, claim) for paper, study, claim in ALL if study is not None]


def _of(name):
    """Return the entries of a study's claims, judged by what is stored."""
    return [ledger.judge(*claim) for claim in OF_STUDIES if claim[1].name == name]


def test_every_file_of_the_papers_is_listed_and_states_claims():
    for paper, room in (("aspen", aspen), ("ahsar", ahsar), ("networks", networks)):
        files = {file.name for file in pkgutil.iter_modules(room.__path__)}
        shared = {"on_chip", "images", "gains_table", "threshold_cases", "threshold_networks"}
        assert files - set(studies.PAPERS[paper]) <= shared
    assert {study.name for _, study, _ in OF_STUDIES} == set(studies.names())


@pytest.mark.parametrize("name", studies.names())
def test_claims_are_judged_from_a_table_of_their_study(name, tmp_path, rng, monkeypatch):
    power = lambda row: 190 + rng.uniform()  # noqa: E731 (above the idle power)
    path = study_tables.write(name, tmp_path, rng, power=power)
    monkeypatch.setattr(results, "shipped", lambda name: path)
    for entry in _of(name):
        assert entry.command == f"neurosim study {name}"
        assert any(letter.isdigit() for letter in entry.finding.result)
        assert "nan" not in entry.finding.result
        assert entry.finding.verdict not in (Verdict.NOT_RUN, Verdict.UNTESTABLE)


def test_without_results_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / f"{name}.csv")
    for claim in OF_STUDIES:
        assert ledger.judge(*claim).finding.verdict is Verdict.NOT_RUN


@pytest.mark.parametrize("name", [n for n in studies.names() if results.shipped(n).is_file()])
def test_what_is_shipped_has_the_form_of_its_study(name):
    d, study = results.read(name), studies.get(name)
    assert set(d.dims) == set(study.index)
    assert set(d.data_vars) == set(study.units)
    assert d.attrs["command"].startswith(f"neurosim study {name}")
    assert "--fast" not in d.attrs["command"]
    for entry in _of(name):
        assert "nan" not in entry.finding.result


def test_a_part_of_a_grid_judges_no_more_than_it_holds(tmp_path, rng, monkeypatch):
    path = study_tables.write("ahsar_homeostat", tmp_path, rng)
    study_tables.keep(path, lambda line: ",no " not in line)
    monkeypatch.setattr(results, "shipped", lambda name: path)
    judged = {entry.claim: entry.finding for entry in _of("ahsar_homeostat")}
    assert judged[homeostat.steadier].verdict is not Verdict.NOT_RUN
    assert judged[homeostat.parts].verdict is Verdict.NOT_RUN
    assert "a part of the study" in judged[homeostat.parts].result


def test_how_a_claim_was_tested_is_what_is_stored(tmp_path, rng, monkeypatch):
    path = study_tables.write("ahsar_ood", tmp_path, rng)
    monkeypatch.setattr(results, "shipped", lambda name: tmp_path / "none.csv")
    assert "mlp, small-vgg, small-resnet" in _of("ahsar_ood")[0].tested
    study_tables.keep(path, lambda line: not line.startswith("small"))
    monkeypatch.setattr(results, "shipped", lambda name: path)
    tested = _of("ahsar_ood")[0].tested
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
    assert thresholds.graceful.judge(good).verdict is Verdict.HOLDS
    assert thresholds.fixed_drops.judge(good).verdict is Verdict.HOLDS
    assert thresholds.competitive.judge(good).verdict is Verdict.HOLDS
    assert "0.44" in thresholds.graceful.judge(good).result
    bad = _aspen(tmp_path, rng, {"fixed": 0.5, "aspen": 0.06})
    assert thresholds.graceful.judge(bad).verdict is Verdict.FAILS
    same = _aspen(tmp_path, rng, {"fixed": 0.5, "aspen": 0.5})
    assert thresholds.graceful.judge(same).verdict is not Verdict.FAILS


def _leads(folder, rng, **better):
    """Nets whose accuracy rises with the logarithm of their spikes, some better by a bit."""
    scale = {np.inf: 1.0, 10.0: 0.5, 6.0: 0.3, 3.0: 0.15}

    def spikes(row):
        return 8000 * scale[row["lead"]] / row["threshold"] ** 2 * (1 + row["seed"] / 100)

    def accuracy(row):
        knob = "threshold" if row["lead"] == np.inf else "lead"
        ahead = better.get(row["net"].replace(" ", "_"), 0) + better.get(knob, 0)
        return 0.4 + 0.1 * np.log(spikes(row) / 500) + ahead + 1e-4 * rng.standard_normal()

    def known(row):
        return accuracy(row)

    path = study_tables.write(
        "aspen_leads", folder, rng, spikes=spikes, spikes_known=spikes, accuracy=accuracy,
        accuracy_known=known, power=lambda row: 190 + scale[row["lead"]],
        power_off=lambda row: 190 * scale[row["lead"]], used=lambda row: scale[row["lead"]],
    )  # fmt: skip
    return results.read(path)


def test_verdicts_on_leads_follow_the_numbers(tmp_path, rng):
    good = _leads(tmp_path, rng, lead=0.1, fixed_early=0.05, aspen_early=0.05)
    assert leads.lead_or_threshold.judge(good).verdict is Verdict.HOLDS
    assert leads.fixed_stops.judge(good).verdict is Verdict.HOLDS
    assert leads.aspen_adds.judge(good).verdict is Verdict.FAILS, "both nets are alike"
    assert leads.early_adds.judge(good).verdict is Verdict.HOLDS
    saved = leads.power_saved.judge(good)
    assert saved.verdict is Verdict.FAILS, "0.7 of 191"
    assert "+70.0 %" in saved.result, "switched off after 0.3 of the window"
    bad = _leads(tmp_path, rng, lead=-0.1, aspen=0.05)
    assert leads.lead_or_threshold.judge(bad).verdict is Verdict.FAILS
    assert leads.fixed_stops.judge(bad).verdict is Verdict.FAILS
    assert leads.aspen_adds.judge(bad).verdict is Verdict.HOLDS


def test_accuracies_are_compared_at_equal_spikes(tmp_path, rng):
    """Between two settings a device takes turns; below the fewest spikes it leaves windows out."""
    d = _leads(tmp_path, rng)
    found = leads.at_equal(d, "fixed", "lead").isel(seed=0)
    ends = d.accuracy.sel(net="fixed", threshold=1.0).isel(seed=0)
    assert found.sel(share=1.0) == pytest.approx(ends.sel(lead=np.inf).item())
    assert found.sel(share=0.3) == pytest.approx(ends.sel(lead=6).item())
    half = (ends.sel(lead=6).item() + ends.sel(lead=10).item()) / 2
    assert found.sel(share=0.4) == pytest.approx(half)
    assert found.sel(share=0.1) == pytest.approx(ends.sel(lead=3).item() * 0.1 / 0.15)
    only = leads.at_equal(d, "fixed", "threshold").isel(seed=0)
    cheapest = d.accuracy.sel(net="fixed", threshold=2.4, lead=np.inf).isel(seed=0)
    assert only.sel(share=0.1) == pytest.approx(cheapest.item() * 0.1 * 2.4**2)


def test_settings_are_chosen_by_other_people_than_they_are_judged_by(tmp_path, rng):
    lucky = _leads(tmp_path, rng)
    setting = {"net": "fixed", "threshold": 1.0, "lead": 6.0}  # at 0.3 of the spikes
    lucky.accuracy.loc[setting] = 1.0
    at = {"share": 0.3, "seed": 0}
    assert leads.at_equal(lucky, "fixed", "both").sel(at) == pytest.approx(1.0)
    lucky.accuracy_known.loc[setting] = 0.0
    assert leads.at_equal(lucky, "fixed", "both").sel(at) < 0.7


def test_times_are_read_between_checkpoints():
    import xarray as xr

    curve = xr.DataArray(
        [[0.0, 0.4, 0.6], [0.0, 0.1, 0.2], [1.0, 1.0, 1.0]],
        dims=("window", "time"),
        coords={"time": [0.16, 0.32, 0.48]},
    )
    np.testing.assert_allclose(latency.time_of(0.5, curve), [0.4, np.nan, 0.08])


def test_intervals_decide():
    sure, unsure = Estimate(1.0, 0.5, 1.5, 5), Estimate(1.0, -0.5, 2.5, 5)
    assert by_sign(sure) is Verdict.HOLDS
    assert by_sign(sure, positive=False) is Verdict.FAILS
    assert by_sign(unsure) is Verdict.UNDECIDED
    small = Estimate(0.0, -0.1, 0.1, 5)
    assert by_sign(small) is Verdict.UNDECIDED
    assert by_sign(small, least=0.2) is Verdict.FAILS
    assert by_sign(small, least=0.2, positive=False) is Verdict.FAILS
    assert by_sign(Estimate(1.0, np.nan, np.nan, 1)) is Verdict.UNDECIDED


def test_what_theory_decides():
    assert aspen_claims.jensen.judge().verdict is Verdict.REGIME
    assert ahsar_claims.gate.judge().verdict is Verdict.REGIME
    assert ahsar_claims.feedback.judge().verdict is Verdict.REGIME


def test_both_forms_hold_every_claim():
    entries = stored_claims.entries()
    assert [entry.claim for entry in entries] == [claim for *_, claim in ALL]
    lines = ledger.markdown(entries).splitlines()
    assert len(lines) == len(entries) + 2
    assert {line.count(" | ") for line in lines} == {len(ledger.COLUMNS) - 1}
    assert ledger.table(entries).row_count == len(entries)
    with pytest.raises(InputError, match="paper 'bdett' is not known"):
        ledger.judge_all("bdett")


def test_the_readme_shows_the_ledger_as_it_is():
    remedy = "put what `neurosim claims --markdown` prints between README.md's claims lines"
    assert readme.section("claims") == ledger.markdown(stored_claims.entries()), remedy


def test_the_readme_shows_the_thresholds_as_they_are():
    table = thresholds.markdown(results.read(thresholds.STUDY.name))
    assert readme.section("thresholds") == table, "run `neurosim figures --gallery`"
    fixed = np.genfromtxt(
        store.shipped() / "aspen_thresholds.csv",
        delimiter=",",
        names=True,
        dtype=None,
        skip_header=8,
    )
    last = fixed[(fixed["net"] == "fixed") & (fixed["threshold"] == 2.4)]["accuracy"]
    assert len(last) == 5
    assert f"| {last.min():.2f} to {last.max():.2f} |" in table.splitlines()[-1]


def test_the_governors_verdict_follows_the_numbers(tmp_path, rng):
    def judged(gains):
        def right(row):
            gain = gains.get(row["dynamic_share"], 0.0) if row["policy"] == "select" else 0.0
            return 0.6 + gain + 0.001 * rng.standard_normal()

        path = study_tables.write("aspen_governor", tmp_path, rng, correct_share=right)
        return governor.adaptation.judge(results.read(path))

    assert judged({0.02: 0.05}).verdict is Verdict.HOLDS
    assert judged({0.02: -0.05, 0.95: 0.05}).verdict is Verdict.REGIME
    never = judged(dict.fromkeys(studies.get("aspen_governor").grid["dynamic_share"], -0.05))
    assert never.verdict is Verdict.FAILS
    assert "-0.05" in never.result
