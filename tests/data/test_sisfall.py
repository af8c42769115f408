"""SisFall and UTD-MHAD: the official files, and the same recordings packed in one archive."""

import numpy as np
import pytest

from neurosim import data
from neurosim.data import catalogue, sisfall, utd_mhad
from neurosim.errors import InputError
from tests.data import official


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(3)
    official.sisfall(folder / "sisfall", rng, sisfall.PEOPLE)
    official.utd_mhad(folder / "utd-mhad", rng)
    return folder


def test_sisfall_in_g_of_one_accelerometer(root):
    found = sisfall.read(root / "sisfall", files=None)
    assert len(found) == 2 * 38
    assert [found.classes[k] for k in found.labels[:2]] == ["D01", "F03"]
    assert found.subjects.tolist() == np.repeat(np.arange(1, 39), 2).tolist()
    path = root / "sisfall/SisFall_dataset/SE01/F03_SE01_R01.txt"
    raw = np.loadtxt(path.read_text().replace(";", "").splitlines(), delimiter=",")
    old = sisfall.OLD[0]
    k = int(np.flatnonzero((found.subjects == old) & (found.labels == 21))[0])
    np.testing.assert_array_equal(found.signals[k], raw[:, :3] * 32 / 2**13)
    assert abs(found.signals[k][:, 1].mean() + 1) < 0.2  # the long axis of the body


def test_utd_mhad_in_g_and_radians(root):
    found = utd_mhad.read(root / "utd-mhad", files=None)
    assert len(found) == 16
    assert found.subjects.tolist() == [*range(1, 9)] * 2
    assert {found.classes[k] for k in found.labels} == {"swipe left", "walk"}
    assert 1.2 < np.std(found.signals[0][:, 3:]) < 2  # 90 degrees/s are 1.57 rad/s


@pytest.mark.parametrize("name", ["sisfall", "utd-mhad"])
def test_an_archive_of_the_same_recordings_is_the_same_set(root, tmp_path, name):
    module = {"sisfall": sisfall, "utd-mhad": utd_mhad}[name]
    found = module.read(root / name, files=None)
    if name == "sisfall":
        signals = [np.round(256 * s).astype(np.int16) for s in found.signals]
        labels = [found.classes[k] for k in found.labels]
        people = [sisfall.PEOPLE[k - 1] for k in found.subjects]
        official.packed(tmp_path / module.PACKED, signals, labels, people, "acceleration")
    else:
        signals = [np.hstack([s[:, :3], np.rad2deg(s[:, 3:])]) for s in found.signals]
        signals = [s.astype(np.float32) for s in signals]
        place = tmp_path / module.PACKED
        official.packed(place, signals, found.labels + 1, found.subjects, "signal")
    packed = module.read(tmp_path, files=None)
    assert packed.digest == found.digest
    np.testing.assert_array_equal(packed.labels, found.labels)
    np.testing.assert_array_equal(packed.subjects, found.subjects)
    for one, other in zip(packed.signals, found.signals, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)  # float32 of degrees


@pytest.mark.parametrize(
    ("name", "classes", "windows"),
    [("sisfall", ("D01", "F03"), 22 * 2), ("utd-mhad", ("swipe left", "walk"), 3 * 2)],
)
def test_recordings_are_cut_into_windows(root, tmp_path, name, classes, windows):
    with pytest.raises(InputError, match="the Xylo IMU 16 outputs: give classes"):
        data.activities(name, root / name, rows=None)
    found = data.activities(
        name, root / name, classes=classes, rows=None, channels="both", cache_folder=tmp_path
    )
    assert found.train.raster.shape == (windows, 512, 15)
    assert found.train.raster.any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"offset": [0, 10]}, "2 offsets for 2 recordings of 20 samples"),
        ({"offset": [0, 20, 20]}, "offset 2 does not rise"),
        ({"offset": [1, 10, 20]}, "start with 0"),
        ({"activity": ["D01", "D20"]}, "activity 'D20' is none of D01..F15"),
        ({"person": ["SA01", "SB02"]}, "person 'SB02' is none of"),
        ({"acceleration": np.full((20, 3), 5000, np.int16)}, "reaches 5000"),
        ({"acceleration": np.zeros((20, 3))}, "acceleration is float64"),
        ({"acceleration": np.zeros((20, 6), np.int16)}, r"shape \(20, 6\)"),
        ({"person": None}, "holds no array person"),
    ],
)
def test_archives_that_do_not_fit_are_refused(tmp_path, change, says):
    arrays = {
        "acceleration": np.ones((20, 3), np.int16),
        "offset": [0, 10, 20],
        "activity": ["D01", "D02"],
        "person": ["SA01", "SE02"],
    }
    held = {name: array for name, array in (arrays | change).items() if array is not None}
    np.savez(tmp_path / sisfall.PACKED, **held)
    with pytest.raises(InputError, match=says):
        sisfall.read(tmp_path, files=None)


def test_another_number_of_files_is_said(root):
    with pytest.raises(InputError, match="76 recordings, the official set has 4505"):
        sisfall.read(root / "sisfall")
    with pytest.raises(InputError, match="16 recordings, the official set has 861"):
        utd_mhad.read(root / "utd-mhad")


@pytest.mark.parametrize(
    ("name", "seconds", "peak"), [("sisfall", 79_294.645, 16.0), ("utd-mhad", 3112.76, 8.0)]
)
def test_the_real_files_hold_all_recordings(name, seconds, peak):
    """The sensors' ranges are +-16 g and +-8 g, and some throw or fall reaches each."""
    if not catalogue.present(catalogue.get(name)):
        pytest.skip(f"{name} is not here")
    module = {"sisfall": sisfall, "utd-mhad": utd_mhad}[name]
    found = module.read(catalogue.find(name))
    assert sum(map(len, found.signals)) / found.rate_hz == pytest.approx(seconds, rel=1e-9)
    assert max(np.abs(s[:, :3]).max() for s in found.signals) == pytest.approx(peak, rel=1e-3)
    resting = np.median(np.linalg.norm(found.signals[0][:, :3], axis=1))
    assert 0.9 < resting < 1.1
