"""The command line: exit statuses, one-line errors, and that files are checked before work."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from neurosim import __version__, cli
from neurosim.engines.xylosim import XyloSimEngine
from tests import nets


def in_a_process(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "neurosim", *map(str, arguments)], capture_output=True, text=True
    )


@pytest.fixture
def neurosim(capfd, monkeypatch):
    """Return the command line without the seconds that a process of its own takes to load."""

    def run(*arguments, cwd=None):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["neurosim", *map(str, arguments)])
            if cwd is not None:
                patch.chdir(cwd)
            capfd.readouterr()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # as Python itself does
                with pytest.raises(SystemExit) as ended:
                    cli.main()
            printed = capfd.readouterr()
        return SimpleNamespace(
            returncode=int(ended.value.code), stdout=printed.out, stderr=printed.err
        )

    return run


@pytest.fixture(scope="module")
def spec_file(tmp_path_factory):
    rng = np.random.default_rng(3)
    return nets.spec(rng).save(tmp_path_factory.mktemp("spec") / "net.safetensors")


@pytest.fixture(scope="module")
def raster_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("raster") / "events.npy"
    np.save(path, nets.events(np.random.default_rng(4), (5, 30, 4)))
    return path


def test_a_process_gives_output_and_status(spec_file):
    assert in_a_process("--version").stdout.strip() == __version__
    done = in_a_process("verify", spec_file)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "--raster" in done.stderr


def test_help(neurosim):
    assert "demo" in neurosim("--help").stdout


def test_verify_a_spec_file(neurosim, spec_file, raster_file):
    done = neurosim("verify", spec_file, "--raster", raster_file, "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["exact"] is True
    verdict = printed["reports"]["net"]["verdicts"][0]
    assert verdict["kind"] == "identical"
    assert verdict["spikes"] > 100
    shown = neurosim("verify", spec_file, "--raster", raster_file)
    assert "identical" in shown.stdout


def test_wrong_input_is_one_line_and_status_2(neurosim, spec_file, raster_file, tmp_path):
    noise = tmp_path / "noise.npy"
    noise.write_bytes(b"no array")
    fraction = tmp_path / "fraction.npy"
    np.save(fraction, np.full((2, 5, 4), 0.5))
    channels = tmp_path / "channels.npy"
    np.save(channels, np.zeros((2, 5, 7), int))
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{}], dtype=object))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(spec_file.read_bytes()[:100])
    for arguments, expected in (
        (("verify", tmp_path), "no spec*.safetensors"),
        (("verify", damaged, "--raster", raster_file), "damaged"),
        (("verify", spec_file), "--raster"),
        (("verify", spec_file, "--raster", noise), "noise.npy"),
        (("verify", spec_file, "--raster", pickled), "pickled.npy"),
        (("verify", spec_file, "--raster", fraction), "holds 0.5"),
        (("verify", spec_file, "--raster", channels), "7 channels, the model reads 4"),
        (
            ("verify", spec_file, "--raster", raster_file, "--against", "brian2", "--against", "x"),
            "'x'",
        ),
        (("train", "aspn"), "did you mean 'aspen'?"),
        (("equations", "lifff"), "lifff"),
        (("bench", "nothing"), "nothing"),
        (("bench", "--page", "--json"), "--page measures nothing"),
        (("bench", "--history", "x.jsonl"), "--json or --page"),
        (("figures", "nothing"), "nothing"),
        (("demoo",), "demoo"),
        (("train", "aspen", "--epochs", "0"), "--epochs"),
        (("deploy", tmp_path, "--chip", "foo"), "foo"),
        (("deploy", tmp_path), "give a demo folder, a run"),
    ):
        done = neurosim(*arguments, cwd=tmp_path)
        assert done.returncode == 2, (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert expected in done.stderr


def test_a_divergence_is_status_1(neurosim, spec_file, raster_file, monkeypatch):
    """Two engines that differ: the second one is told another threshold."""
    honest = XyloSimEngine.run

    def wrong(self, model, raster, **settings):
        return honest(self, model.with_threshold(1.3), raster, **settings)

    monkeypatch.setattr(XyloSimEngine, "run", wrong)
    done = neurosim("verify", spec_file, "--raster", raster_file)
    assert done.returncode == 1, done.stderr
    assert "sample 0" in done.stdout.replace("\n", " ")


def test_a_place_that_cannot_be_written_is_one_line_and_status_3(neurosim, tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = neurosim("demo", "--fast", "--out", tmp_path / "file" / "demo")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert "file" in done.stderr


def test_without_arguments_there_is_help(neurosim):
    done = neurosim()
    assert done.returncode == 0
    assert "verify" in done.stdout
