"""Files of a run: each is checked against what was written, and named where it differs."""

import json
import warnings

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from neurosim import store
from neurosim.errors import InputError
from neurosim.formats.case import Case
from neurosim.network import Network
from neurosim.run import Run, UncheckedWarning
from tests import nets


@pytest.fixture
def run(tmp_path, rng):
    history = {"rates": np.ones((3, 2))}
    config, front_end, provenance = {"seed": 1}, {"scale": 0.1}, {"train_sha256": "0"}
    metrics = ({"epoch": 1.0, "loss": 0.5},)
    folder = tmp_path / "run"
    return Run(
        folder, nets.network(rng), config, front_end, metrics, provenance, homeostat=history
    ).save()


FILES = ("network.safetensors", "homeostat.safetensors", "config.json", "front_end.json",
         "provenance.json", "metrics.csv")  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_a_run_comes_back_also_from_another_place(run):
    moved = run.folder.rename(run.folder.with_name("moved"))
    assert Run.load(moved).network.digest() == run.network.digest()


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named(run, name):
    path = run.folder / name
    content = bytearray(path.read_bytes())
    place = content.rindex(b"0") if name.endswith(("json", "csv")) and b"0" in content else -1
    content[place] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=f"{name}: damaged or changed.*train the run again"):
        Run.load(run.folder)
    run.save()  # written anew it is whole
    assert Run.load(run.folder).config == run.config


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(run, name):
    (run.folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: is missing"):
        Run.load(run.folder)


def test_a_run_of_an_earlier_version_loads_with_a_note(run):
    (run.folder / "checksums.json").unlink()
    with pytest.warns(UncheckedWarning, match="no checksums"):
        assert Run.load(run.folder).config == run.config


def unseal(path):
    """Write a file of arrays as version 0.1 did: without a digest."""
    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["neurosim"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del header["sha256"]
    save_file(arrays, path, {"neurosim": json.dumps(header)})


@pytest.mark.parametrize("kind", ["network", "specification", "case"])
def test_a_single_file_without_a_digest_is_read_with_one_note(run, rng, tmp_path, kind):
    spec = nets.spec(rng)
    case = Case(spec, nets.events(rng, (1, 5, 4)), "test")
    whole = {"network": run.network, "specification": spec, "case": case}[kind]
    path = whole.save(tmp_path / "a.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        type(whole).load(path)
    unseal(path)
    with pytest.warns(UncheckedWarning, match=r"a\.safetensors: has no digest") as notes:
        type(whole).load(path)
    assert len(notes) == 1
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("default")  # what a user has: one for each file
        for _ in range(3):
            type(whole).load(path)
    assert len(notes) == 1


def test_a_run_without_checksums_gives_one_note_for_all_its_files(run):
    (run.folder / "checksums.json").unlink()
    for path in run.folder.glob("*.safetensors"):
        unseal(path)
    with pytest.warns(UncheckedWarning) as notes:
        Run.load(run.folder)
    assert len(notes) == 1


def test_a_net_with_a_changed_weight_is_refused(run, tmp_path):
    path = run.network.save(tmp_path / "net.safetensors")
    arrays = load_file(path)
    _, header = store.load(path, "network")
    whole = {**header, "sha256": store.content(arrays, header)}
    save_file(arrays, path, {"neurosim": json.dumps(whole)})
    assert Network.load(path).digest() == run.network.digest()
    arrays["0.weight"][0, 0] += 1
    save_file(arrays, path, {"neurosim": json.dumps(whole)})
    with pytest.raises(InputError, match="damaged: its content"):
        Network.load(path)
    save_file(arrays, path, {"neurosim": json.dumps(header)})  # as earlier versions wrote it
    assert Network.load(path).layers[0].weight[0, 0] == arrays["0.weight"][0, 0]


def test_a_file_is_no_run(tmp_path) -> None:
    (tmp_path / "net.nir").write_bytes(b"")
    with pytest.raises(InputError, match=r"is a file; a run is a folder .*neurosim deploy"):
        Run.load(tmp_path / "net.nir")
