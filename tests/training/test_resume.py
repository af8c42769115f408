"""Runs that are interrupted, killed or struck by an error go on to the same weights, bit by bit"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim import store
from neurosim.data.images import image_set
from neurosim.errors import InputError
from neurosim.training import checkpoint, config, loop, trained_module
from neurosim.training.evaluation import evaluate
from neurosim.training.tasks import task_for
from tests.training.small import SMALL, small_dataset

ROOT = Path(__file__).parents[2]
# Everything that a checkpoint has to hold: random thresholds, momenta, a schedule of two parts,
# the homeostat with its slow gain, the best weights so far.
EVERYTHING = SMALL | {
    "epochs": 4,
    "threshold_per": "neuron",
    "threshold_when": "sample",
    "optimiser": "adamw",
    "weight_decay": 1e-3,
    "warm_up": 1,
    "clip": 0.5,
    "patience": 3,
    "homeostat": True,
    "threads": 1,  # sums of another number of threads round otherwise
}
BATCHES = 3 * EVERYTHING["epochs"]


class Struck(Exception):
    pass


def train(folder, resume=False, source="aspen", dataset=None, **changes):
    dataset = dataset or small_dataset(np.random.default_rng(20))
    return loop.train(
        source,
        folder=folder,
        dataset=dataset,
        resume=resume,
        checkpoint_seconds=0,
        **(changes or EVERYTHING),
    )


def strike(monkeypatch, batch):
    """Raise an error in the middle of a batch, counted from now."""
    norm, calls = torch.nn.utils.get_total_norm, []

    def counted(*args, **options):
        calls.append(args)
        if len(calls) == batch:
            raise Struck
        return norm(*args, **options)

    monkeypatch.setattr(torch.nn.utils, "get_total_norm", counted)


def equal(a, b):
    """Whether two runs are the same in everything that was computed."""
    assert a.metrics == b.metrics
    if a.network is not None:
        assert a.network.digest() == b.network.digest()
    for x, y in ((a.weights, b.weights), (a.homeostat, b.homeostat)):
        assert (x is None) == (y is None)
        for name in x or ():
            assert x[name].tobytes() == y[name].tobytes()
    return True


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = train(tmp_path_factory.mktemp("whole"))
    assert run.metrics[-1]["spikes_per_neuron_and_step"] > 0.01
    assert np.ptp(run.homeostat["scale"]) > 0.01
    return run


def struck_at(monkeypatch, folder, batch, **arguments):
    """Train, be struck at a batch, and go on to the end."""
    with monkeypatch.context() as patch:
        strike(patch, batch)
        with pytest.raises(Struck):
            train(folder, **arguments)
    assert (folder / checkpoint.NAME).is_file() == (batch > 1)
    return train(folder, resume=True, **arguments)


# --- errors and signals ---------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 5, 9])  # the first; inside an epoch; the last of one
def test_a_struck_run_goes_on_to_the_same_weights(monkeypatch, tmp_path, whole, batch):
    run = struck_at(monkeypatch, tmp_path, batch)
    assert equal(run, whole)
    assert equal(ns.Run.load(tmp_path), whole)
    assert not (tmp_path / checkpoint.NAME).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_batch(monkeypatch, tmp_path, whole, number):
    norm, calls = torch.nn.utils.get_total_norm, []

    def counted(*args, **options):
        calls.append(args)
        if len(calls) == 4:
            os.kill(os.getpid(), number)
        return norm(*args, **options)

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.utils, "get_total_norm", counted)
        # Far from the next regular checkpoint: it is the signal that saves.
        with pytest.raises(KeyboardInterrupt):
            loop.train(
                "aspen",
                folder=tmp_path,
                dataset=small_dataset(np.random.default_rng(20)),
                checkpoint_seconds=1e9,
                **EVERYTHING,
            )
    assert signal.getsignal(number) is before
    assert len(calls) == 5  # the batch in which the signal came, and the one that saw it
    assert checkpoint.load(tmp_path / checkpoint.NAME)["done"] == 2
    assert equal(train(tmp_path, resume=True), whole)


def test_a_finished_run_is_returned_and_another_is_trained(tmp_path, whole):
    run = train(tmp_path)
    written = (tmp_path / "network.safetensors").stat().st_mtime_ns
    assert equal(train(tmp_path, resume=True), run)
    assert (tmp_path / "network.safetensors").stat().st_mtime_ns == written
    again = loop.train(tmp_path, dataset=small_dataset(np.random.default_rng(20)))
    assert again.folder == tmp_path
    assert equal(again, run)
    other = train(tmp_path, resume=True, **(EVERYTHING | {"epochs": 2}))
    assert len(other.metrics) == 2


def test_a_checkpoint_of_an_earlier_version_is_refused_and_cleared_away(tmp_path):
    earlier = tmp_path / "checkpoint.safetensors"
    store.save(earlier, "checkpoint", {}, {"state": {}})
    with pytest.raises(InputError, match=r"an earlier neurosim.*train again without resume"):
        train(tmp_path, resume=True)
    assert earlier.is_file()
    train(tmp_path, **(EVERYTHING | {"epochs": 2}))
    assert not earlier.exists()


@pytest.mark.parametrize("change", [{"learning_rate": 0.02}, {"seed": 1}])
def test_a_checkpoint_of_other_settings_is_refused(monkeypatch, tmp_path, change):
    with monkeypatch.context() as patch:
        strike(patch, 3)
        with pytest.raises(Struck):
            train(tmp_path)
    name = next(iter(change))
    with pytest.raises(InputError, match=rf"{name} was .* in the interrupted run, and is now"):
        train(tmp_path, resume=True, **(EVERYTHING | change))
    other = small_dataset(np.random.default_rng(21))
    with pytest.raises(InputError, match="other samples"):
        train(tmp_path, resume=True, dataset=other)


def test_early_stopping_keeps_the_best_weights(tmp_path):
    slow = SMALL | {"learning_rate": 0.06, "epochs": 12, "patience": 2, "seed": 2}
    run = train(tmp_path, **slow)
    losses = [row["validation_loss"] for row in run.metrics]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 12
    until = train(tmp_path / "until", **(slow | {"epochs": 12, "patience": None}))
    assert [row["validation_loss"] for row in until.metrics][: len(losses)] == losses
    dataset = small_dataset(np.random.default_rng(20))
    task = task_for(config.TrainConfig(**run.config), dataset, torch.device("cpu"))
    task.net = trained_module(run)
    _, kept, _ = evaluate(task, "validation")
    assert kept == run.metrics[best]["validation_accuracy"]


# --- killed ---------------------------------------------------------------------------------------


def killed(folder, kills, whole):
    """Have processes killed so often at random, and compare all that came to their end."""
    script = str(Path(__file__).with_name("resume_child.py"))
    done = subprocess.run(
        [sys.executable, script, str(folder), json.dumps(EVERYTHING), str(kills), "0"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    statuses = [end["status"] for end in ends]
    assert statuses.count(-signal.SIGKILL) == kills
    complete = sorted(folder.parent.glob(f"{folder.name}-*"))
    assert len(complete) == statuses.count(0)
    assert all(equal(ns.Run.load(run), whole) for run in complete)
    return train(folder, resume=True)


def test_killed_processes_go_on_to_the_same_weights(tmp_path, whole):
    assert equal(killed(tmp_path / "run", 2, whole), whole)


@pytest.mark.slow
def test_twenty_killed_processes(tmp_path, whole):
    assert equal(killed(tmp_path / "run", 20, whole), whole)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ahsar-digits", "ahsar-digits-events", "ahsar-digits-rate"])
def test_image_nets_struck_at_random_batches(monkeypatch, tmp_path, task, rng):
    digits = ns.data.digits()
    chosen = rng.permutation(len(digits))[:200]
    few = image_set("few", digits.images[chosen], digits.labels[chosen], digits.classes)
    settings = {"epochs": 2, "batch_size": 32, "steps": 4, "net": "small-resnet"}
    arguments = {"source": task, "dataset": few, **settings}
    whole = train(tmp_path / "whole", **arguments)
    for batch in rng.permutation(np.arange(2, 10))[:2]:
        assert equal(struck_at(monkeypatch, tmp_path / str(batch), batch, **arguments), whole)
