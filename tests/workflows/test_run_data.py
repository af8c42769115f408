"""A run is deployed, verified, analysed, swept and priced on its own data, or on none."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import data
from neurosim.cli import app
from neurosim.data import cache, catalogue, sisfall, utd_mhad
from neurosim.errors import InputError
from neurosim.run import Run
from neurosim.workflows import (
    float_sweep,
    loihi_sweep,
    network_theory,
    run_data,
    stored_models,
    verification,
)
from neurosim.workflows.deployment import deploy_run
from neurosim.xylo import deploy
from tests import nets
from tests.data import official
from tests.training.small import small_dataset


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No data set of the machine's user is taken for a test's."""
    monkeypatch.setenv(catalogue.VARIABLE, str(tmp_path / "sets"))


@pytest.fixture
def dataset(rng):
    return small_dataset(rng)


def run_on(folder, rng, samples, hidden=(9, 8), **changes) -> Run:
    """An untrained run whose provenance is that of a data set."""
    channels = samples.train.raster.shape[2]
    outputs = min(len(samples.classes), 16)  # of a chip
    net = nets.network(rng, (channels, *hidden, outputs), gain=1.5)
    people = {part: getattr(samples.split, part) for part in ("train", "validation", "test")}
    provenance = {"dataset": samples.name, "split": people, "train_sha256": samples.train_sha256}
    return Run(
        folder,
        net,
        {"task": "imu"},
        samples.front_end.to_dict(),
        ({"epoch": 1.0},),
        {k: v for k, v in {**provenance, **changes}.items() if v is not None},
    ).save()


USES = {
    "deploy": lambda run, **own: deploy_run(run, **own),
    "verify": lambda run, **own: verification.prepare(run.folder, **own),
    "analyse": lambda run, **own: network_theory.predict_run(run, **own),
    "energy": lambda run, **own: stored_models.measure_model(run, (1.0,), **own),
    "loihi": lambda run, **own: loihi_sweep.sweep_on_loihi(run, (1.0,), **own),
    "sweep": lambda run, **own: float_sweep.sweep(run, thresholds=(1.0,), **own),
}
"""Every library function that needs a run's data; governor uses what energy uses."""


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
@pytest.mark.parametrize("use", USES)
def test_a_run_of_ones_own_data_is_used_on_these_alone(use, tmp_path, rng, dataset, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(network_theory, "WINDOWS", 4)  # whose windows they are is the question here
    run = run_on(tmp_path / "run", rng, dataset, hidden=(3, 3))
    with pytest.raises(InputError, match=r"run: the data it was trained on .* was not found"):
        USES[use](run)
    other = replace(dataset, train=dataset.train.select(np.arange(90)))
    with pytest.raises(InputError, match="other training samples"):
        USES[use](run, dataset=other)
    assert not list(run.folder.glob("spec*"))
    USES[use](run, dataset=dataset)
    forged = run_on(tmp_path / "forged", rng, dataset, train_sha256="0" * 64)
    with pytest.raises(InputError, match="other training samples"):
        USES[use](forged, dataset=dataset)
    with pytest.raises(InputError, match="was not found"):
        USES[use](forged)


@pytest.mark.parametrize(
    "command",
    [
        ("deploy",),
        ("verify",),
        ("verify", "--ladder"),
        ("analyse", "network"),
        ("energy",),
        ("governor",),
        ("loihi",),
    ],
)
def test_the_commands_refuse_data_that_they_cannot_find(command, tmp_path, rng, dataset):
    run = run_on(tmp_path / "run", rng, dataset)
    error = CliRunner().invoke(app, [*command, str(run.folder)]).exception
    assert isinstance(error, InputError)
    assert error.exit_status == 2
    assert "\n" not in str(error)
    for part in (str(run.folder), "made in Python", "dataset=", "neurosim data list"):
        assert part in str(error)


def test_calibration_windows_are_the_runs_own(tmp_path, rng, dataset, monkeypatch):
    """The fault that this resolver mends: integer scales chosen on other people's windows."""
    from neurosim.workflows import deployment

    calibrated = []
    honest = deployment.plan

    def plan(network, chip, *, calibration, **options):
        calibrated.append(calibration)
        return honest(network, chip, calibration=calibration, **options)

    monkeypatch.setattr(deployment, "plan", plan)
    deployment.report_run(run_on(tmp_path, rng, dataset), dataset=dataset, measure=False)
    (windows,) = calibrated
    assert windows.shape == (run_data.CALIBRATION, *dataset.train.raster.shape[1:])
    own = {window.tobytes() for window in dataset.train.raster}
    assert all(window.tobytes() in own for window in windows)


def test_a_wrist_run_is_found_by_name_and_by_trying(tmp_path, rng):
    wrist = data.wrist_imu()
    for name in ("wrist", None):  # None: runs from before the name was recorded
        run = run_on(tmp_path / str(name), rng, wrist, dataset=name)
        found = run_data.dataset_of(Run.load(run.folder))
        assert found.name == "wrist"
        np.testing.assert_array_equal(found.test.raster, wrist.test.raster)
    _, events = verification.prepare(run.folder)
    assert events.origin == f"wrist, test windows of subjects 8, 9, 10, which {name} was trained on"
    np.testing.assert_array_equal(events.labels, wrist.test.labels)
    forged = run_on(tmp_path / "forged", rng, wrist, train_sha256="0" * 64)
    with pytest.raises(InputError, match=r"tried: wrist \(other training samples\)"):
        run_data.dataset_of(forged)


def test_a_run_without_a_hash_needs_its_dataset(tmp_path, rng, dataset):
    run = run_on(tmp_path, rng, dataset, train_sha256=None)
    with pytest.raises(InputError, match="no train_sha256"):
        run_data.dataset_of(run)
    assert run_data.dataset_of(run, dataset) is dataset


def test_a_run_of_a_set_that_the_user_brings(tmp_path, rng):
    official.ku_har_file(tmp_path / "sets" / "ku-har", rng, per_class=10)
    split = data.Split((1, 2, 3), (4,), (5, 6))
    made = data.activities("ku-har", classes="all", split=split, cache_folder=tmp_path / "cache")
    run = run_on(tmp_path / "run", rng, made)
    found = run_data.windows_of(run)
    assert found.name == "ku-har"
    np.testing.assert_array_equal(found.test.raster, made.test.raster)
    with pytest.raises(InputError, match=r"ku-har \(not present\)"):
        run_data.dataset_of(run, folder=tmp_path / "empty")


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
@pytest.mark.parametrize(
    ("name", "write", "classes"),
    [
        ("sisfall", official.sisfall, ["F03", "D01"]),
        ("utd-mhad", official.utd_mhad, ["walk", "swipe left"]),
    ],
)
def test_a_run_of_some_classes_and_of_gravity(name, write, classes, tmp_path, rng, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(sisfall, "FILES", 4)
    monkeypatch.setattr(utd_mhad, "FILES", 16)
    write(tmp_path / "sets" / name, rng)
    split = data.Split((1,), (), (38,)) if name == "sisfall" else data.Split((1,), (2,), (3,))
    made = data.activities(name, classes=classes, split=split, channels="both")
    run = run_on(tmp_path / "run", rng, made, classes=classes)
    found = run_data.windows_of(run)
    assert found.front_end == made.front_end
    assert found.classes == tuple(classes)
    np.testing.assert_array_equal(found.test.raster, made.test.raster)
    said = CliRunner().invoke(app, ["deploy", str(run.folder)]).output
    assert "a microcontroller must send their events" in " ".join(said.split())
    with pytest.raises(InputError, match="classes is 3; it is a list of names"):
        run_data.dataset_of(run_on(tmp_path / "forged", rng, made, classes=3))


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_a_run_of_events_that_no_front_end_made(tmp_path, rng):
    official.braille(tmp_path / "sets" / "braille", rng)
    run = run_on(tmp_path / "run", rng, data.braille())
    found = run_data.windows_of(Run.load(run.folder))
    assert found.front_end == data.braille().front_end
    _, events = verification.prepare(run.folder)
    np.testing.assert_array_equal(events.raster, found.test.raster)
    _, spec = deploy_run(run)
    with pytest.raises(InputError, match=r"events of sensor 0, .*: give them, --raster"):
        verification.prepare(spec.rename(tmp_path / spec.name))


@pytest.fixture
def brought(tmp_path, rng, monkeypatch):
    """A run of a set that its user brought, and the folder of the set."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    folder = official.ku_har_file(tmp_path / "sets" / "ku-har", rng, per_class=10)
    split = data.Split((1, 2, 3), (4,), (5, 6))
    made = data.activities("ku-har", classes="all", split=split)
    return run_on(tmp_path / "run", rng, made), made, folder


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_a_moved_run_finds_its_data(brought, tmp_path):
    run, made, _ = brought
    moved = run.folder.rename(tmp_path / "elsewhere")
    _, events = verification.prepare(moved)
    np.testing.assert_array_equal(events.raster, made.test.raster)
    assert deploy_run(moved)[1].parent == moved
    assert stored_models.measure_model(moved, (1.0,)).wearers == (5, 6)


@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_file_that_changed_or_went_is_not_replaced_by_another(fault, brought, rng):
    run, _, folder = brought
    if fault == "missing":
        shutil.rmtree(folder)
    else:
        official.ku_har_file(folder, rng, per_class=10)  # files of the same format, other movements
    words = {
        "missing": r"ku-har \(not present\)",
        "changed": r"ku-har \(other training samples\)",
    }
    for use in USES.values():
        with pytest.raises(InputError, match=words[fault]):
            use(run)
    assert not list(run.folder.glob("spec*"))


def test_a_figure_of_a_demo_of_other_data_is_refused(tmp_path, rng, dataset):
    from neurosim.figures import predicted_spikes

    run = run_on(tmp_path / "demo" / "fixed", rng, dataset)
    deploy(run.network, calibration=dataset.train.raster).save(run.folder / "spec.safetensors")
    with pytest.raises(InputError, match=r"fixed: the data it was trained on .* was not found"):
        predicted_spikes.measure(tmp_path / "demo")


def test_image_runs_are_found_by_name_and_hash(tmp_path):
    digits = data.digits()

    def run_of(images):
        provenance = {"dataset": images.name, "train_sha256": images.train_sha256}
        return Run(tmp_path / "images", None, {}, {}, (), provenance)

    assert run_data.dataset_of(run_of(digits)).name == "digits"
    with pytest.raises(InputError, match=r"digits \(other training samples\)"):
        run_data.dataset_of(run_of(data.digits(seed=1)))
    with pytest.raises(InputError, match="no set here has that name"):
        run_data.dataset_of(run_of(replace(digits, name="digits without 3")))
    with pytest.raises(InputError, match="trained on images"):
        run_data.windows_of(run_of(digits))


def test_a_trained_run_records_name_and_hash_of_its_data(tmp_path, dataset):
    from neurosim.training import loop
    from tests.training.small import SMALL

    settings = {**SMALL, "epochs": 1}
    run = loop.train("fixed", folder=tmp_path, dataset=dataset, progress=False, **settings)
    assert run.provenance["dataset"] == ""
    assert run_data.dataset_of(Run.load(tmp_path), dataset) is dataset
    recorded = json.loads((tmp_path / "provenance.json").read_text())
    assert recorded["train_sha256"] == dataset.train_sha256


# --- what verify runs on without a run --------------------------------------------------------


def test_a_spec_without_a_run_says_why_it_is_run_on_wrist_windows(tmp_path, rng):
    from neurosim.xylo import deploy

    wrist = data.wrist_imu()
    net = nets.network(rng, (15, 9, 8, 7), gain=1.5)
    spec = deploy(net, calibration=wrist.train.raster[:20])
    spec = replace(spec, front_end=wrist.front_end.to_dict())
    path = spec.save(tmp_path / "alone.safetensors")
    _, events = verification.prepare(path)
    assert "chosen because no run says what alone was trained on" in events.origin
    assert events.labels is events.calibration is None
    assert "as named" in verification.prepare(path, "wrist-imu")[1].origin


def test_wrist_windows_by_name_are_not_taken_for_a_runs_own(tmp_path, rng):
    wrist = data.wrist_imu()
    run = run_on(tmp_path / "mine", rng, wrist, dataset="", train_sha256="0" * 64)
    with pytest.raises(InputError, match="was not found"):
        verification.prepare(run.folder)
    _, events = verification.prepare(run.folder, "wrist-imu")
    assert "mine was trained on other data" in events.origin
    assert events.labels is events.calibration is None


def test_runs_of_different_data_are_not_verified_together(tmp_path, rng, dataset):
    for name, size in (("one", 96), ("two", 90)):
        own = replace(dataset, train=dataset.train.select(np.arange(size)))
        run_on(tmp_path / name, rng, own)
    with pytest.raises(InputError, match="trained on different data"):
        verification.prepare(tmp_path, dataset=dataset)
