"""The command line: exit statuses, one-line errors, and that files are checked before work."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from neurosim import __version__
from tests import nets


def neurosim(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "neurosim", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


@pytest.fixture(scope="module")
def spec_file(tmp_path_factory):
    rng = np.random.default_rng(3)
    return nets.spec(rng).save(tmp_path_factory.mktemp("spec") / "net.safetensors")


@pytest.fixture(scope="module")
def raster_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("raster") / "events.npy"
    np.save(path, nets.events(np.random.default_rng(4), (5, 30, 4)))
    return path


def test_help_and_version():
    assert "demo" in neurosim("--help").stdout
    assert neurosim("--version").stdout.strip() == __version__


def test_verify_a_spec_file(spec_file, raster_file):
    done = neurosim("verify", spec_file, "--raster", raster_file, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["exact"] is True
    verdict = said["reports"]["net"]["verdicts"][0]
    assert verdict["kind"] == "identical"
    assert verdict["spikes"] > 100
    shown = neurosim("verify", spec_file, "--raster", raster_file)
    assert "identical" in shown.stdout


def test_wrong_input_is_one_line_and_status_2(spec_file, raster_file, tmp_path):
    noise = tmp_path / "noise.npy"
    noise.write_bytes(b"no array")
    fraction = tmp_path / "fraction.npy"
    np.save(fraction, np.full((2, 5, 4), 0.5))
    channels = tmp_path / "channels.npy"
    np.save(channels, np.zeros((2, 5, 7), int))
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(spec_file.read_bytes()[:100])
    for arguments, said in (
        (("verify", tmp_path), "no spec.safetensors"),
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
        (("figures", "nothing"), "nothing"),
        (("demoo",), "demoo"),
        (("train", "aspen", "--epochs", "0"), "--epochs"),
        (("deploy", tmp_path, "--chip", "foo"), "foo"),
        (("deploy", tmp_path), "no such file"),
    ):
        done = neurosim(*arguments, cwd=tmp_path)
        assert done.returncode == 2, (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert said in done.stderr


def test_a_divergence_is_status_1(spec_file, raster_file, tmp_path):
    """Two engines that differ: the second one is told another threshold."""
    script = tmp_path / "diverge.py"
    script.write_text(
        "import sys\n"
        "from neurosim import cli\n"
        "from neurosim.engines.xylosim import XyloSimEngine\n"
        "honest = XyloSimEngine.run\n"
        "def wrong(self, model, raster, **settings):\n"
        "    return honest(self, model.with_threshold(1.3), raster, **settings)\n"
        "XyloSimEngine.run = wrong\n"
        f"sys.argv = ['neurosim', 'verify', {str(spec_file)!r}, '--raster', {str(raster_file)!r}]\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "sample 0" in done.stdout.replace("\n", " ")


def test_a_place_that_cannot_be_written_is_one_line_and_status_3(tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = neurosim("demo", "--fast", "--out", tmp_path / "file" / "demo")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert "file" in done.stderr


def test_without_arguments_there_is_help():
    done = neurosim()
    assert done.returncode == 0
    assert "verify" in done.stdout
