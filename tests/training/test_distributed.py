"""Processes that train together do what one process does with the whole batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from neurosim.run import Run
from neurosim.training import loop
from neurosim.training.machine import Group
from tests.training.small import SMALL, small_dataset

ROOT = Path(__file__).parents[2]
SETTINGS = SMALL | {
    "threshold_when": "sample",  # every process has its own samples' draws
    "homeostat": True,
    "clip": 1.0,
    "epochs": 4,
}


def test_shares_are_the_whole_batch_and_nearly_equal():
    for samples in range(2, 40):
        shares = [Group(rank, 3).share(samples) for rank in range(3)]
        rows = np.concatenate([np.arange(samples)[share] for share in shares])
        assert rows.tolist() == list(range(samples))
        lengths = [share.stop - share.start for share in shares]
        assert max(lengths) - min(lengths) <= 1


def test_one_process_sends_nothing():
    gradient = torch.ones(3)
    Group().add_gradients([gradient])
    assert Group().add([1.0, 2.0]) == [1.0, 2.0]
    assert gradient.tolist() == [1, 1, 1]


def together(folder, processes, **settings):
    """Train in so many processes that torchrun starts; return the metrics they print."""
    script = str(Path(__file__).with_name("distributed_child.py"))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*command, "--nproc-per-node", str(processes), script, str(folder), json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_two_processes_learn_as_one_with_twice_the_batch(tmp_path):
    two = together(tmp_path / "two", 2, **(SETTINGS | {"batch_size": 16}))
    one = loop.train(
        "aspen",
        folder=tmp_path / "one",
        dataset=small_dataset(np.random.default_rng(20)),
        **SETTINGS,
    )
    assert [row["epoch"] for row in two] == [1, 2, 3, 4]
    # Sums over samples in another order: rounding of float32 (7e-8 was seen), which a spike that
    # it moves may amplify.
    for a, b in zip(two, one.metrics, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["validation_loss"] == pytest.approx(b["validation_loss"], rel=1e-4)
    assert one.metrics[-1]["loss"] < 0.9 * one.metrics[0]["loss"]
    saved = Run.load(tmp_path / "two")
    assert saved.provenance["processes"] == 2
    for a, b in zip(saved.network.layers, one.network.layers, strict=True):
        # Adam divides small gradients by their size, and so their rounding: 1e-5 was seen.
        assert np.abs(a.weight - b.weight).max() < 1e-4 * np.abs(b.weight).max()
    assert np.allclose(saved.homeostat["scale"], one.homeostat["scale"], rtol=1e-4)
