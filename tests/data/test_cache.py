from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from neurosim.data.cache import cached

KEY = {"what": "test", "scale": 0.5}


class Maker:
    """Counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.array([0.5])}


def test_a_hit_returns_identical_arrays_without_making_them(tmp_path):
    make = Maker()
    first, second = cached(KEY, make, tmp_path), cached(KEY, make, tmp_path)
    assert make.calls == 1
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype
        np.testing.assert_array_equal(first[name], second[name])


def test_another_key_is_another_file(tmp_path):
    make = Maker()
    cached(KEY, make, tmp_path)
    cached({**KEY, "scale": 0.25}, make, tmp_path)
    assert make.calls == 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    make = Maker()
    expected = cached(KEY, make, tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # in the arrays, behind the header
    path.write_bytes(
        {"cut": content[:-4], "flip": content, "empty": b"", "other": b"no safetensors"}[damage]
    )
    again = cached(KEY, make, tmp_path)
    assert make.calls == 2
    np.testing.assert_array_equal(again["a"], expected["a"])
    cached(KEY, make, tmp_path)
    assert make.calls == 2


def test_several_may_write_at_once_and_leave_no_scraps(tmp_path):
    make = Maker()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: cached(KEY, make, tmp_path), range(40)))
    for result in results:
        np.testing.assert_array_equal(result["a"], make()["a"])
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_where_nothing_can_be_written_nothing_is_cached(tmp_path):
    (tmp_path / "file").write_text("in the way")
    make = Maker()
    assert cached(KEY, make, tmp_path / "file" / "cache")["a"].shape == (3, 4)
    assert make.calls == 1
