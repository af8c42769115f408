import importlib.util
import sys

import numpy as np
import pytest

from neurosim.data import seglearn
from neurosim.errors import InputError, UnavailableError


@pytest.fixture(scope="module")
def recordings():
    return seglearn.load()


def test_ten_subjects_do_seven_exercises_with_both_arms(recordings):
    assert len(recordings) == 140
    who = list(zip(recordings.subjects, recordings.labels, recordings.sides, strict=True))
    assert sorted(who) == [(s, y, a) for s in range(1, 11) for y in range(7) for a in (0, 1)]
    assert sum(map(len, recordings.signals)) == 244_102
    for signal in recordings.signals:
        assert signal.dtype == np.float64
        assert signal.shape[1] == 6
        assert np.isfinite(signal).all()
        assert 18.5 < len(signal) / recordings.rate_hz < 53


def test_acceleration_is_in_g(recordings):
    # A slowly moving arm feels gravity whatever its orientation, and little else.
    magnitudes = np.linalg.norm(np.concatenate(recordings.signals)[:, :3], axis=1)
    assert abs(np.median(magnitudes) - 1) < 0.1


def test_seglearn_is_not_imported(recordings):
    assert len(recordings)
    assert "seglearn" not in sys.modules


def test_a_changed_file_is_not_unpickled(tmp_path, monkeypatch):
    changed = bytearray(seglearn.find().read_bytes())
    changed[-5] ^= 1
    path = tmp_path / "watch_dataset.npy"
    path.write_bytes(changed)

    def unpickled(*_, **__):
        raise AssertionError("the changed file was opened")

    monkeypatch.setattr(seglearn.pickles, "loads", unpickled)
    with pytest.raises(InputError, match=r"watch_dataset.npy: SHA-256 .* reinstall"):
        seglearn.load(path)


def test_a_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(UnavailableError, match=r"nowhere\.npy"):
        seglearn.load(tmp_path / "nowhere.npy")


def test_a_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install seglearn"):
        seglearn.load()
