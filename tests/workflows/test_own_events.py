"""Events of a user's own go to a net without a front end: rasters to a chip's, a camera's to an
image net."""

import numpy as np
import pytest

import neurosim as ns
from neurosim import data
from neurosim.data import event_files
from neurosim.errors import InputError
from neurosim.training.recording_files import RecordingFiles
from neurosim.workflows import look as looking
from neurosim.workflows import run_data
from neurosim.workflows.deployment import deploy_run


def rasters(rng, samples=40, steps=60, channels=12):
    """Two letters, each loud on half of the channels."""
    labels = np.arange(samples) % 2
    loud = (np.arange(channels) < channels // 2) == (labels[:, None] == 0)
    chance = np.where(loud, 0.5, 0.05)[:, None, :]
    return (rng.random((samples, steps, channels)) < chance), labels


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_rasters_train_a_net_that_a_chip_runs(tmp_path, rng):
    x, labels = rasters(rng)
    np.savez_compressed(tmp_path / "letters.npz", x=x, y=np.array(["A", "B"])[labels], dt=0.005)
    small = {"epochs": 6, "hidden": (12,), "batch_size": 8, "weight_gain": 1.0}
    files = {"path": str(tmp_path / "letters.npz")}
    run = ns.train("fixed", data=files, folder=tmp_path / "run", learning_rate=0.01, **small)
    assert run.data["classes"] == ["A", "B"]
    assert run.network.dt == 0.005
    assert run.network.shape[0] == 12
    assert run.metrics[-1]["validation_accuracy"] > 0.8  # chance is 1/2
    windows = run_data.dataset_of(ns.Run.load(run.folder))
    assert [len(getattr(windows, part)) for part in ("train", "validation", "test")] == [26, 6, 8]
    assert sum(int(getattr(windows, p).raster.sum()) for p in ("train", "validation", "test")) == (
        x.sum()
    )
    spec, _ = deploy_run(run)
    assert spec.channels == 12
    with pytest.raises(InputError, match="was not trained on recordings"):
        run.predict(np.zeros((100, 3)))


def test_people_of_rasters_are_split(tmp_path, rng):
    x, labels = rasters(rng)
    people = np.arange(40) // 8
    np.savez(tmp_path / "x.npz", x=x.astype(np.uint16), labels=labels, people=people)
    with pytest.raises(InputError, match="give --rate, the steps a second"):
        event_files.read_rasters(tmp_path / "x.npz")
    read = event_files.read_rasters(tmp_path / "x.npz", rate=200)
    assert read.front_end.dt == 0.005
    assert sorted(map(len, (read.split.train, read.split.validation, read.split.test))) == [1, 1, 3]
    number = read.people.index("3") + 1
    rows = np.concatenate(
        [p.raster[p.subjects == number] for p in (read.train, read.validation, read.test)]
    )
    assert np.array_equal(rows, x[24:32])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(40, int)}, "all samples are 0"),
        ({"y": np.zeros(39, int)}, r"labels \(40,\) are needed; it holds y \(39,\)"),
        (
            {"x": np.full((40, 5, 3), 300, np.uint16)},
            "uint16 of shape .40, 5, 3.; give counts 0..255",
        ),
    ],
)
def test_rasters_that_are_none(tmp_path, rng, change, message):
    x, labels = rasters(rng, steps=5, channels=3)
    np.savez(tmp_path / "x.npz", **{"x": x, "y": labels, "dt": 0.01, **change})
    with pytest.raises(InputError, match=message):
        event_files.read_rasters(tmp_path / "x.npz")


def camera(rng, recordings=60, events=80):
    """Blobs on the left, or on the right, of a camera of 12 x 12."""
    labels = np.arange(recordings) % 2
    x = rng.integers(0, 6, (recordings, events)) + 6 * labels[:, None]
    y = rng.integers(0, 12, (recordings, events))
    time = np.sort(rng.integers(0, 300_000, (recordings, events)), axis=1)
    on = rng.random((recordings, events)) < 0.5
    offsets = np.arange(recordings + 1) * events
    flat = {"x": x, "y": y, "on": on, "t_us": time}
    return {k: v.ravel() for k, v in flat.items()} | {"offsets": offsets, "labels": labels}


def test_a_cameras_events_are_counted_into_frames(tmp_path, rng):
    arrays = camera(rng)
    np.savez(tmp_path / "events.npz", **arrays)
    read = event_files.read_camera(tmp_path / "events.npz", steps=3)
    assert read.images.shape == (60, 3, 2, 12, 12)
    assert read.images.sum() == 60 * 80
    third = slice(160, 240)
    on = arrays["on"][third]
    assert read.images[2, :, 0].sum() == on.sum()
    expected = np.bincount(arrays["x"][third], minlength=12)
    assert np.array_equal(read.images[2].sum(axis=(0, 1, 2)), expected)
    assert sorted(np.concatenate([read.train, read.validation, read.test])) == list(range(60))


def test_an_image_net_is_trained_on_a_cameras_events(tmp_path, rng):
    np.savez(tmp_path / "events.npz", **camera(rng))
    files = {"path": str(tmp_path / "events.npz")}
    small = {"net": "mlp", "steps": 4, "epochs": 6, "batch_size": 8, "homeostat": False}
    run = ns.train("ahsar-digits", data=files, folder=tmp_path / "run", **small)
    assert run.metrics[-1]["validation_accuracy"] > 0.8  # chance is 1/2
    assert run_data.dataset_of(run).train_sha256 == run.provenance["train_sha256"]
    arrays = camera(np.random.default_rng(1))
    np.savez(tmp_path / "events.npz", **arrays)
    with pytest.raises(InputError, match=r"events\.npz has changed since"):
        run_data.dataset_of(run)
    with pytest.raises(InputError, match="train an image net"):
        ns.train("aspen", data=files, folder=tmp_path / "other")
    missing = {"path": str(tmp_path / "rows.csv")}
    with pytest.raises(ns.UnavailableError, match="no such file, folder or set"):
        ns.train("ahsar-digits", data=missing, folder=tmp_path / "other")
    (tmp_path / "rows.csv").write_text("x,y,z")
    with pytest.raises(InputError, match="reads events of a camera"):
        ns.train("ahsar-digits", data=missing, folder=tmp_path / "other")


def test_windows_of_a_sensor_are_no_rasters(tmp_path, rng):
    np.savez(tmp_path / "x.npz", x=rng.normal((0, 0, 1), 0.2, (4, 200, 3)), y=[0, 1, 0, 1])
    assert event_files.kind_of(tmp_path / "x.npz") == ""
    assert len(data.read_recordings(tmp_path / "x.npz", rate=50, label="y", units="g")) == 4


def test_settings_without_use_are_refused(tmp_path, rng):
    x, labels = rasters(rng)
    np.savez(tmp_path / "x.npz", x=x, y=labels, dt=0.005)
    np.savez(tmp_path / "events.npz", **camera(rng))
    with pytest.raises(InputError, match="units g has no use for rasters"):
        RecordingFiles(path=str(tmp_path / "x.npz"), units="g").dataset()
    with pytest.raises(InputError, match=r"window_s 1\.0 has no use for recordings of a camera"):
        RecordingFiles(path=str(tmp_path / "events.npz"), window_s=1.0).frames(3)
    with pytest.raises(InputError, match=r"rate 50\.0 has no use for the set wrist"):
        RecordingFiles(path="wrist", rate=50.0).dataset()
    assert RecordingFiles(path="wrist").dataset().name == "wrist"


def test_a_look_at_rasters(tmp_path, rng):
    x, labels = rasters(rng)
    np.savez(tmp_path / "x.npz", x=x, y=labels, dt=0.005)
    seen = looking.look(RecordingFiles(path=str(tmp_path / "x.npz")))
    assert [c.windows for c in seen.classes] == [20, 20]
    assert seen.classes[0].seconds == pytest.approx(20 * 60 * 0.005)
    rates = dict(seen.channels)
    assert rates["channel 3"] == pytest.approx(x[:, :, 3].mean() * 200)
    assert seen.ceiling > 0.9  # each class is loud on its own channels
