import hashlib
import json
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from neurosim import store
from neurosim.data.cache import cached, prune

KEY = {"what": "test", "scale": 0.5}
FORM = {"a": ("u", (3, "n")), "b": ("f", (1,))}


class Maker:
    """Counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.array([0.5])}


def test_a_hit_returns_identical_arrays_without_making_them(tmp_path):
    make = Maker()
    first, second = cached(KEY, make, FORM, tmp_path), cached(KEY, make, FORM, tmp_path)
    assert make.calls == 1
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype
        np.testing.assert_array_equal(first[name], second[name])


def test_another_key_is_another_file(tmp_path):
    make = Maker()
    cached(KEY, make, FORM, tmp_path)
    cached({**KEY, "scale": 0.25}, make, FORM, tmp_path)
    assert make.calls == 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    make = Maker()
    expected = cached(KEY, make, FORM, tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # in the arrays, behind the header
    path.write_bytes(
        {"cut": content[:-4], "flip": content, "empty": b"", "other": b"no safetensors"}[damage]
    )
    again = cached(KEY, make, FORM, tmp_path)
    assert make.calls == 2
    np.testing.assert_array_equal(again["a"], expected["a"])
    cached(KEY, make, FORM, tmp_path)
    assert make.calls == 2


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"a": np.zeros((3, 4), np.uint8), "c": np.zeros(1)}, "a, c in place of a, b"),
        ({}, "none in place of a, b"),
        ({"a": np.zeros((3, 4)), "b": np.zeros(1)}, r"a is float64 of shape \(3, 4\)"),
        ({"a": np.zeros((2, 4), np.uint8), "b": np.zeros(1)}, r"a is uint8 of shape \(2, 4\)"),
        ({"a": np.zeros(3, np.uint8), "b": np.zeros(1)}, r"a is uint8 of shape \(3,\)"),
        ({"a": np.zeros((3, 4, 1), np.uint8), "b": np.zeros(1)}, r"shape \(3, 4, 1\)"),
    ],
)
def test_a_file_with_other_arrays_is_named_and_made_again(tmp_path, arrays, says):
    """Its key and its checksum are right: only what it holds is not what belongs there."""
    make = Maker()
    path = path_of(KEY, tmp_path)
    store.save(path, "cache", arrays, {"key": json.dumps(KEY, sort_keys=True)})
    with pytest.warns(UserWarning, match=f"{path}: holds other arrays .*{says}.* made again"):
        assert cached(KEY, make, FORM, tmp_path)["a"].shape == (3, 4)
    assert make.calls == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cached(KEY, make, FORM, tmp_path)
    assert make.calls == 1


def test_axes_of_one_name_have_one_length(tmp_path):
    form = {"a": ("u", ("n",)), "b": ("u", ("n",))}
    path = path_of(KEY, tmp_path)
    arrays = {"a": np.zeros(2, np.uint8), "b": np.zeros(3, np.uint8)}
    store.save(path, "cache", arrays, {"key": json.dumps(KEY, sort_keys=True)})
    with pytest.warns(UserWarning, match=r"b is uint8 of shape \(3,\)"):
        cached(KEY, lambda: {"a": arrays["a"], "b": arrays["a"]}, form, tmp_path)


def test_several_may_write_at_once_and_leave_no_scraps(tmp_path):
    make = Maker()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: cached(KEY, make, FORM, tmp_path), range(40)))
    for result in results:
        np.testing.assert_array_equal(result["a"], make()["a"])
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_where_nothing_can_be_written_nothing_is_cached(tmp_path):
    (tmp_path / "file").write_text("in the way")
    make = Maker()
    assert cached(KEY, make, FORM, tmp_path / "file" / "cache")["a"].shape == (3, 4)
    assert make.calls == 1


def test_pruning_deletes_what_nobody_used(tmp_path):
    make = Maker()
    for scale in range(5):
        cached({**KEY, "scale": scale}, make, FORM, tmp_path)
    files = {scale: path_of({**KEY, "scale": scale}, tmp_path) for scale in range(5)}
    now = time.time()
    for scale, path in files.items():
        os.utime(path, (now, now - 86400 * 10 * scale))
    cached({**KEY, "scale": 4}, make, FORM, tmp_path)  # used again
    left_behind = tmp_path / "tmpkilled"
    left_behind.mkdir()
    os.utime(left_behind, (now, now - 2 * 86400))
    (tmp_path / "notes.txt").write_text("not ours")
    assert make.calls == 5
    assert set(prune(tmp_path, days=25)) == {files[3], left_behind}
    assert files[4].exists()
    size = files[0].stat().st_size
    prune(tmp_path, size=2 * size)
    assert {k for k in files if files[k].exists()} == {0, 4}
    prune(tmp_path, size=0)
    assert files[4].exists()  # the one used last stays
    assert (tmp_path / "notes.txt").exists()


def test_writing_prunes(tmp_path):
    make = Maker()
    cached(KEY, make, FORM, tmp_path)
    old = path_of(KEY, tmp_path)
    os.utime(old, (0, 0))
    cached({**KEY, "scale": 1}, make, FORM, tmp_path)
    assert not old.exists()


def path_of(key, folder):
    text = json.dumps(key, sort_keys=True)
    return folder / (hashlib.sha256(text.encode()).hexdigest()[:24] + ".safetensors")
