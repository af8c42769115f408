"""Whatever form a net comes in, deploy and verify do the same with it, or say why they cannot."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import nir as reference
import numpy as np
import pytest
import torch
from rockpool.nn.modules import LIFTorch
from typer.testing import CliRunner

import neurosim as ns
from neurosim import cli
from neurosim.errors import InputError
from neurosim.formats import nets as forms
from neurosim.formats import nir, rockpool, samna_json, xylo_json
from neurosim.formats.case import Case
from neurosim.formats.nir.network import to_nir
from neurosim.run import Run, spec_file
from neurosim.store import save as save_tensors
from neurosim.verify import assert_equivalent
from neurosim.verify.ladder import climb
from neurosim.workflows import run_data
from neurosim.xylo import XyloSpec
from tests import nets
from tests.training.small import small_dataset

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.xylo.DeployWarning")

FLOATS = ("torch", "liftorch")
INTEGERS = ("brian2", "xylosim")


@pytest.fixture
def network(rng):
    """A net in float32, which all forms keep to the bit."""
    return rockpool.network_from_module(rockpool.module_from_network(nets.network(rng)))


@pytest.fixture
def raster(rng):
    return nets.events(rng, (3, 40, 6), rate=0.5)


@pytest.fixture
def spec(network, raster):
    return ns.xylo.deploy(network, calibration=raster)


def command(*arguments, status: int = 0):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    assert result.exit_code == status, (result.output, result.exception)
    return result


def float_forms(network, folder) -> dict:
    """The net in every form of floats: objects, and files."""
    module = rockpool.module_from_network(network)
    files = {name: folder / name for name in ("n.safetensors", "m.json", "g.nir")}
    network.save(files["n.safetensors"])
    module.save(files["m.json"])
    nir.write(network, files["g.nir"])
    graph = to_nir(network)
    objects = {"Network": network, "module": module, "NIRGraph": graph}
    objects["Graph"] = nir.from_nir(graph)
    return objects | {f"file {name}": path for name, path in files.items()}


def integer_forms(spec, raster, folder) -> dict:
    """The specification in every form that keeps all of it."""
    files = {name: folder / name for name in ("s.safetensors", "s.json", "c.safetensors")}
    spec.save(files["s.safetensors"])
    xylo_json.save_json(spec, files["s.json"])
    case = Case(spec, raster, "test")
    case.save(files["c.safetensors"])
    objects = {"XyloSpec": spec, "Case": case}
    return objects | {f"file {name}": path for name, path in files.items()}


def verified_by_command(path, raster, folder, *options) -> dict:
    np.save(folder / "events.npy", raster)
    line = ("verify", path, "--raster", folder / "events.npy", "--json", *options)
    (report,) = json.loads(command(*line).stdout)["reports"].values()
    return report


def against(engines) -> list[str]:
    return [word for name in engines for word in ("--against", name)]


def test_a_net_of_floats_is_deployed_alike_in_every_form(network, raster, spec, tmp_path):
    np.save(tmp_path / "events.npy", raster)
    for name, form in float_forms(network, tmp_path).items():
        assert ns.deploy(form, calibration=raster).digest() == spec.digest(), name
        if name.startswith("file"):
            out = tmp_path / "out" / f"{form.stem}.safetensors"
            command("deploy", form, "--out", out, "--raster", tmp_path / "events.npy")
            assert XyloSpec.load(out).digest() == spec.digest(), name


def test_a_net_of_floats_is_verified_alike_in_every_form(network, raster, tmp_path):
    expected = ns.verify(network, raster, FLOATS)
    assert expected.passed
    assert expected.verdicts[0].spikes > 100
    for name, form in float_forms(network, tmp_path).items():
        if name == "Graph":  # read as a graph by the caller: it is run as one
            continue
        report = ns.verify(form, raster, FLOATS, workers=1)
        assert report.verdicts == expected.verdicts, name
        assert assert_equivalent(form, raster, FLOATS).passed
        if name.startswith("file"):
            reported = verified_by_command(form, raster, tmp_path, *against(FLOATS))
            assert reported == json.loads(json.dumps(expected.to_dict())), name


def test_a_graph_that_was_read_runs_as_a_graph(network, raster):
    graph = nir.from_nir(to_nir(network))
    report = ns.verify(graph, raster, workers=1)
    assert report.engines == ("nir", "nir-numpy")
    assert report.exact
    assert climb(graph, raster, rungs=(2,)).passed


def test_integers_are_deployed_and_verified_alike_in_every_form(spec, raster, tmp_path):
    expected = ns.verify(spec, raster, INTEGERS, workers=1)
    assert expected.exact
    assert expected.verdicts[0].spikes > 100
    for name, form in integer_forms(spec, raster, tmp_path).items():
        assert ns.deploy(form).digest() == spec.digest(), name
        assert ns.verify(form, raster, INTEGERS, workers=1).verdicts == expected.verdicts, name
        if name.startswith("file"):
            out = tmp_path / "out" / form.name
            command("deploy", form, "--out", out)
            assert XyloSpec.load(out).digest() == spec.digest(), name
            reported = verified_by_command(form, raster, tmp_path)
            assert reported == json.loads(json.dumps(expected.to_dict())), name


def test_forms_that_hold_the_registers_alone_give_the_same_spikes(spec, raster, tmp_path):
    """Neither rockpool's dictionary nor samna's file says where a layer ends: fewer empty steps."""
    path = samna_json.save(spec, tmp_path / "samna.json")
    expected = ns.verify(replace(spec, layers=()), raster, INTEGERS, workers=1)
    for form in (path, xylo_json.to_rockpool(spec)):
        report = ns.verify(form, raster, INTEGERS, workers=1)
        assert report.verdicts[0].spikes == expected.verdicts[0].spikes
        assert report.exact
        put = ns.deploy(form)
        for name in ("weights_rec", "threshold", "dash_mem", "weights_out"):
            np.testing.assert_array_equal(getattr(put, name), getattr(spec, name))
    command("deploy", path, "--samna", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == path.read_text()
    assert XyloSpec.load(tmp_path / "samna-xylo-imu.safetensors").chip == "xylo-imu"


def test_a_run_and_its_folder(rng, tmp_path, monkeypatch):
    dataset = small_dataset(rng)
    monkeypatch.setattr(ns.data, "wrist_imu", lambda *_, **__: dataset)
    channels = dataset.train.raster.shape[2]
    net = nets.network(rng, (channels, 9, 8, len(dataset.classes)), gain=1.5)
    split = {"train": (0,), "validation": (1,), "test": (2,)}
    provenance = {"dataset": "wrist", "split": split, "train_sha256": dataset.train_sha256}
    front_end = dataset.front_end.to_dict()
    run = Run(tmp_path / "run", net, {}, front_end, ({"epoch": 1.0},), provenance).save()
    events = dataset.test.raster[:3]
    floats = ns.verify(net, events, FLOATS, workers=1)
    for form in (run, run.folder, str(run.folder)):
        assert ns.verify(form, events, FLOATS, workers=1).verdicts == floats.verdicts
    expected = ns.deploy(net, calibration=run_data.calibration(dataset.train.raster))
    for form in (run, run.folder, str(run.folder)):
        assert ns.deploy(form).digest() == expected.digest()
    command("deploy", run.folder)
    assert XyloSpec.load(run.folder / spec_file("xylo-imu")).digest() == expected.digest()
    integers = ns.verify(expected, events, INTEGERS, workers=1)
    for form in (run, run.folder):  # integers where there are any
        assert ns.verify(form, events, INTEGERS, workers=1).verdicts == integers.verdicts
    assert verified_by_command(run.folder, events, tmp_path)["verdicts"]
    with pytest.raises(InputError, match="own training windows"):
        ns.deploy(run, calibration=events)
    ns.deploy(run, "xylo-audio-2")
    for form in (run, run.folder):
        with pytest.raises(InputError, match=r"xylo-imu.*xylo-audio-2"):
            ns.verify(form, events, INTEGERS)


# --- what cannot be done --------------------------------------------------------------------------


def test_a_specification_has_no_floats(spec, raster):
    with pytest.raises(InputError, match="engine torch runs a Network, got XyloSpec"):
        ns.verify(spec, raster, FLOATS, workers=1)
    ladder = climb(spec, raster, rungs=(1, 2, 5))
    assert [rung.kind for rung in ladder.rungs][:2] == ["skipped", "skipped"]
    with pytest.raises(InputError, match="integers are chosen already; leave out calibration"):
        ns.deploy(spec, calibration=raster)
    with pytest.raises(InputError, match="dataset is for runs"):
        ns.deploy(spec, dataset=3)


def test_a_graph_that_is_no_network_is_verified_and_not_deployed(network, raster, tmp_path):
    graph = to_nir(network)
    graph.metadata.clear()
    reference.write(tmp_path / "euler.nir", graph)
    options = {"dt": 5e-3, "source": "nir"}
    read = nir.load(tmp_path / "euler.nir", **options)
    assert ns.verify(read, raster, workers=1).exact
    for form in (read, tmp_path / "euler.nir"):
        with pytest.raises(InputError, match="cannot be deployed: a Network steps as rockpool"):
            ns.deploy(form, **({} if form is read else options))
    with pytest.raises(InputError, match="cannot climb the ladder: a Network steps as rockpool"):
        climb(read, raster)
    line = ["deploy", str(tmp_path / "euler.nir"), "--dt", "5e-3", "--source", "nir"]
    result = CliRunner().invoke(cli.app, line)
    assert "cannot be deployed" in str(result.exception)


def module_of(package: str) -> torch.nn.Module:
    """A torch module with a layer of another library."""
    layer = type("Leaky", (torch.nn.Module,), {"__module__": f"{package}.neurons"})
    return torch.nn.Sequential(torch.nn.Linear(2, 3), layer())


def brian2_network():
    import brian2

    return brian2.Network()


OBJECTS = {
    "snnTorch": (lambda: module_of("snntorch"), r"snntorch\.export_nir\.export_to_nir"),
    "Norse": (lambda: module_of("norse"), r"norse\.torch\.to_nir"),
    "sinabs": (lambda: module_of("sinabs"), r"sinabs\.nir\.to_nir"),
    "SpikingJelly": (lambda: module_of("spikingjelly"), "nir_exchange"),
    "torch": (
        lambda: torch.nn.Sequential(torch.nn.Linear(2, 3, bias=False), torch.nn.ReLU()),
        "module 1 is ReLU where a Network needs",
    ),
    "state dict": (lambda: torch.nn.Linear(2, 3).state_dict(), r"load_state_dict.*module\.save"),
    "checkpoint": (lambda: {"state_dict": {}, "epoch": 3}, "load_state_dict"),
    "dictionary": (lambda: {"a": 1}, "dict without 'weights_in'"),
    "array": (lambda: np.zeros((2, 3)), r"numpy\.ndarray holds values and no net"),
    "tensor": (lambda: torch.zeros(2, 3), r"torch\.Tensor holds values and no net"),
    "Brian2": (brian2_network, r"brian2\.Network.*make a neurosim\.Network"),
    "rockpool graph": (lambda: LIFTorch((3,)).as_graph(), "give the module itself"),
    "None": (lambda: None, "NoneType is no net"),
    "list": (lambda: [1], "list is no net"),
    "Recording": (
        lambda: ns.Recording((np.zeros((1, 2, 3), np.uint8),)),
        r"neurosim\.Recording is no net",
    ),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_other_objects_are_refused_in_one_line(kind, raster):
    make, message = OBJECTS[kind]
    form = make()
    for do in (ns.deploy, lambda f: ns.verify(f, raster), lambda f: climb(f, raster)):
        with pytest.raises(InputError, match=message) as raised:
            do(form)
        assert "\n" not in str(raised.value)


def empty(path):
    path.write_bytes(b"")


def tensors_of_others(path):
    from safetensors.numpy import save_file

    save_file({"fc1.weight": np.zeros((2, 3), np.float32)}, path)


def folder_of(name):
    def make(path):
        path.mkdir()
        empty(path / name)

    return make


FILES = {
    "model.pt": (empty, r"state dict.*load_state_dict"),
    "model.pth": (empty, r"state dict.*load_state_dict"),
    "checkpoint.pt": (empty, "a training in progress"),
    "model.onnx": (empty, "ONNX"),
    "model.pkl": (lambda p: p.write_bytes(pickle.dumps([1])), "can run any code"),
    "events.npy": (empty, "events and no net"),
    "run.nc": (empty, "a recording, which holds spikes"),
    "settings.toml": (empty, "train the net first"),
    "net.h5": (empty, "a NIR file ends in .nir"),
    "net.py": (empty, "a program"),
    "others.safetensors": (tensors_of_others, r"tensors of another program \(fc1\.weight\)"),
    "damaged.safetensors": (empty, "damaged"),
    "weights.safetensors": (
        lambda p: save_tensors(p, "weights", {"a": np.zeros(2)}, {}),
        "the weights of an image net",
    ),
    "cached.safetensors": (
        lambda p: save_tensors(p, "cache", {"a": np.zeros(2)}, {}),
        "holds cache; give a Network",
    ),
    "net.json": (lambda p: p.write_text("[]"), "holds no modules"),
    "net.nir": (empty, "NIR file"),
    "folder": (lambda p: p.mkdir(), "give a demo folder, a run"),
    "images": (folder_of("weights.safetensors"), "holds an image net"),
    "training": (folder_of("checkpoint.pt"), "a training in progress"),
    "nothing": (lambda p: None, "no such file or folder"),
}


@pytest.mark.parametrize("name", FILES)
def test_other_files_are_refused_in_one_line(name, raster, tmp_path):
    make, message = FILES[name]
    path = tmp_path / name
    make(path)
    np.save(tmp_path / "raster.npy", raster)
    for do in (ns.deploy, lambda f: ns.verify(f, raster)):
        with pytest.raises(InputError, match=message) as raised:
            do(path)
        assert "\n" not in str(raised.value)
        assert str(path) in str(raised.value)
    for line in (("deploy", path), ("verify", path, "--raster", tmp_path / "raster.npy")):
        result = CliRunner().invoke(cli.app, [str(word) for word in line])
        assert isinstance(result.exception, InputError)
        assert str(result.exception) == str(raised.value)


def test_a_folder_of_several_nets_is_verified_by_the_command_alone(spec, raster, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "demo" / name).mkdir(parents=True)
        spec.save(tmp_path / "demo" / name / spec_file("xylo-imu"))
    assert set(forms.read(tmp_path / "demo")) == {"a", "b"}
    with pytest.raises(InputError, match=r"holds 2 nets \(a, b\)"):
        ns.deploy(tmp_path / "demo")
    np.save(tmp_path / "raster.npy", raster)
    line = ("verify", tmp_path / "demo", "--raster", tmp_path / "raster.npy", "--json")
    assert set(json.loads(command(*line).stdout)["reports"]) == {"a", "b"}
