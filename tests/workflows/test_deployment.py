"""A run is put on a chip: the files, the tables, and what the command says."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim import cli, data
from neurosim.errors import InputError
from neurosim.formats import xylo_json
from neurosim.network import Network
from neurosim.readout import AT_END, Rule
from neurosim.report import power
from neurosim.run import SPEC_FILE, Run, spec_file
from neurosim.workflows import deployment, stored_models, verification
from neurosim.xylo import DeployWarning, XyloSpec, specifications
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
    assert path == run.folder / spec_file("xylo-imu")
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
    assert whole.digest() == XyloSpec.load(run.folder / spec_file("xylo-imu")).digest()
    pruned = CliRunner().invoke(cli.app, ["deploy", str(run.folder), "--prune", "--force"])
    assert pruned.exit_code == 0, pruned.output
    spec = XyloSpec.load(run.folder / spec_file("xylo-imu"))
    assert spec.hidden < whole.hidden
    assert np.isfinite(spec.threshold).all()


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_a_rule_of_decision_is_deployed_with_the_net(run, dataset, monkeypatch):
    monkeypatch.setattr(data, "wrist_imu", lambda *_, **__: dataset)
    plain, path = deployment.deploy_run(run)
    assert plain.decision == AT_END
    before = xylo_json.save_json(plain, run.folder / "plain.json").read_text()
    assert "decision" not in before
    other = run.folder / "a.json"
    result = command("deploy", run.folder, "--lead", 6, "--force", "--json", other)
    said = " ".join(result.output.split())
    assert "decision at lead 6: after each step add the output spikes of each class" in said
    assert "when it is 6 spikes ahead of the second" in said
    spec = XyloSpec.load(path)
    assert spec.decision == xylo_json.load_json(other).decision == Rule(lead=6)
    assert spec.digest() == plain.digest()  # the chip does the same
    assert spec.with_threshold(1.4).decision == Rule(lead=6)
    whole, without = json.loads(other.read_text()), json.loads(before)
    assert whole["configuration"] == without["configuration"]
    with pytest.raises(InputError, match=r"decides at lead 6\) than .*, lead 3\)"):
        deployment.deploy_run(run, decision=Rule(lead=3))


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_a_posterior_is_deployed_as_a_table_of_integers(run, dataset, monkeypatch):
    monkeypatch.setattr(data, "wrist_imu", lambda *_, **__: dataset)
    made, _, _ = deployment.deploy_file(run.folder, posterior=0.9)
    rule = made.spec.decision
    assert rule == Rule(posterior=0.9, logit_scale=0.05)  # what a run is trained with by default
    path = xylo_json.save_json(made.spec, run.folder / "a.json")
    written = json.loads(path.read_text())["neurosim"]["decision"]
    assert written["table"] == list(rule.table)
    assert written["limit"] == int(65536 / 0.9)
    assert xylo_json.load_json(path).decision == rule
    again = deployment.deploy(made.spec, decision=Rule(lead=2))  # a specification takes another
    assert again.decision == Rule(lead=2)
    assert deployment.deploy(made.spec).decision == rule


def test_rules_that_cannot_be_deployed_are_refused(run, tmp_path, rng):
    network = run.layered.save(tmp_path / "net.safetensors")
    for arguments, message in (
        (("deploy", run.folder, "--lead", 0), "lead is 0"),
        (("deploy", run.folder, "--posterior", 0.3), "posterior is 0.3"),
        (("deploy", run.folder, "--posterior", 0.9, "--lead", 3), "give one"),
        (("deploy", network, "--posterior", 0.9), "says what a spike is worth"),
    ):
        error = CliRunner().invoke(cli.app, [str(a) for a in arguments]).exception
        assert isinstance(error, InputError)
        assert message in str(error)
    with pytest.raises(InputError, match="decision is 6; give a rule"):
        nets.spec(rng, decision=6)
    with pytest.raises(InputError, match="decision has patience"):
        nets.spec(rng, decision={"patience": 6})


def command(*arguments, status: int = 0):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    assert result.exit_code == status, (result.output, result.exception)
    return result


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_each_chip_has_a_file_of_its_own(run, dataset, monkeypatch):
    monkeypatch.setattr(data, "wrist_imu", lambda *_, **__: dataset)
    imu, path = deployment.deploy_run(run)
    before = path.read_bytes()
    audio, other = deployment.deploy_run(run, "xylo-audio-2")
    assert path.name == "spec-xylo-imu.safetensors"
    assert other.name == "spec-xylo-audio-2.safetensors"
    assert path.read_bytes() == before
    assert (imu.chip, audio.chip) == ("xylo-imu", "xylo-audio-2")
    assert specifications.load(run.folder).chip == "xylo-imu"
    assert specifications.load(run.folder, "xylo-audio-2").digest() == audio.digest()
    nets, _ = verification.prepare(run.folder)
    name = run.folder.name
    assert {n: t.spec.chip for n, t in nets.items()} == {
        f"{name} on xylo-imu": "xylo-imu",
        f"{name} on xylo-audio-2": "xylo-audio-2",
    }
    priced = {
        chip: stored_models.measure_model(run, (1.0,), chip=chip) for chip in (None, audio.chip)
    }
    assert {chip: model.spec.chip for chip, model in priced.items()} == {
        None: "xylo-imu",
        "xylo-audio-2": "xylo-audio-2",
    }
    rows = power.estimates([priced[None]])  # the anchor of the IMU is there, whatever came later
    assert "imu" in rows.renderables[0].columns[2]._cells


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_another_specification_is_replaced_only_by_force(run, dataset):
    spec, path = deployment.deploy_run(run, dataset=dataset)
    before = path.read_bytes()
    deployment.deploy_run(run, dataset=dataset)  # the same once more
    with pytest.raises(InputError, match=r"spec-xylo-imu.*another specification .*--force"):
        deployment.deploy_run(run, dataset=dataset, quantiser="global")
    assert path.read_bytes() == before
    forced, _ = deployment.deploy_run(run, dataset=dataset, quantiser="global", force=True)
    assert XyloSpec.load(path).digest() == forced.digest() != spec.digest()
    path.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"spec-xylo-imu.*damaged.*--force"):
        deployment.deploy_run(run, dataset=dataset)
    deployment.deploy_run(run, dataset=dataset, force=True)
    assert XyloSpec.load(path).digest() == spec.digest()


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_the_command_asks_a_person_and_refuses_a_script(run, dataset, monkeypatch):
    monkeypatch.setattr(data, "wrist_imu", lambda *_, **__: dataset)
    command("deploy", run.folder)
    other = ("deploy", run.folder, "--quantiser", "global")
    assert "--force" in str(CliRunner().invoke(cli.app, list(map(str, other))).exception)
    command(*other, "--force")


@pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")
def test_the_file_of_an_earlier_version_counts_for_its_chip(run, dataset):
    spec, path = deployment.deploy_run(run, dataset=dataset)
    path.rename(run.folder / SPEC_FILE)
    assert specifications.load(run.folder).digest() == spec.digest()
    _, again = deployment.deploy_run(run, dataset=dataset)
    assert again == run.folder / SPEC_FILE
    _, other = deployment.deploy_run(run, "xylo-audio-2", dataset=dataset)
    assert other.name == "spec-xylo-audio-2.safetensors"
    assert list(specifications.files_of(run.folder)) == ["xylo-imu", "xylo-audio-2"]
