"""CIFAR-10 and CIFAR10-DVS on tiny files of the official form and on bad ones."""

import pickle

import numpy as np
import pytest

from neurosim import data
from neurosim.data import aedat, cifar10_dvs_files, pickles
from neurosim.data.event_frames import frames
from neurosim.errors import InputError, UnavailableError
from tests.data import official


@pytest.mark.parametrize("version", ["py", "bin"])
def test_both_versions_give_the_images(tmp_path, rng, version):
    folder, pixels = official.cifar10(tmp_path, rng, version)
    found = data.cifar10(folder, rows=20)
    assert found.images.shape == (120, 3, 32, 32)
    assert found.images.dtype == np.float32
    # Planar: 1024 red, 1024 green, 1024 blue, rows first.
    assert found.images[7, 1, 2, 3] == np.float32(pixels[7, 1024 + 2 * 32 + 3]) / np.float32(255)
    assert found.labels[:12].tolist() == [*range(10), 0, 1]
    assert found.test.tolist() == [*range(100, 120)]
    assert np.bincount(found.labels[found.validation]).tolist() == [1] * 10
    assert len(found.train) == 90


def test_a_pickle_as_python_2_wrote_it(tmp_path):
    # Protocol 2, strings as bytes of that time; the array's bytes follow its header.
    pixels = bytes(range(6))
    content = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b"
        b"\x87R(K\x01K\x02K\x03\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff"
        b"\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06" + pixels + b"tbU\x06labels](K\x03K\x05eu."
    )
    (tmp_path / "batch").write_bytes(content)
    found = pickles.load(tmp_path / "batch")
    np.testing.assert_array_equal(found[b"data"], [[0, 1, 2], [3, 4, 5]])
    assert found[b"labels"] == [3, 5]


class _Call:
    """Pickles as a call of a function with one argument."""

    def __init__(self, function, argument):
        self.call = function, (argument,)

    def __reduce__(self):
        return self.call


def test_a_pickle_cannot_run_anything(tmp_path):
    import os

    mark = tmp_path / "ran"
    for function, argument in (
        (os.system, f"touch {mark}"),
        (eval, f"open({str(mark)!r}, 'w')"),
        (np.load, str(mark)),
        (np.fromfile, str(mark)),
    ):
        (tmp_path / "evil").write_bytes(pickle.dumps({b"data": _Call(function, argument)}))
        with pytest.raises(InputError, match="asks for"):
            pickles.load(tmp_path / "evil")
        assert not mark.exists()


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        ([1, 2], "holds no `data`"),
        ({b"data": np.zeros((20, 3072), np.uint8)}, "holds no `data`"),
        ({b"data": np.zeros((20, 3072)), b"labels": [0] * 20}, "no matrix of bytes"),
        ({b"data": np.zeros((20, 784), np.uint8), b"labels": [0] * 20}, "expected"),
        ({b"data": np.zeros((20, 3072), np.uint8), b"labels": [0] * 19}, "19 labels"),
        ({b"data": np.zeros((20, 3072), np.uint8), b"labels": ["a"] * 20}, "0 labels"),
        ({b"data": np.zeros((20, 3072), np.uint8), b"labels": [10] * 20}, "labels range 10..10"),
        ({b"data": np.zeros((19, 3072), np.uint8), b"labels": [0] * 19}, "19 images"),
    ],
)
def test_bad_batches_are_refused(tmp_path, rng, batch, says):
    folder, _ = official.cifar10(tmp_path, rng)
    path = folder / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(pickle.dumps(batch, protocol=4))
    with pytest.raises(InputError, match=says):
        data.cifar10(folder, rows=20)


def test_damaged_and_missing_files_are_refused(tmp_path, rng):
    folder, _ = official.cifar10(tmp_path / "py", rng)
    path = folder / "cifar-10-batches-py" / "data_batch_1"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a readable pickle"):
        data.cifar10(folder, rows=20)
    path.unlink()
    with pytest.raises(UnavailableError, match="no such file"):
        data.cifar10(folder, rows=20)
    folder, _ = official.cifar10(tmp_path / "bin", rng, "bin")
    with pytest.raises(InputError, match="official file has 10000"):
        data.cifar10(folder)
    path = folder / "cifar-10-batches-bin" / "data_batch_1.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="whole number of records"):
        data.cifar10(folder, rows=20)
    with pytest.raises(UnavailableError, match=r"cifar10 is not there; it is in .*bin: give"):
        data.cifar10(tmp_path)


def test_aedat_events_come_back(tmp_path):
    x, y, on, time = [0, 127, 64], [5, 0, 127], [1, 0, 1], [1_000_100, 1_000_000, 1_000_500]
    found = aedat.read(official.aedat(tmp_path / "a.aedat", x, y, on, time))
    assert found.x.tolist() == x
    assert found.y.tolist() == y
    assert found.on.tolist() == [True, False, True]
    assert found.time_us.tolist() == [100, 0, 500]


def test_addresses_mean_what_the_vendors_reader_says(tmp_path):
    # jAER's DVS128: x = 127 - ((a & 0xFE) >> 1), y = (a & 0x7F00) >> 8, bit 0 set is OFF.
    addresses = [0x0000, 0x0001, 0x7FFE, 0x0503]
    records = np.stack([addresses, [0, 10, 20, 30]], axis=1).astype(">u4")
    path = tmp_path / "a.aedat"
    path.write_bytes(b"#!AER-DAT2.0\r\n# DVS128\r\n" + records.tobytes())
    events = aedat.read(path)
    assert events.on.tolist() == [True, False, True, False]
    assert events.x.tolist() == [127, 127, 0, 126]
    assert events.y.tolist() == [0, 0, 127, 5]
    counts = frames(events, 1, size=128)[0]
    assert counts[0, 0, 127] == counts[0, 127, 0] == 1  # channel 0 is ON; row, column
    assert counts[1, 0, 127] == counts[1, 5, 126] == 1
    assert counts.sum() == 4


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_a_header_ends_with_any_line_end(tmp_path, end):
    k = np.arange(20)  # rows 0 to 19: bytes 0x0A and 0x0D occur in the records
    path = official.aedat(tmp_path / "a.aedat", k, k, k % 2, 10 * k)
    path.write_bytes(path.read_bytes().replace(b"\r\n", end))
    events = aedat.read(path)
    assert events.y.tolist() == k.tolist()
    assert events.time_us.tolist() == (10 * k).tolist()


@pytest.mark.parametrize("spoil", [b"\r\r\n", b"\r\n\r\n", b"\rdate\r\n"])
def test_a_header_of_odd_line_ends_is_refused(tmp_path, spoil):
    path = official.aedat(tmp_path / "a.aedat", [1, 2], [3, 4], [0, 1], [10, 20])
    path.write_bytes(path.read_bytes().replace(b"1 us\r\n", b"1 us" + spoil))
    with pytest.raises(InputError, match=r"the file is cut|beyond a camera"):
        aedat.read(path)


def test_frames_cached_with_another_meaning_stay_unused(tmp_path, rng, monkeypatch):
    folder = official.cifar10_dvs(tmp_path / "set", rng, recordings=10)
    options = {"recordings": 10, "cache_folder": tmp_path / "cache", "size": 16, "steps": 2}
    data.cifar10_dvs(folder, **options)
    (old,) = (tmp_path / "cache").glob("*.safetensors")
    monkeypatch.setattr(cifar10_dvs_files, "READING", 3)
    calls = []
    data.cifar10_dvs(folder, progress=calls.append, **options)
    assert sum(calls) == 100
    assert len(list((tmp_path / "cache").glob("*.safetensors"))) == 2
    assert old.is_file()


def test_the_cameras_clock_may_run_over_and_its_marks_are_no_pixels(tmp_path):
    path = official.aedat(tmp_path / "a", [3, 4, 5], [6, 7, 8], [1, 1, 0], [2**32 - 10, 0, 15])
    mark = np.array([[0x8001, 20]], ">u4").tobytes()
    path.write_bytes(path.read_bytes() + mark)
    found = aedat.read(path)
    assert found.time_us.tolist() == [0, 10, 25]
    assert found.x.tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda c: c[:-16] + 2 * b"\x00\x00\x80\x01\x00\x00\x00\x01", "no event of a pixel"),
        (lambda c: c[:-3], "the file is cut"),
        (lambda c: c[:20], "ends within its header"),
        (lambda c: c[: c.rindex(b"\r\n") + 2], "0 bytes after the header"),
        (lambda c: b"#!AER-DAT3.1" + c[12:], "not an AEDAT 2.0"),
        (lambda c: b"", "not an AEDAT 2.0"),
        (lambda c: c + b"\x00\x01\x00\x00" + c[-4:], "address 0x10000"),
        (lambda c: c + c[-8:-4] + b"\x7f\xff\xff\xff", "time stamps span"),
    ],
)
def test_bad_aedat_files_are_refused(tmp_path, spoil, says):
    path = official.aedat(tmp_path / "a.aedat", [1, 2], [3, 4], [0, 1], [10, 20])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match=says):
        aedat.read(path)


@pytest.mark.parametrize("by", ["time", "number"])
def test_frames_keep_every_event(tmp_path, rng, by):
    x, y, on = rng.integers(0, 128, 500), rng.integers(0, 128, 500), rng.integers(0, 2, 500)
    time = rng.permutation(np.concatenate([np.arange(400), np.arange(100) * 1000 + 1000]))
    found = frames(
        aedat.read(official.aedat(tmp_path / "a", x, y, on, time)), 5, size=32, by=by
    ).astype(int)
    assert found.sum() == 500
    assert found[:, 0].sum() == on.sum()
    np.testing.assert_array_equal(
        found.sum(axis=(0, 1)), np.histogram2d(y, x, bins=32, range=[[0, 128]] * 2)[0]
    )
    per_step = found.sum(axis=(1, 2, 3))
    assert per_step.tolist() == ([100] * 5 if by == "number" else [420, 20, 20, 20, 20])


def test_dvs_recordings_become_frames_with_a_split(tmp_path, rng):
    folder = official.cifar10_dvs(tmp_path / "set", rng, recordings=10)
    calls = []
    options = {"recordings": 10, "cache_folder": tmp_path / "cache", "size": 16, "steps": 4}
    found = data.cifar10_dvs(folder, progress=calls.append, **options)
    assert found.frames.shape == (100, 4, 2, 16, 16)
    assert sum(calls) == 100
    assert [len(found.train), len(found.validation), len(found.test)] == [80, 10, 10]
    columns = found.frames.sum(axis=(1, 2, 3))  # class k fires in columns 8 k .. 8 k + 7 of 128
    np.testing.assert_array_equal(columns.argmax(axis=1), found.labels)
    again = data.cifar10_dvs(folder, progress=calls.append, **options)
    np.testing.assert_array_equal(again.frames, found.frames)
    assert sum(calls) == 100  # from the cache
    with pytest.raises(InputError, match=r"10 \.aedat files, the official folder has 1000"):
        data.cifar10_dvs(folder)
    with pytest.raises(InputError, match="by is 'colour'"):
        data.cifar10_dvs(folder, by="colour", recordings=10, cache_folder=tmp_path)


def test_a_missing_class_is_named(tmp_path, rng):
    folder = official.cifar10_dvs(tmp_path / "set", rng, recordings=1)
    for path in (folder / "frog").iterdir():
        path.unlink()
    (folder / "frog").rmdir()
    with pytest.raises(UnavailableError, match="frog: no such folder"):
        data.cifar10_dvs(folder, recordings=1, cache_folder=tmp_path / "cache")
