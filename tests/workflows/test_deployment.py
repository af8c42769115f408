"""A run is put on a chip: the files, the tables, and what the command says."""

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import cli, data
from neurosim.formats import xylo_json
from neurosim.network import Network
from neurosim.run import SPEC_FILE, Run
from neurosim.workflows import deployment
from neurosim.xylo import DeployWarning, XyloSpec
from tests import nets
from tests.training.small import small_dataset


@pytest.fixture
def dataset(rng):
    return small_dataset(rng)


@pytest.fixture
def run(tmp_path, rng, dataset):
    """An untrained run whose time constants the chip does not have, with an idle neuron."""
    channels = dataset.train.raster.shape[2]
    net = nets.network(rng, (channels, 9, 8, len(dataset.classes)), gain=1.5)
    layers = []
    for layer in net.layers:
        fields = {"tau_mem": layer.tau_mem * 1.2, "max_spikes": layer.max_spikes}
        weight = layer.weight.copy()
        if not layers:
            weight[:, 3] = -1.0
        fields |= {n: getattr(layer, n) for n in ("tau_syn", "threshold", "bias")}
        layers.append(type(layer)(weight=weight, **fields))
    split = {"train": (0,), "validation": (1,), "test": (2,)}
    provenance = {"dataset": "wrist", "split": split, "train_sha256": dataset.train_sha256}
    front_end = dataset.front_end.to_dict()
    return Run(
        tmp_path, Network(tuple(layers), net.dt), {}, front_end, ({"epoch": 1.0},), provenance
    ).save()


def test_a_run_is_deployed_and_what_changed_is_told(run, dataset):
    made, path, layers = deployment.report_run(run.folder, dataset=dataset)
    assert path == run.folder / SPEC_FILE
    spec = XyloSpec.load(path)
    assert spec.digest() == made.spec.digest()
    assert spec.front_end == run.front_end
    assert 3 in made.idle.dead
    assert len(layers) == 3
    assert all(row.rate > 0 for row in layers[:2])
    changed = [row for row in made.time_constants if abs(row.change) > 0.1]
    assert {row.name for row in changed} == {"tau_mem"}
    assert sum(row.neurons for row in made.time_constants if row.name == "tau_mem") == 9 + 8 + 3
    with pytest.warns(DeployWarning, match="time constants become bit shifts"):
        again, _ = deployment.deploy_run(run.folder, dataset=dataset)
    assert again.digest() == spec.digest()


def test_the_command_prints_tables_and_writes_both_files(run, dataset, monkeypatch):
    monkeypatch.setattr(data, "wrist_imu", lambda *_, **__: dataset)
    target = run.folder / "a.json"
    command = ["deploy", str(run.folder), "--json", str(target), "--quantiser", "per-channel"]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.output
    for words in ("time constants become bit shifts", "used of xylo-imu", "recurrent connections"):
        assert words in result.output
    assert "spike counts on test windows" in result.output
    assert "idle neurons" in result.output
    whole = xylo_json.load_json(target)
    assert whole.digest() == XyloSpec.load(run.folder / SPEC_FILE).digest()
    pruned = CliRunner().invoke(cli.app, ["deploy", str(run.folder), "--prune"])
    assert pruned.exit_code == 0, pruned.output
    spec = XyloSpec.load(run.folder / SPEC_FILE)
    assert spec.hidden < whole.hidden
    assert np.isfinite(spec.threshold).all()
