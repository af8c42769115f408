"""From a file of a user's own to a verified net and labels of new recordings, by commands alone."""

import csv
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import neurosim as ns
from neurosim import data, engines, readout, store
from neurosim.cli import app
from neurosim.data import cache, catalogue, recording_files
from neurosim.data.windows import cut, encode_recording
from neurosim.errors import InputError
from neurosim.training import config
from neurosim.training.recording_files import RecordingFiles
from neurosim.workflows import float_sweep, loihi_sweep, network_theory, prediction, run_data
from neurosim.workflows import look as looking
from neurosim.workflows.deployment import deploy_run
from neurosim.workflows.stored_models import measure_model
from neurosim.workflows.sweep import threshold_sweep
from tests.data import own

SMALL = """
preset = "aspen"
hidden = [24, 24]
epochs = 10
batch_size = 8
weight_gain = 0.6
"""


def neurosim(*arguments):
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return " ".join(done.output.split()), done.exception


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with recordings of three people, settings, and a run of one command on them."""
    place = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "folder", lambda: place / "cache")
        patch.setenv(catalogue.VARIABLE, str(place / "sets"))
        own.table(seconds=12).to_csv(place / "mine.csv", index=False)
        (place / "small.toml").write_text(SMALL)
        command = ("train", place / "small.toml", "--data", place / "mine.csv")
        said, error = neurosim(*command, "--out", place / "run")
        assert error is None, error
        (place / "said.txt").write_text(said)
        yield place


@pytest.fixture(scope="module")
def run(place):
    return ns.Run.load(place / "run")


def test_the_command_says_what_it_read_and_how_classes_are_told_apart(place, run):
    said = (place / "said.txt").read_text()
    for what in ("walk", "recall", "test (p", "balanced", "saved in"):
        assert what in said
    for what in ("'activity' (by its name)", "50 Hz"):
        assert any(what in note for note in run.data["reading"]["notes"])
    assert run.data["classes"] == ["shake", "tilt", "walk"]
    assert run.data["people"] == ["p1", "p2", "p3"]
    assert run.data["reading"]["digest"] == recording_files.digest(place / "mine.csv")
    assert run.metrics[-1]["validation_accuracy"] > 0.6  # chance is 1/3
    for part in ("validation", "test"):
        counts = np.array(run.confusion[part])
        assert counts.shape == (3, 4)
        assert counts.sum() == len(getattr(run_data.dataset_of(run), part))
    counts = np.array(run.confusion["validation"])
    last = run.metrics[-1]
    assert np.trace(counts) / counts.sum() == pytest.approx(last["validation_accuracy"])
    recalls = np.diag(counts) / counts.sum(axis=1)
    assert recalls.mean() == pytest.approx(last["validation_balanced_accuracy"])


def test_the_confusion_is_that_of_the_saved_net(run):
    test = run_data.dataset_of(run).test
    spikes = engines.get("torch").run(run.network, test.raster).spikes[-1]
    decided = readout.decide(spikes)
    expected = np.zeros((3, 4), int)
    for true, said in zip(test.labels, decided, strict=True):
        expected[true, said] += 1  # -1, no decision, is the last
    assert run.confusion["test"] == expected.tolist()


def test_the_windows_are_those_of_the_file(place, run):
    stored = run_data.dataset_of(run)
    read = RecordingFiles(path=str(place / "mine.csv")).dataset()
    for part in ("train", "validation", "test"):
        ours, theirs = getattr(stored, part), getattr(read, part)
        for name in ("raster", "labels", "subjects"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert stored.reading == read.reading
    assert stored.front_end == read.front_end
    assert stored.split == read.split


@pytest.fixture(scope="module")
def tiny(place):
    """A net of few neurons, since theory takes seconds for each."""
    files = {"path": str(place / "mine.csv")}
    return ns.train("aspen", data=files, epochs=1, hidden=(3, 3), folder=place / "tiny")


USES = {
    "deploy": lambda run: deploy_run(run, force=True),
    "analyse": network_theory.predict_run,
    "energy": lambda run: measure_model(run, (1.0,)),
    "loihi": lambda run: loihi_sweep.sweep_on_loihi(run, (1.0,)),
    "sweep": lambda run: float_sweep.sweep(run, thresholds=(1.0,)),
}


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
@pytest.mark.parametrize(
    "use", [pytest.param(u, marks=pytest.mark.slow if u == "analyse" else ()) for u in USES]
)
def test_the_run_is_used_without_another_word(use, place, tiny, monkeypatch):
    """Also where the file is gone: the windows are in the folder."""
    monkeypatch.setattr(network_theory, "WINDOWS", 4)
    monkeypatch.setattr(recording_files, "read_stretches", None)
    assert USES[use](tiny) is not None


def test_a_net_is_deployed_swept_and_verified(place, run):
    said, error = neurosim("deploy", run.folder, "--force")
    assert error is None
    assert "saved in" in said
    said, error = neurosim("verify", run.folder)
    assert error is None
    assert "identical" in said
    assert "mine.csv, test windows of subjects p" in said
    said, error = neurosim("sweep", run.folder, "--scale", 1, "--jobs", 1)
    assert error is None
    assert "Test windows, integer net" in said
    spec = ns.XyloSpec.load(run.folder / "spec-xylo-imu.safetensors")
    test = run_data.dataset_of(run).test
    rows = threshold_sweep(spec, test.raster, test.labels, (1.0, 2.0), workers=1)
    assert rows[0]["spikes_per_inference"] > rows[1]["spikes_per_inference"] > 0


def test_a_sweep_writes_no_specification_and_is_that_of_the_one_deployed(place, run, tmp_path):
    bare = shutil.copytree(run.folder, tmp_path / "bare", ignore=shutil.ignore_patterns("spec*"))
    _, error = neurosim("sweep", bare, "--scale", 2, "--lead", 3, "--out", tmp_path / "rows.csv")
    assert error is None, error
    assert not list(bare.glob("spec*"))
    spec, _ = deploy_run(bare)
    test = run_data.dataset_of(run).test
    expected = threshold_sweep(spec, test.raster, test.labels, (2.0,), leads=(3,), workers=1)
    rows = store.read_table(tmp_path / "rows.csv", remedy="sweep again")
    assert rows["spikes_per_inference"] == pytest.approx(
        [row["spikes_per_inference"] for row in expected], rel=1e-5
    )
    assert rows["accuracy"].tolist() == pytest.approx([row["accuracy"] for row in expected])
    assert rows["spikes_per_inference"].min() > 0


def test_changed_windows_are_not_taken(place, run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "run")
    path = tmp_path / "run" / "windows.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"windows\.safetensors: damaged or changed"):
        ns.Run.load(tmp_path / "run")


def test_without_a_copy_the_file_is_read_again_if_it_is_the_same(place, tmp_path):
    own.table(seconds=6).to_csv(tmp_path / "mine.csv", index=False)
    files = {"path": str(tmp_path / "mine.csv"), "keep_windows": False}
    small = {"epochs": 1, "hidden": (4,), "folder": tmp_path / "run"}
    run = ns.train("aspen", data=files, **small)
    assert not (run.folder / "windows.safetensors").exists()
    assert run_data.dataset_of(run).train_sha256 == run.provenance["train_sha256"]
    again = ns.train(run.folder, folder=tmp_path / "again")  # by its folder alone
    assert again.network.digest() == run.network.digest()
    with (tmp_path / "mine.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match=r"mine\.csv has changed since"):
        run_data.dataset_of(run)


def test_recordings_made_in_python_train_a_run_that_needs_nothing_else(place, tmp_path):
    rng = np.random.default_rng(1)
    pairs = [(p, kind) for p in range(3) for kind in ("walk", "shake")]
    signals = [own.signal(rng, kind, 6) * 1000 for _, kind in pairs]
    kinds, people = [k for _, k in pairs], [p for p, _ in pairs]
    made = data.recordings(signals, kinds, people, rate=50, units="mg")
    run = ns.train("aspen", dataset=made, epochs=1, hidden=(4,), folder=tmp_path / "run")
    assert run_data.dataset_of(ns.Run.load(run.folder)).classes == ("shake", "walk")
    rows = run.predict(signals[0])  # in mg, as they were
    assert len(rows) == 3
    assert run.predict(signals[0][::2], rate=25) != []


# --- new recordings -------------------------------------------------------------------------------


def test_predictions_are_those_of_the_net_on_the_encoded_whole(run):
    signal = own.signal(np.random.default_rng(7), "walk", 15).astype(np.float32)
    front_end = data.FrontEnd.from_dict(run.front_end)
    windows = cut(encode_recording(signal, 50, front_end))
    recording = engines.get("torch").run(run.network, windows)
    counts = recording.spikes[-1].sum(axis=1).astype(float)
    logits = run.config["logit_scale"] * counts
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = run.predict(signal)
    assert len(rows) == len(windows) == 10
    assert [row.start_s for row in rows] == [1.28 * k for k in range(10)]
    decided = readout.decide(recording.spikes[-1])
    assert [row.label for row in rows] == [run.data["classes"][k] for k in decided]
    assert [row.spikes for row in rows] == [
        sum(int(layer[k].sum()) for layer in recording.spikes) for k in range(10)
    ]
    np.testing.assert_allclose([row.confidence for row in rows], odds.max(axis=1), rtol=1e-12)
    assert sum(row.spikes for row in rows) > 1000


@pytest.mark.parametrize("rate", [50.0, 200.0, 31.25])
def test_a_stream_gives_the_rows_of_the_whole_to_the_bit(run, rate):
    rng = np.random.default_rng(8)
    signal = np.concatenate([own.signal(rng, k, 5, rate) for k in ("shake", "walk")])
    whole = run.predict(signal, rate=rate)
    assert len(whole) >= 5
    for size in (1, 37, 5000) if rate == 50 else (64,):
        chunks = (signal[at : at + size] for at in range(0, len(signal), size))
        assert list(run.stream(chunks, rate=rate)) == whole


def test_a_stream_answers_while_samples_come(run):
    """The first row comes once its window is complete and the filter has looked 0.2 s ahead."""
    taken = []

    def samples():
        rng = np.random.default_rng(9)
        for row in own.signal(rng, "walk", 60):
            taken.append(1)
            yield row[None]

    first = next(run.stream(samples()))
    assert first.start_s == 0
    assert 128 <= len(taken) <= 128 + 12


def test_the_integer_net_of_a_chip_decides(run):
    deploy_run(run, force=True)
    signal = own.signal(np.random.default_rng(10), "shake", 6)
    spec = ns.XyloSpec.load(run.folder / "spec-xylo-imu.safetensors")
    front_end = data.FrontEnd.from_dict(run.front_end)
    windows = cut(encode_recording(signal.astype(np.float32), 50, front_end))
    spikes = engines.get("xylosim").run(spec, windows).spikes
    rows = run.predict(signal, chip="xylo-imu")
    assert [row.spikes for row in rows] == [sum(int(s[k].sum()) for s in spikes) for k in range(3)]
    with pytest.raises(InputError, match="neurosim deploy"):
        run.predict(signal, chip="xylo-audio-2")


def test_a_decision_falls_at_a_lead(run):
    """At the first step with the lead, by counting along; a chip's rule is the deployed one."""
    signal = own.signal(np.random.default_rng(11), "walk", 6).astype(np.float32)
    front_end = data.FrontEnd.from_dict(run.front_end)
    windows = cut(encode_recording(signal, 50, front_end))
    spikes = engines.get("torch").run(run.network, windows).spikes
    rows = run.predict(signal, lead=5)
    for k, row in enumerate(rows):
        counts = np.zeros(3, int)
        for step in range(512):
            counts += spikes[-1][k, step]
            if np.sort(counts)[-1] - np.sort(counts)[-2] >= 5:
                break
        assert row.decided_s == (step + 1) / 200
        assert row.label == run.data["classes"][counts.argmax()]
        assert row.spikes == sum(int(layer[k, : step + 1].sum()) for layer in spikes)
    assert min(row.decided_s for row in rows) < 2.56
    assert {row.decided_s for row in run.predict(signal)} == {2.56}
    deploy_run(run, "xylo-imu", decision=readout.Rule(lead=5), force=True)
    deployed = run.predict(signal, chip="xylo-imu")
    assert deployed == run.predict(signal, chip="xylo-imu", lead=5)
    deploy_run(run, "xylo-imu", force=True)
    assert deployed != run.predict(signal, chip="xylo-imu")


def test_a_file_is_labelled_by_one_command(place, run, tmp_path):
    new = own.table(seed=5, people=1, seconds=6)
    new.loc[450:, "timestamp"] += 5000
    new.drop(columns=["activity", "person"]).to_csv(tmp_path / "new.csv", index=False)
    said, error = neurosim("predict", run.folder, tmp_path / "new.csv", "--out", tmp_path / "l.csv")
    assert error is None, error
    with (tmp_path / "l.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} windows" in said
    assert rows[0].keys() == {"recording", "start_s", "label", "confidence", "spikes", "decided_s"}
    # Three kinds with a pause between them, and the longer gap within the second.
    assert {row["recording"] for row in rows} == {"0", "1", "2", "3"}
    starts = [float(row["start_s"]) for row in rows]
    assert starts == sorted(starts)
    neurosim("predict", run.folder, tmp_path / "new.csv", "--out", tmp_path / "l.json")
    loaded = json.loads((tmp_path / "l.json").read_text())
    assert [row["spikes"] for row in loaded] == [int(row["spikes"]) for row in rows]
    assert {row["label"] for row in loaded} <= {*run.data["classes"], None}
    said, error = neurosim("predict", run.folder, tmp_path / "new.csv")
    assert error is None
    assert "start_s" in said


def test_a_sensor_at_rest_is_labelled(run, tmp_path):
    """Constant axes are no reason to refuse new recordings; to train on them they are."""
    still = own.table(people=1, seconds=4).assign(ax=0.0, ay=0.0, az=1.0)
    still.to_csv(tmp_path / "still.csv", index=False)
    assert prediction.predict_file(run, tmp_path / "still.csv")
    with pytest.raises(InputError, match="nothing was recorded there"):
        data.read_recordings(tmp_path / "still.csv")


def test_predictions_refuse_what_they_cannot_label(place, run, tmp_path):
    own.table(people=1, seconds=2).to_csv(tmp_path / "short.csv", index=False)
    _, error = neurosim("predict", run.folder, tmp_path / "short.csv")
    assert "longest recording lasts 2 s, a window of this run 2.56 s" in str(error)
    with pytest.raises(InputError, match=r"signal has shape \(5,\)"):
        run.predict(np.zeros(5))
    with pytest.raises(InputError, match="not finite"):
        run.predict(np.full((200, 3), np.nan))
    table = own.table(people=1, seconds=6)
    table.rename(columns={"ay": "b"}).to_csv(tmp_path / "other.csv", index=False)
    _, error = neurosim("predict", run.folder, tmp_path / "other.csv")
    assert "no column 'ay'" in str(error)
    _, error = neurosim("data", "look", "wrist")
    assert "is a set" in str(error)


# --- a look, and settings -------------------------------------------------------------------------


def test_a_look_says_what_is_understood_and_what_to_do(place, tmp_path):
    table = own.table(seconds=12)
    still = table[table.activity == "tilt"].copy()
    still[["ax", "ay", "az"]] = np.random.default_rng(0).normal((0, 0, 1), 0.002, (len(still), 3))
    mixed = np.where(table.activity == "tilt", "sit", table.activity)
    table.loc[still.index, ["ax", "ay", "az"]] = still[["ax", "ay", "az"]]
    table.assign(activity=mixed).to_csv(tmp_path / "still.csv", index=False)
    said, error = neurosim("data", "look", tmp_path / "still.csv")
    assert error is None, error
    assert "5,400 rows, 9 recordings, 108 s at 50 Hz of 3 people: p1, p2, p3" in said
    assert "100% of 'sit' has no event: use --channels" in said
    seen = looking.look(RecordingFiles(path=str(tmp_path / "still.csv")))
    silent = {c.name: c.silent for c in seen.classes}
    assert silent["sit"] == 1.0
    assert silent["shake"] < 0.1
    assert seen.ceiling > 0.9  # loud, middling, nothing
    assert sum(c.windows for c in seen.classes) == 9 * 8
    assert {c.seconds for c in seen.classes} == {36.0}


def test_settings_come_from_a_table_and_old_ones_stay(place, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SMALL + '\n[data]\npath = "mine.csv"\ncolumns = ["x", "y", "z"]\nrate = 50\n')
    settings = config.load(path)
    assert settings.data.columns == ("x", "y", "z")
    assert settings.data.rate == 50
    dumped = settings.model_dump(mode="json")
    assert config.TrainConfig(**dumped) == settings
    assert config.load("aspen").model_dump(exclude_defaults=True) == {"threshold": (1.0, 1.5)}
    for line, message in (
        ('paht = "x"', r"'data\.paht' is unknown; did you mean 'path'"),
        ("window_s = 0", r"data\.window_s"),
        ('channels = "band"', r"data\.channels"),
    ):
        path.write_text(SMALL + f'\n[data]\npath = "mine.csv"\n{line}\n')
        with pytest.raises(InputError, match=message):
            config.load(path)
    with pytest.raises(InputError, match="are events already"):
        config.load("ahsar-digits-events", data={"path": "x"})


def test_classes_that_are_not_equal_weigh_alike():
    import torch

    from neurosim.training.losses import class_weights

    labels = torch.tensor([0] * 6 + [1] * 3 + [3])
    files = RecordingFiles(path="x")
    weights = class_weights(labels, config.load("aspen", data=files))
    # 10 samples, 3 classes: 10 / (3 n); a class without samples counts as one of 1
    np.testing.assert_allclose(weights[[0, 1, 3]], [10 / 18, 10 / 9, 10 / 3], rtol=1e-6)
    sums = [float(weights[k] * (labels == k).sum()) for k in (0, 1, 3)]
    np.testing.assert_allclose(sums, 10 / 3, rtol=1e-6)
    assert class_weights(labels, config.load("aspen")) is None
    assert class_weights(labels, config.load("aspen", data=files, class_weights=False)) is None
    assert class_weights(torch.arange(4), config.load("aspen", data=files)) is None
    assert class_weights(labels, config.load("aspen", class_weights=True)) is not None


def test_the_report_names_what_a_class_is_taken_for():
    from neurosim.report import own_recordings

    counts = np.array([[3, 0, 0, 1], [2, 2, 0, 0], [0, 0, 0, 0]])
    assert own_recordings.balanced(counts) == (3 / 4 + 2 / 4) / 2
    assert own_recordings.balanced(counts * 0) != own_recordings.balanced(counts * 0)


def test_a_run_of_another_kind_is_refused(tmp_path, rng):
    from tests import nets

    run = ns.Run(tmp_path, nets.network(rng), {"task": "imu"}, {"shape": [1]}, (), {})
    with pytest.raises(InputError, match="was not trained on recordings"):
        prediction.predict(run, np.zeros((600, 3)))
