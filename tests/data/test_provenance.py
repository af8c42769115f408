import pytest

from neurosim import data
from neurosim.data import provenance
from neurosim.errors import InputError
from tests.data import official


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    from neurosim.data import cache

    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")


def test_a_runs_windows_are_found_again(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(provenance, "wrist_imu", _no_such_subjects)
    official.ku_har_file(tmp_path / "ku-har", rng, per_class=10)
    split = data.Split((1, 2, 3), (4,), (5, 6))
    made = data.activities("ku-har", tmp_path / "ku-har", classes="all", split=split)
    recorded = {
        "split": {"train": [1, 2, 3], "validation": [4], "test": [5, 6]},
        "train_sha256": provenance.train_sha256(made.train),
    }
    found = data.trained_on(recorded, made.front_end.to_dict(), folder=tmp_path)
    assert found.classes == made.classes
    assert (found.test.raster == made.test.raster).all()
    other = {**recorded, "train_sha256": "0" * 64}
    with pytest.raises(InputError, match="not those of ku-har"):
        data.trained_on(other, made.front_end.to_dict(), folder=tmp_path)
    with pytest.raises(InputError, match="any set present"):
        data.trained_on(other, made.front_end.to_dict(), folder=tmp_path / "empty")


def _no_such_subjects(*_, **__):
    raise InputError("subject 30 of the split has no recordings")
