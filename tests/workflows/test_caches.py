"""What is kept on a machine: listed with its cost, deleted only as far as somebody says."""

import json
import sys
import warnings

import platformdirs
import pytest
from typer.testing import CliRunner

from neurosim.cli import app
from neurosim.errors import InputError
from neurosim.run import Run
from neurosim.workflows import caches, machine
from tests import nets

CHEAP = ("equations", "encoded", "compiled", "kernels")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Cache and data folders of a user who has one file of each kind and two trained nets."""
    monkeypatch.delenv(caches.NETS_VARIABLE, raising=False)
    for name in ("cache", "data"):
        place = tmp_path / name
        monkeypatch.setattr(platformdirs, f"user_{name}_path", lambda app, p=place: p / app)
    for name in ("equations", "data", "brian2/key", "kernels"):
        folder = tmp_path / "cache" / "neurosim" / name
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(500_000))
    return tmp_path


def net(folder, rng, seconds=None):
    provenance = {} if seconds is None else {"seconds": seconds}
    Run(folder, nets.network(rng), {}, {}, ({"epoch": 1.0},), provenance).save()
    folder.with_suffix(".lock").touch()
    return folder


def names(cache):
    return [entry.name for entry in cache.entries]


def test_each_cache_is_listed_with_its_size_and_cost(home, rng):
    folder = home / "data" / "neurosim" / "nets"
    net(folder / ("a" * 20), rng, 3600.0)
    net(folder / ("b" * 20), rng, 1800.0)
    net(folder / ("c" * 20), rng)
    found = {cache.name: cache for cache in caches.caches()}
    assert [found[name].size for name in CHEAP] == [500_000] * 4
    assert caches.training_times(found["nets"]) == [3600.0, 1800.0, None]
    cells = list(machine.table().columns[1].cells)
    rows = dict(zip(machine.table().columns[0].cells, cells, strict=True))
    assert "0.5 MB, minutes to make again" in rows["kept: compiled"]
    words = "3 nets, trained in 1.5 h (of 1 the time was not recorded)"
    assert words in rows["kept: nets"]


def test_the_plain_option_keeps_trained_nets(home, rng):
    kept = net(home / "data" / "neurosim" / "nets" / ("a" * 20), rng)
    (kept.parent / "notes").mkdir()
    done = CliRunner().invoke(app, ["doctor", "--clear-cache", "--yes"])
    assert done.exit_code == 0, done.output
    for name in CHEAP:
        assert f"to delete: {name}" in done.output
    assert "to delete: nets" not in done.output
    left = {cache.name: names(cache) for cache in caches.caches()}
    assert left == {**{name: [] for name in CHEAP}, "nets": ["a" * 20, f"{'a' * 20}.lock"]}
    done = CliRunner().invoke(app, ["doctor", "--clear-cache", "nets", "--yes"])
    assert done.exit_code == 0, done.output
    assert not kept.exists()
    assert (kept.parent / "notes").exists()  # no net: whoever put it there


def test_nothing_is_deleted_unasked(home, monkeypatch):
    error = CliRunner().invoke(app, ["doctor", "--clear-cache"]).exception
    assert isinstance(error, InputError)
    assert "--yes" in str(error)
    assert "\n" not in str(error)
    monkeypatch.setattr("neurosim.commands.doctor.sys", Terminal())
    refused = CliRunner().invoke(app, ["doctor", "--clear-cache", "encoded"], input="n\n")
    assert "nothing was deleted" in refused.output
    assert names(caches.chosen(["encoded"])[0]) == ["file"]
    CliRunner().invoke(app, ["doctor", "--clear-cache", "encoded"], input="y\n")
    assert [names(cache) for cache in caches.chosen(CHEAP)] == [["file"], [], ["key"], ["file"]]


class Terminal:
    """A sys whose input is a terminal."""

    stdin = type("Input", (), {"isatty": staticmethod(lambda: True)})

    def __getattr__(self, name):
        return getattr(sys, name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--clear-cache", "net", "--yes"), "did you mean 'nets'"),
        (("nets",), "doctor --clear-cache nets"),
    ],
)
def test_a_misspelt_cache_is_named(home, arguments, words):
    error = CliRunner().invoke(app, ["doctor", *arguments]).exception
    assert isinstance(error, InputError)
    assert words in str(error)


def test_nets_among_an_earlier_versions_caches_are_moved_once(home, rng):
    old = home / "cache" / "neurosim" / "nets"
    net(old / ("a" * 20), rng, 60.0)
    with pytest.warns(UserWarning, match="1 trained nets were moved"):
        place = caches.nets_folder()
    assert place == home / "data" / "neurosim" / "nets"
    assert Run.load(place / ("a" * 20)).provenance == {"seconds": 60.0}
    assert not old.exists()
    net(old / ("a" * 20), rng, 70.0)  # by the earlier version, still in use: the newer place counts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert caches.nets_folder() == place
    assert json.loads((place / ("a" * 20) / "provenance.json").read_text()) == {"seconds": 60.0}


def test_the_variable_names_another_folder(home, monkeypatch):
    monkeypatch.setenv(caches.NETS_VARIABLE, str(home / "shared"))
    assert caches.nets_folder() == home / "shared"


def test_a_trained_net_records_how_long_it_took(tmp_path, rng):
    from neurosim.training import loop
    from tests.training.small import SMALL, small_dataset

    settings = {**SMALL, "epochs": 1}
    run = loop.train(
        "fixed", folder=tmp_path, dataset=small_dataset(rng), progress=False, **settings
    )
    assert 0 < run.provenance["seconds"] < 600
