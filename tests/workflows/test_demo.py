"""The demo from recordings to page, at its fast setting."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import data, store
from neurosim.cli import app
from neurosim.errors import InputError
from neurosim.figures import threshold_sweep
from neurosim.network import THRESHOLD_SCALES
from neurosim.run import SPEC_FILE, Run, spec_file
from neurosim.workflows import demo, run_data, verification
from neurosim.xylo import XyloSpec, specifications
from tests.test_cli import in_a_process

SHARE = {"train": 4, "validation": 12, "test": 4}
"""Of so many windows a brief demo takes one, but for those that a fast one leaves out anyway."""


@pytest.fixture(scope="module", params=["brief", pytest.param("fast", marks=pytest.mark.slow)])
def folder(request, tmp_path_factory):
    """Made once: by the command itself, or by its function on a part of the windows."""
    folder = tmp_path_factory.mktemp(f"demo-{request.param}-")
    if request.param == "fast":
        done = in_a_process("demo", "--fast", "--out", folder)
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    else:
        printed = brief_demo(folder)
    assert "identical" in printed
    assert not list(folder.rglob("*.part"))
    return folder


def is_fast(folder):
    return "demo-fast" in folder.name


def brief_demo(folder):
    """Make a demo of fewer windows and epochs; return what it prints."""
    whole = data.wrist_imu()
    parts = {
        name: getattr(whole, name).select(np.arange(0, len(getattr(whole, name).labels), share))
        for name, share in SHARE.items()
    }
    few = dataclasses.replace(whole, **parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "wrist_imu", lambda: few)
        patch.setattr(demo, "FAST_EPOCHS", 3)
        patch.setattr(run_data, "CALIBRATION", 8)
        done = CliRunner().invoke(app, ["demo", "--fast", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return done.output


def test_everything_promised_is_there(folder):
    for name in ("sweep.csv", "baselines.csv", "verification.json", "report.html"):
        assert (folder / name).stat().st_size > 100
    for name in ("threshold_sweep.png", "threshold_sweep.pdf"):
        assert (folder / name).stat().st_size > 5_000
    page = (folder / "report.html").read_text()
    assert "<svg" in page
    assert "src=" not in page, "nothing is loaded from elsewhere"
    assert "http" not in page.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "").replace("https://matplotlib.org", "")


def test_nets_learned_and_thresholds_lower_spikes(folder):
    assert (folder / "sweep.csv").read_text().startswith("# command: neurosim demo --fast --seed 0")
    table = store.rows_of(store.read_table(folder / "sweep.csv", remedy="neurosim demo"))
    for net in demo.NETS:
        rows = [{k: float(v) for k, v in r.items() if k != "net"} for r in table if r["net"] == net]
        assert [row["threshold"] for row in rows] == list(THRESHOLD_SCALES)
        accuracies = [row["accuracy"] for row in rows]
        # Chance is 1 / 7; three standard errors of the brief demo's 48 windows above it are 0.29.
        assert max(accuracies) > 0.3
        assert not is_fast(folder) or accuracies[2] > 0.4
        spikes = [row["spikes_per_inference"] for row in rows]
        assert spikes == sorted(spikes, reverse=True)
        assert spikes[-1] > 10
    drawn = threshold_sweep.compute(folder)
    assert drawn["nets"]["aspen"]["accuracy"].shape == (10,)
    assert len(threshold_sweep.draw(drawn).axes) == 3


def test_integer_nets_keep_the_accuracy_of_the_float_nets(folder):
    """Deployment is a rounding: what it costs is measured on the same windows, and is small."""
    from neurosim import data, engines, readout

    run = Run.load(folder / "aspen")
    spec = specifications.load(folder / "aspen")
    windows = data.wrist_imu(front_end=data.FrontEnd.from_dict(run.front_end)).test
    raster, labels = windows.raster[::10], windows.labels[::10]
    kept = {
        name: readout.accuracy(engines.get(name).run(model, raster).spikes[-1], labels)
        for name, model in (("torch", run.network), ("brian2", spec))
    }
    assert kept["torch"] > (0.4 if is_fast(folder) else 0.25), "chance is 1 / 7"
    assert abs(kept["brian2"] - kept["torch"]) < 0.08  # 115 windows: two standard errors


def test_verification_can_be_repeated_alone(folder, monkeypatch):
    windows = str(_some_windows(folder))
    reports = verification.verify_targets(*verification.prepare(folder, windows))
    assert set(reports) == set(demo.NETS)
    assert all(r.exact and r.verdicts[0].spikes > 1000 for r in reports.values())
    every = verification.verify_targets(
        *verification.prepare(folder / "aspen", windows), all_thresholds=True
    )
    assert len(every) == len(THRESHOLD_SCALES)
    assert all(report.exact for report in every.values())
    stored = json.loads((folder / "verification.json").read_text())
    assert all(stored[net]["exact"] for net in demo.NETS)


def test_a_run_folder_that_lacks_a_file_is_named(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "fixed" / "metrics.csv").unlink()
    with pytest.raises(InputError, match=r"metrics\.csv"):
        Run.load(broken / "fixed")


def test_a_spec_alone_knows_its_front_end(folder, tmp_path):
    alone = tmp_path / "alone.safetensors"
    shutil.copy(folder / "aspen" / spec_file("xylo-imu"), alone)
    spec = XyloSpec.load(alone)
    assert spec.front_end == Run.load(folder / "aspen").front_end
    dataclasses.replace(spec, front_end={**spec.front_end, "scale": 0.05}).save(
        tmp_path / "other" / SPEC_FILE
    )
    spec.save(tmp_path / "one" / SPEC_FILE)
    with pytest.raises(InputError, match="different front ends"):
        verification.prepare(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["brief"], indirect=True)  # the code is that of the others
def test_the_same_seed_gives_the_same_numbers(folder, tmp_path):
    brief_demo(tmp_path)
    assert (tmp_path / "sweep.csv").read_bytes() == (folder / "sweep.csv").read_bytes()
    for net in demo.NETS:
        again = Run.load(tmp_path / net)
        assert again.network.digest() == Run.load(folder / net).network.digest()


def _some_windows(folder):
    """A few test windows as a file of events."""
    path = folder / "events.npy"
    if not path.exists():
        np.save(path, data.wrist_imu().test.raster[::200])
    return path
