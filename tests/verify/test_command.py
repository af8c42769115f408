"""`neurosim verify` as a command: exit status, JSON, pages, fuzz."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import engines
from neurosim.cli import app
from neurosim.errors import InputError
from neurosim.verify.float_rungs import in_float32
from neurosim.verify.fuzz import draw
from neurosim.xylo import deploy
from tests import nets


def neurosim(*arguments, status: int = 0) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


@pytest.fixture
def net(rng, tmp_path):
    """A network and its events in files."""
    # In float32, which differs from brian2's float64 on every processor.
    network, raster = in_float32(nets.network(rng)), nets.events(rng, (6, 64, 6))
    np.save(tmp_path / "events.npy", raster)
    network.save(tmp_path / "network.safetensors")
    deploy(network, calibration=raster).save(tmp_path / "spec.safetensors")
    return tmp_path


def test_the_ladder_as_json_and_as_a_page(net) -> None:
    page = net / "ladder.html"
    said = json.loads(
        neurosim(
            "verify",
            net / "network.safetensors",
            "--raster",
            net / "events.npy",
            "--ladder",
            "--report",
            page,
            "--json",
        )
    )
    rungs = said["ladders"]["network"]["rungs"]
    assert [rung["rung"] for rung in rungs] == [1, 2, 3, 4, 5, 6]
    assert said["passed"] is True
    assert "heat map" not in page.read_text()
    assert page.read_text().count("<svg") == 2


def test_a_page_of_a_plain_comparison(net) -> None:
    page = net / "page.html"
    neurosim(
        "verify",
        net / "spec.safetensors",
        "--raster",
        net / "events.npy",
        "--report",
        page,
    )
    assert "identical" in page.read_text()


def test_a_page_says_what_rounding_means(net) -> None:
    page = net / "page.html"
    neurosim(
        "verify",
        net / "network.safetensors",
        "--raster",
        net / "events.npy",
        "--report",
        page,
    )
    text = page.read_text()
    assert ">rounding<" in text
    assert "a bound computed for this net" in text
    assert "None" not in text


def test_thresholds_of_a_float_net(net) -> None:
    said = json.loads(
        neurosim(
            "verify",
            net / "network.safetensors",
            "--raster",
            net / "events.npy",
            "--thresholds",
            "--json",
        )
    )
    assert len(said["reports"]) == 10
    assert said["passed"]
    spikes = [report["verdicts"][0]["spikes"] for report in said["reports"].values()]
    assert spikes[0] > spikes[-1] > 0


def test_a_divergence_is_status_1_with_a_ladder_too(net, monkeypatch) -> None:
    honest = engines.get

    class Wrong:
        name = "xylosim"

        def run(self, model, raster, **settings):
            return honest("xylosim").run(model.with_threshold(1.2), raster, **settings)

    monkeypatch.setattr(engines, "get", lambda name: Wrong() if name == "xylosim" else honest(name))
    arguments = ("verify", net / "spec.safetensors", "--raster", net / "events.npy")
    assert "sample 0" in " ".join(neurosim(*arguments, status=1).split())
    assert "diverged" in neurosim(*arguments, "--ladder", status=1)


def test_a_saved_case_replays(tmp_path) -> None:
    path = draw(6, 1).save(tmp_path / "case.safetensors")
    assert "identical" in neurosim("verify", path)


def test_fuzz(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = json.loads(neurosim("verify", "--fuzz", 40, "--seed", 2, "--json"))
    assert said["cases"] == 40
    assert said["exact"] is True
    assert said["spikes"] > 1000
    assert "0 disagreements" in " ".join(neurosim("verify", "--fuzz", 5).split())


def test_a_target_or_fuzz(net) -> None:
    for arguments in (("verify",), ("verify", net / "spec.safetensors", "--fuzz", "3")):
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        assert isinstance(done.exception, InputError)


def test_strict_wants_identical_and_the_table_counts_differing_spikes(net) -> None:
    floats = ("verify", net / "network.safetensors", "--raster", net / "events.npy")
    words = " ".join(neurosim(*floats).split())
    assert "differing" in words
    neurosim(*floats, "--strict", status=1)
    said = json.loads(neurosim(*floats, "--strict", "--json", status=1))
    assert (said["passed"], said["exact"]) == (True, False)
    integers = ("verify", net / "spec.safetensors", "--raster", net / "events.npy")
    neurosim(*integers, "--strict")
    page = net / "page.html"
    neurosim(*floats, "--report", page)
    assert "Differing spikes" in page.read_text()


def test_strict_holds_for_the_ladder_too(net) -> None:
    floats = ("verify", net / "network.safetensors", "--raster", net / "events.npy", "--ladder")
    neurosim(*floats, "--strict", status=1)  # the trainer's float32 rounds
