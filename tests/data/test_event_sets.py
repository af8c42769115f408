"""N-MNIST as event frames, and Braille letters as rasters that go straight to a chip."""

import numpy as np
import pytest

from neurosim import data
from neurosim.data import catalogue, n_mnist_files
from neurosim.data.direct import Direct
from neurosim.errors import InputError, UnavailableError
from tests.data import official

# --- N-MNIST --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return official.n_mnist(tmp_path_factory.mktemp("n-mnist"), np.random.default_rng(4))


def test_an_event_is_five_bytes(tmp_path):
    x, y, on = [0, 33, 5], [33, 0, 6], [1, 0, 1]
    time = [1000, 70_000, 2**23 - 1]
    path = official.n_mnist_file(tmp_path / "a.bin", x, y, on, time)
    assert path.read_bytes()[:10] == bytes([0, 33, 0x80, 3, 232, 33, 0, 1, 17, 112])
    found = n_mnist_files.read(path)
    assert (found.x.tolist(), found.y.tolist()) == (x, y)
    assert found.on.tolist() == [True, False, True]
    assert found.time_us.tolist() == [0, 69_000, 2**23 - 1001]


def test_a_clock_that_ran_over_goes_on(tmp_path):
    path = official.n_mnist_file(
        tmp_path / "a.bin", [1, 0, 2], [1, 240, 2], [1, 0, 1], [8000, 0, 100]
    )
    assert n_mnist_files.read(path).time_us.tolist() == [0, 2**13 + 100 - 8000]


def test_frames_are_of_the_authors_parts(digits, tmp_path):
    found = data.n_mnist(digits, steps=4, recordings=None, cache_folder=tmp_path)
    assert found.frames.shape == (120, 4, 2, 34, 34)
    assert [len(p) for p in (found.train, found.validation, found.test)] == [90, 10, 20]
    assert (found.frames.sum(axis=(1, 2, 3, 4)) == 100).all()
    columns = found.frames.sum(axis=(1, 2, 3))
    assert (columns.argmax(axis=1) // 3 == found.labels).all()
    few = data.n_mnist(digits, recordings=3, cache_folder=tmp_path)
    assert (len(few), len(few.test)) == (50, 20)  # three of each digit to train on, both to test


def test_an_archive_of_the_same_recordings_is_the_same_set(digits, tmp_path):
    paths = sorted(digits.glob("*/*/*.bin"), key=lambda p: (p.parts[-3] == "Test", p))
    events = [n_mnist_files.read(path) for path in paths]
    together = {
        name: np.concatenate([getattr(e, field) for e in events])
        for name, field in (("x", "x"), ("y", "y"), ("on", "on"), ("t_us", "time_us"))
    }
    np.savez_compressed(
        tmp_path / n_mnist_files.PACKED,
        x=together["x"].astype(np.uint8),
        y=together["y"].astype(np.uint8),
        on=together["on"],
        t_us=together["t_us"].astype(np.uint32),
        offsets=np.cumsum([0, *map(len, events)]),
        labels=np.array([int(path.parent.name) for path in paths]),
        train=np.array([path.parts[-3] == "Train" for path in paths]),
    )
    packed = data.n_mnist(tmp_path, by="number", cache_folder=tmp_path / "kept")
    official_ = data.n_mnist(digits, by="number", recordings=None, cache_folder=tmp_path / "kept")
    for name in ("frames", "labels", "train", "validation", "test"):
        np.testing.assert_array_equal(getattr(packed, name), getattr(official_, name))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "0 bytes are no whole number of events"),
        (bytes(7), "7 bytes are no whole number"),
        (bytes([34, 0, 0, 0, 0]), r"pixel \(34, 0\) is beyond"),
        (bytes([0, 240, 0, 0, 0]), "no event of a pixel"),
    ],
)
def test_damaged_recordings_are_refused(tmp_path, content, says):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(InputError, match=says):
        n_mnist_files.read(tmp_path / "a.bin")


def test_missing_recordings_are_said(digits, tmp_path):
    with pytest.raises(InputError, match=r"100 .bin files, the official folder has 60000"):
        data.n_mnist(digits)
    with pytest.raises(UnavailableError, match="put the folders Train and Test"):
        data.n_mnist(tmp_path)


# --- Braille --------------------------------------------------------------------------------------


def test_letters_are_rasters_of_their_own_time_step(tmp_path, rng):
    found = data.braille(official.braille(tmp_path, rng))
    assert found.train.raster.shape[1:] == (256, 12)
    assert found.front_end == Direct(0.005, tuple(f"sensor {k}" for k in range(12)))
    for part in (found.train, found.validation, found.test):
        assert (part.raster.sum(axis=1).argmax(axis=1) == part.labels).all()
        assert set(part.labels) == set(range(7))
    assert len(found.train) + len(found.validation) + len(found.test) == 70


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x": np.full((7, 256, 12), 2, np.uint8)}, "x holds 2; events are 0 or 1"),
        ({"x": np.zeros((7, 256, 16), np.uint8)}, r"x is uint8 of shape \(7, 256, 16\)"),
        ({"y": np.full(7, 7)}, "letters are 0..6"),
        ({"y": np.zeros(6, int)}, "y is int64 of shape"),
        ({"x": np.zeros((0, 256, 12), np.uint8), "y": np.zeros(0, int)}, "x holds 0"),
    ],
)
def test_other_arrays_are_refused(tmp_path, change, says):
    arrays = {"x": np.zeros((7, 256, 12), np.uint8), "y": np.arange(7)} | change
    np.savez(tmp_path / "braille.npz", **arrays)
    with pytest.raises(InputError, match=says):
        data.braille(tmp_path)


# --- the real files -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), [("n-mnist", 1100), ("braille", 1158)])
def test_the_real_files_are_read(name, count, tmp_path):
    if not catalogue.present(catalogue.get(name)):
        pytest.skip(f"{name} is not here")
    if name == "braille":
        found = data.braille()
        assert len(found.train) + len(found.validation) + len(found.test) == count
    else:
        frames = data.n_mnist(recordings=None, cache_folder=tmp_path)
        assert len(frames) >= count
        assert frames.frames.any(axis=(2, 3, 4)).mean() > 0.95  # the camera moves all the time
