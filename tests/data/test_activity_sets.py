"""The readers of activity sets, on tiny files of the official form and on bad ones."""

import re
from dataclasses import replace

import numpy as np
import pytest

from neurosim import data
from neurosim.data import activity_sets, catalogue, ku_har, uci_har, unimib_shar
from neurosim.data.windows import resample
from neurosim.errors import InputError, UnavailableError
from tests.data import official


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(1)
    official.uci_har(folder / "uci-har", rng)
    official.ku_har_file(folder / "ku-har", rng)
    official.unimib_shar(folder / "unimib-shar", rng)
    official.hapt(folder / "hapt", {})
    official.sisfall(folder / "sisfall", rng)
    official.utd_mhad(folder / "utd-mhad", rng)
    return folder


def test_uci_har_in_g_with_both_sensors(root):
    found = uci_har.read(root / "uci-har", rows=None)
    assert len(found) == 36
    assert found.signals[0].shape == (128, 6)
    assert found.labels.tolist() == [*range(6)] * 6
    assert sorted(set(found.subjects)) == [1, 2, 3, 4, 5, 6]
    assert abs(np.mean([s[:, 2].mean() for s in found.signals]) - 1) < 0.01
    split = uci_har.official_split(root / "uci-har")
    assert (split.train, split.validation, split.test) == ((1, 3, 5), (6,), (2, 4))
    x = np.loadtxt(root / "uci-har/UCI HAR Dataset/test/Inertial Signals/total_acc_y_test.txt")
    np.testing.assert_array_equal(found.signals[24][:, 1], x[0])


def test_ku_har_in_g_with_blocks_for_subjects(root):
    found = ku_har.read(root / "ku-har")
    assert len(found) == 180
    assert found.signals[0].shape == (300, 6)
    assert abs(np.mean([s[:, 2].mean() for s in found.signals]) - 1) < 0.01
    assert found.subjects.tolist() == [*range(1, 11)] * 18
    assert len(found.classes) == 18


def test_unimib_shar_in_g(root):
    found = unimib_shar.read(root / "unimib-shar", rows=None)
    assert len(found) == 270
    assert found.signals[0].shape == (151, 3)
    assert abs(np.mean([s[:, 2].mean() for s in found.signals]) - 1) < 0.01
    assert np.bincount(found.labels).tolist() == [30] * 9
    assert sorted(set(found.subjects)) == [*range(1, 31)]


@pytest.mark.parametrize(
    ("name", "steps", "options"),
    [
        ("uci-har", 512, {}),
        ("ku-har", 600, {"classes": "all"}),
        ("unimib-shar", 604, {}),
    ],
)
def test_every_window_is_resampled_and_encoded(root, tmp_path, name, steps, options):
    found = data.activities(name, root / name, cache_folder=tmp_path, rows=None, **options)
    assert found.train.raster.shape[1:] == (steps, 15)
    recordings, split = activity_sets.read(name, root / name, rows=None)
    assert sum(len(p) for p in (found.train, found.validation, found.test)) == len(recordings)
    first = int(np.flatnonzero(split.mask("test", recordings.subjects))[0])
    signal = resample(recordings.signals[first][:, :3], recordings.rate_hz)
    held = np.concatenate([np.repeat(signal[:1], 800, axis=0), signal])
    np.testing.assert_array_equal(found.test.raster[0], found.front_end.encode(held)[800:])
    assert found.test.raster.any(axis=(1, 2)).all()


def test_the_files_are_found_in_the_users_folder(root, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(root))
    found = data.activities("ku-har", classes=("walk", "run"), cache_folder=tmp_path, rows=None)
    assert found.classes == ("walk", "run")
    assert set(found.train.labels) == {0, 1}
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"put adl_data\.mat"):
        data.activities("unimib-shar")


def test_a_place_without_the_files_says_what_to_do(root, tmp_path):
    top = root / "uci-har" / "UCI HAR Dataset"
    for place in (top / "train", top / "train" / "y_train.txt", root):
        where = re.escape(str(root / "uci-har" if place == root else top))
        with pytest.raises(UnavailableError, match=f"uci-har is not there; it is in {where}: give"):
            data.activities("uci-har", place)
    with pytest.raises(UnavailableError, match="put the folder `UCI HAR Dataset` into"):
        data.activities("uci-har", tmp_path)
    (tmp_path / "UCI HAR Dataset.zip").write_bytes(b"PK")
    with pytest.raises(UnavailableError, match=r"unpack UCI HAR Dataset\.zip there"):
        data.activities("uci-har", tmp_path)
    with pytest.raises(InputError, match="digits comes with the package sklearn"):
        catalogue.find("digits", tmp_path)


@pytest.mark.parametrize("name", activity_sets.NAMES)
def test_files_that_may_not_be_read_are_named(root, monkeypatch, name):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UnavailableError, match="you may not read it"):
        activity_sets.read(name, root / catalogue.get(name).home, rows=None)


def test_the_order_of_the_classes_is_the_order_of_the_labels(root, tmp_path):
    names = ("walk", "run")
    both = [
        data.activities("ku-har", root / "ku-har", classes=order, cache_folder=tmp_path).test
        for order in (names, names[::-1])
    ]
    np.testing.assert_array_equal(both[0].raster, both[1].raster)
    np.testing.assert_array_equal(both[0].labels, 1 - both[1].labels)


def test_the_scale_knows_the_strongest_training_window(root, monkeypatch):
    monkeypatch.setattr(activity_sets, "_SCALE_WINDOWS", 2)
    recordings, split = activity_sets.read("uci-har", root / "uci-har", rows=None)
    first = int(np.flatnonzero(split.mask("train", recordings.subjects))[1])
    signals = list(recordings.signals)
    signals[first] = signals[first] * 8
    louder = replace(recordings, signals=tuple(signals), digest="louder")
    assert first not in activity_sets._telling(recordings, split)
    found = activity_sets._telling(louder, split)
    assert first in found
    assert len(found) == 3
    assert split.mask("train", louder.subjects)[found].all()


def test_ku_har_needs_a_choice_of_classes_for_the_chip(root):
    with pytest.raises(InputError, match=r"18 classes, the Xylo IMU 16 outputs.*table-tennis"):
        data.activities("ku-har", root / "ku-har")
    with pytest.raises(InputError, match="'swim' is not known"):
        data.activities("ku-har", root / "ku-har", classes=("swim",))
    with pytest.raises(InputError, match="set 'wisdm'"):
        data.activities("wisdm", root)


def test_the_official_counts_are_asked_for(root):
    with pytest.raises(InputError, match="24 rows, the official file has 7352"):
        data.activities("uci-har", root / "uci-har")
    with pytest.raises(InputError, match="270 rows, the official file has 7579"):
        data.activities("unimib-shar", root / "unimib-shar")


def _replace(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


def _cut(path):
    path.write_bytes(path.read_bytes()[:-2000])


def _first_number(path, value, delimiter=None):
    lines = path.read_text().splitlines()
    numbers = lines[0].split(delimiter)
    lines[0] = (delimiter or " ").join([value, *numbers[1:]])
    path.write_text("\n".join(lines))


UCI = "UCI HAR Dataset/train"
INERTIAL = f"{UCI}/Inertial Signals"


@pytest.mark.parametrize(
    ("file", "spoil", "error", "says"),
    [
        (f"{UCI}/y_train.txt", lambda p: p.unlink(), UnavailableError, "no such file"),
        (f"{UCI}/y_train.txt", lambda p: _replace(p, "1\n", "7\n"), InputError, "class is 7"),
        (f"{UCI}/y_train.txt", lambda p: _replace(p, "1\n", "1.5\n"), InputError, "class is 1.5"),
        (f"{UCI}/y_train.txt", lambda p: p.write_text(""), InputError, "expected rows of 1"),
        (f"{UCI}/subject_train.txt", lambda p: _replace(p, "1", "31"), InputError, "subject is 31"),
        (f"{UCI}/subject_train.txt", lambda p: _replace(p, "1", "2"), InputError, "train and test"),
        (f"{UCI}/subject_train.txt", lambda p: p.write_text("1\n" * 23), InputError, "23 rows"),
        (f"{INERTIAL}/total_acc_x_train.txt", _cut, InputError, "not a table|23 rows"),
        (
            f"{INERTIAL}/total_acc_y_train.txt",
            lambda p: _first_number(p, "nan"),
            InputError,
            "row 1 column 1 is not finite",
        ),
        (
            f"{INERTIAL}/body_gyro_z_train.txt",
            lambda p: _first_number(p, "900"),
            InputError,
            "body_gyro reaches 900",
        ),
        (
            f"{INERTIAL}/total_acc_z_train.txt",
            lambda p: _first_number(p, "up"),
            InputError,
            "not a table of numbers",
        ),
    ],
)
def test_bad_uci_har_files_are_refused(tmp_path, rng, file, spoil, error, says):
    official.uci_har(tmp_path, rng)
    uci_har.read(tmp_path, rows=None)
    spoil(tmp_path / file)
    with pytest.raises(error, match=says):
        uci_har.read(tmp_path, rows=None)


def _last_columns(path, label):
    rows = np.loadtxt(path, delimiter=",")
    rows[3, -3] = label
    np.savetxt(path, rows, delimiter=",", fmt="%.6g")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: _last_columns(p, 18), "row 4: class is 18"),
        (lambda p: _replace(p, ",", ";"), "not a table|expected rows of 1803"),
        (lambda p: _first_number(p, "1e4", ","), "acceleration in g reaches 1020"),
        (lambda p: p.write_text("1,2,3\n"), "rows of 1803 numbers"),
    ],
)
def test_bad_ku_har_files_are_refused(tmp_path, rng, spoil, says):
    official.ku_har_file(tmp_path, rng, per_class=1)
    assert len(ku_har.read(tmp_path)) == 18
    spoil(tmp_path / ku_har.FILE)
    with pytest.raises(InputError, match=says):
        ku_har.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("adl_data.mat", b"not a matrix", "not a readable MATLAB"),
        ("adl_data.mat", {"fall_data": np.zeros((18, 453))}, "holds no matrix adl_data"),
        ("adl_data.mat", {"adl_data": np.zeros((18, 452))}, "rows of 453"),
        ("adl_data.mat", {"adl_data": np.full((18, 453), 1e3)}, "reaches 102"),
        ("adl_data.mat", {"adl_data": np.full((18, 453), 1j)}, "matrix of real numbers"),
        ("adl_data.mat", {"adl_data": np.array(["walk"])}, "matrix of real numbers"),
        ("adl_labels.mat", {"adl_labels": np.ones((17, 3))}, "17 rows"),
        ("adl_labels.mat", {"adl_labels": np.full((18, 3), 10)}, "class is 10"),
    ],
)
def test_bad_unimib_files_are_refused(tmp_path, rng, name, content, says):
    from scipy.io import savemat

    official.unimib_shar(tmp_path, rng, people=2)
    assert len(unimib_shar.read(tmp_path, rows=None)) == 18
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        savemat(tmp_path / name, content)
    with pytest.raises(InputError, match=says):
        unimib_shar.read(tmp_path, rows=None)
