"""Devices, threads, displays and TensorBoard of a run."""

import io
import os
import sys

import joblib
import pytest
import torch
from rich.console import Console

from neurosim import cli
from neurosim.errors import UnavailableError
from neurosim.training import config, display, loop, machine
from tests.training.small import SMALL, small_dataset


def test_threads_are_those_asked_for_and_come_back():
    before = torch.get_num_threads()
    with machine.threads(config.load("fixed", threads=3)) as count:
        assert count == torch.get_num_threads() == 3
    with machine.threads(config.load("fixed")) as count:
        assert 1 <= count <= min(before, joblib.cpu_count(), machine.MOST_THREADS)
    assert torch.get_num_threads() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_may_have_fewer_cores_than_its_machine():
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    torch.set_num_threads(4)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with machine.threads(config.load("fixed")) as count:
            assert count == torch.get_num_threads() == 1
        assert torch.get_num_threads() == 4
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)


def test_small_nets_run_on_the_cpu_and_images_where_a_gpu_is(monkeypatch):
    for there, images in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert machine.device(config.load("ahsar-digits")).type == images
        assert machine.device(config.load("aspen")).type == "cpu"
        assert machine.device(config.load("ahsar-digits", device="cpu")).type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnavailableError, match="set device = 'auto'"):
        machine.device(config.load("ahsar-digits", device="cuda"))


def test_progress_goes_to_a_terminal_or_where_one_wants_it(rng, tmp_path, capsys):
    loop.train("fixed", folder=tmp_path, dataset=small_dataset(rng), **(SMALL | {"epochs": 1}))
    assert capsys.readouterr().out == ""
    assert display.console_for(None) is None
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)
    settings = SMALL | {"epochs": 2}
    loop.train("fixed", folder=tmp_path, dataset=small_dataset(rng), progress=terminal, **settings)
    shown = terminal.file.getvalue()
    for part in ("2/2", "loss", "acc", "val", "spk", "0:0"):
        assert part in shown


def test_tensorboard_has_every_metric_or_says_how_to_get_it(rng, tmp_path, monkeypatch):
    event_files = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = loop.train(
        "fixed",
        folder=tmp_path,
        dataset=small_dataset(rng),
        write_tensorboard=True,
        **(SMALL | {"epochs": 2}),
    )
    read = event_files.EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    assert set(read.Tags()["scalars"]) == set(run.metrics[0]) - {"epoch"}
    losses = [point.value for point in read.Scalars("loss")]
    assert losses == pytest.approx([row["loss"] for row in run.metrics], rel=1e-6)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UnavailableError, match=r"pip install 'neurosim\[tensorboard\]'"):
        display.tensorboard_writer(tmp_path)


def test_the_command_resumes_and_says_how(monkeypatch, tmp_path, capsys):
    asked = []

    def train(source, **arguments):
        asked.append((source, arguments["resume"], arguments["write_tensorboard"]))
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "train", train)
    out = str(tmp_path / "mine")
    words = ["neurosim", "train", "ahsar-imu", "--out", out, "--resume", "--tensorboard"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 130
    assert asked == [("ahsar-imu", True, True)]
    assert "--resume goes on" in " ".join(capsys.readouterr().out.split())
