"""Studies run end to end at their fast size, on real recordings and digits."""

from __future__ import annotations

import os

import numpy as np
import pytest
from rich.console import Console

from neurosim import figures, studies
from neurosim.data import activity_sets
from neurosim.errors import UnavailableError
from neurosim.studies import results, runner
from neurosim.studies.aspen import activities
from neurosim.workflows import caches
from tests.data import official

OWN_DATA = [n for n in studies.names() if studies.get(n).user_files is None]


@pytest.fixture
def shared_nets(tmp_path_factory):
    """Return one folder of trained nets for all studies and workers, as a user has it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    return base / "nets"


def _run(name, folder, monkeypatch, nets=None, **changes):
    monkeypatch.setenv(caches.NETS_VARIABLE, str(nets or folder / "nets"))
    options = {
        "fast": True,
        "seeds": None,
        "only": [],
        "jobs": 1,
        "dask": None,
        "ship": False,
        "draw": figures.draw_results,
    } | changes
    with (folder / "log").open("w") as log:
        paths = runner.run_study(studies.get(name), folder, console=Console(file=log), **options)
    return results.read(paths[0])


@pytest.mark.slow
def test_laws_of_the_threshold(tmp_path, monkeypatch):
    d = _run("aspen_laws", tmp_path, monkeypatch, seeds=1)
    assert d.sizes == {"law": 3, "seed": 1, "threshold": 2}
    assert (d.spikes.sel(threshold=1.0) > d.spikes.sel(threshold=2.4)).all()
    assert (d.spikes > 0).all()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "nets").glob("*/network.safetensors")}
    assert len(before) == 3
    d = _run("aspen_switching", tmp_path, monkeypatch, seeds=1)
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "nets").glob("*/network.safetensors")}
    assert len(after) == 4, "the net trained at U(1, 2) is shared by both studies"
    assert before.items() <= after.items()


def test_homeostats_inside_and_outside_the_boundary(tmp_path, monkeypatch):
    d = _run("ahsar_stability", tmp_path, monkeypatch, seeds=1)
    swing = d.swing.isel(net=0, seed=0)
    assert float(swing.sel(factor=0.3)) < 0.02 < float(swing.sel(factor=3.0))
    assert (d.radius.sel(factor=0.3) < 1).all()
    assert (d.radius.sel(factor=3.0) > 1).all()


def test_a_population_in_brian2_is_brought_together(tmp_path, monkeypatch):
    d = _run("ahsar_population", tmp_path, monkeypatch, seeds=1)
    late = d.spread.isel(time=slice(-5, None)).mean("time").isel(seed=0)
    assert float(late.sel(beta=0.1)) < 0.8 * float(late.sel(beta=0.0))
    assert float(d.rate.min()) > 1


@pytest.fixture
def cifar_files(tmp_path, monkeypatch):
    """Tiny files of CIFAR-10 and CIFAR10-DVS of the official form, where studies look for them."""
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path / "sets"))
    rng = np.random.default_rng(0)
    official.cifar10(tmp_path / "sets" / "cifar10", rng)
    official.cifar10_dvs(tmp_path / "sets" / "cifar10-dvs", rng, recordings=10)


@pytest.mark.parametrize(("modality", "variant"), [("event", "none"), ("rgb", "full")])
def test_a_cifar_net_is_measured_on_tiny_official_files(
    modality, variant, cifar_files, tmp_path, monkeypatch
):
    monkeypatch.setenv(caches.NETS_VARIABLE, str(tmp_path / "nets"))
    study = studies.get("ahsar_cifar")
    only = {"modality": [modality], "variant": [variant]}
    (case,) = study.cases(1, fast=True, only=only)
    (row,) = study.measure(**case)
    assert set(row) == set(study.units)
    assert row["rate"] > 0
    assert all(0 <= row[name] <= 1 for name in ("accuracy", "accuracy_ood", "auroc", "fpr95"))


@pytest.mark.slow
def test_the_cifar_study_runs_whole_and_shows_its_table(cifar_files, tmp_path, monkeypatch):
    d = _run("ahsar_cifar", tmp_path, monkeypatch, seeds=1)
    assert d.sizes["modality"] == d.sizes["variant"] == 2
    assert "AHSAR" in (tmp_path / "log").read_text()


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder of tiny activity sets of the official form."""
    folder, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(0)
    official.uci_har(folder / "uci-har", rng)
    official.ku_har_file(folder / "ku-har", rng)
    official.unimib_shar(folder / "unimib-shar", rng)
    return folder


def test_activity_studies_on_tiny_official_files(tmp_path, sets, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(sets))
    d = _run("aspen_activities", tmp_path, monkeypatch, seeds=1, only=["data=uci-har"])
    assert d.sizes == {"data": 1, "net": 2, "seed": 1, "threshold": 3}
    assert (d.spikes.diff("threshold") < 0).all()
    assert float(d.spikes.sel(threshold=2.4).min()) > 0
    assert d.accuracy.sel(net="fixed", threshold=1.0).item() > 0.4, "six classes by their swing"
    runs = list((tmp_path / "nets").glob("*/network.safetensors"))
    assert len(runs) == 2, "kept for the next time"


@pytest.mark.slow
def test_activity_studies_of_all_sets_are_drawn_and_judged(tmp_path, sets, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(sets))
    only = [f"data={','.join(activities.OFFICIAL)}"]
    d = _run("aspen_activities", tmp_path, monkeypatch, seeds=1, only=only)
    assert d.sizes == {"data": 3, "net": 2, "seed": 1, "threshold": 3}
    assert (d.accuracy.max(("net", "threshold", "seed")) > 0.15).all(), "more than chance"
    assert activities.own_sets.judge(d).result.count("unimib-shar") == 1
    figure = figures.get("aspen_activities")
    path = tmp_path / "aspen_activities" / "aspen_activities.csv"
    assert len(figure.draw(figure.compute(path)).axes) == 12


def test_braille_letters_are_read_on_the_chip_and_verified(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path / "sets"))
    official.braille(tmp_path / "sets" / "braille", np.random.default_rng(0))
    d = _run("aspen_braille", tmp_path, monkeypatch)
    assert d.sizes == {"net": 2, "seed": 1, "threshold": 2, "lead": 2}
    assert (d["identical"] == 1).all()
    assert (d.used.sel(lead=np.inf) == 1).all()
    assert (d.spikes.diff("threshold") < 0).all(), "a higher threshold, fewer spikes"


def test_files_that_are_missing_are_named_before_anything_is_trained(tmp_path, sets, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    (tmp_path / "ku-har").symlink_to(sets / "ku-har")
    says = r"hapt: no such folder; pip install .*uci-har and unimib-shar must be.*data=ku-har"
    with pytest.raises(UnavailableError, match=says):
        _run("aspen_activities", tmp_path, monkeypatch)
    with pytest.raises(UnavailableError, match=r"cifar10-dvs: no such folder.*cifar10 must be"):
        _run("ahsar_cifar", tmp_path, monkeypatch)
    assert not (tmp_path / "nets").exists()


@pytest.mark.parametrize("name", activities.OFFICIAL)
def test_seeds_split_activity_sets_by_subject(name, sets, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(sets))
    found, default = activities.recordings(name, False)
    splits = [activities.split(name, default, seed) for seed in range(5)]
    assert splits[0] == default
    assert len(set(splits)) == 5
    for split in splits:
        sizes = [(len(s.train), len(s.validation), len(s.test)) for s in (split, default)]
        assert sizes[0] == sizes[1]
        assert {*split.train, *split.validation, *split.test} == set(found.subjects)
    if name == "ku-har":
        tested = [subject for split in splits for subject in split.test]
        assert sorted(tested) == list(range(1, 11)), "each block is tested once, with a neighbour"
        assert all(s.test[1] - s.test[0] == 1 for s in splits)
        assert len(found.classes) == activity_sets.XYLO_IMU_OUTPUTS


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN_DATA)
def test_every_study_runs_and_is_drawn(name, shared_nets, tmp_path, monkeypatch):
    d = _run(name, tmp_path, monkeypatch, nets=shared_nets)
    for column in studies.get(name).units:
        assert bool(d[column].notnull().any()), column
    activity = next((c for c in ("spikes", "rate") if c in d), None)
    if activity is not None:
        assert float(d[activity].max()) > 0, "nothing fired"
    smaller = ("aspen_laws", "aspen_switching", "aspen_granularity", "ahsar_nets",
               "networks_thresholds")  # fmt: skip
    # Their fast grids lack what the figure shows.
    if name in figures.names() and name not in smaller:
        assert (tmp_path / name / f"{name}.png").stat().st_size > 1000
