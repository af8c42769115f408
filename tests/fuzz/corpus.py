"""A small valid file for each reader of nets, recordings, settings and runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurosim.formats import nir, rockpool_json, samna_json, xylo_json
from neurosim.formats.case import Case
from neurosim.formats.rockpool import module_from_network
from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.run import NETWORK_FILE, Run
from neurosim.store import CHECKSUMS
from neurosim.studies import runner
from neurosim.training import checkpoint, config
from neurosim.xylo import XyloSpec, deploy
from tests import nets
from tests.data import corpus as data

Read = data.Read


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _network() -> Network:
    return nets.network(_rng(), (4, 5, 3))


def _spec() -> XyloSpec:
    return deploy(_network(), calibration=nets.events(_rng(), (3, 30, 4)))


def _written(name: str, write: Callable[[Path], object], read: Read) -> Callable[[Path], Read]:
    """Return a writer through a file of another name, which the writer may insist on."""

    def writer(path: Path) -> Read:
        own = path.with_name(name)
        write(own)
        own.rename(path)
        return read

    return writer


def _recording(path: Path) -> object:
    spikes = _rng().poisson(0.5, (2, 6, 3)).astype(np.uint8)
    return Recording((spikes, spikes), v_mem=(spikes * 0.5, spikes * 0.25)).save(path)


def _settings(path: Path) -> object:
    lines = (
        'preset = "aspen"\nepochs = 3\nhidden = [4, 5]\nlearning_rate = 1e-3\nthreads = 2\n'
        'loss = "membrane"\ngain_spread = [0.1, 0.2, 0.3]\nhomeostat = true\n'
    )
    return path.write_text(lines, encoding="utf-8")


def _checkpoint(path: Path) -> object:
    import torch

    state = {"net": {"weight": torch.ones(3, 2)}, "sums": [0.0, 1, 2.0, 3], "done": 1}
    return checkpoint.save(path, state)


def _record(path: Path) -> object:
    record = {"rows": [{"time": 0.5, "value": 1.0}], "seconds": 1.5, "label": {"letter": "a"}}
    return path.write_text(json.dumps(runner.sealed(record)), encoding="utf-8")


def _of_run(member: str) -> Callable[[Path], Read]:
    """Write a run without checksums; the file under test is one of its members."""

    def writer(path: Path) -> Read:
        folder = path.with_name(f"{path.name}.run")
        split = {"train": [1], "validation": [2], "test": [3]}
        metrics = ({"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.25})
        Run(folder, _network(), {"task": "imu"}, {"scale": 0.5}, metrics, {"split": split}).save()
        (folder / CHECKSUMS).unlink()
        path.write_bytes((folder / member).read_bytes())

        def read(damaged: Path) -> object:
            (folder / member).write_bytes(damaged.read_bytes())
            return Run.load(folder)

        return read

    return writer


def _nir(path: Path) -> object:
    return nir.load(path, source="neurosim")


def _module(path: Path) -> object:
    return module_from_network(_network()).save(path)


def _none(read: Callable[[Path], object]) -> Read:
    """Return a reader that says None of a damaged file: here, a refusal."""

    def reader(path: Path) -> object:
        from neurosim.errors import InputError

        found = read(path)
        if found is None:
            raise InputError(f"{path}: no record")
        return found

    return reader


CORPUS: dict[str, Callable[[Path], Read]] = {
    **data.CORPUS,
    "network .safetensors": _written("n.safetensors", _network().save, Network.load),
    "specification .safetensors": _written(
        "s.safetensors", lambda p: _spec().save(p), XyloSpec.load
    ),
    "case .safetensors": _written(
        "c.safetensors",
        lambda p: Case(_spec(), np.ones((1, 5, 4), np.uint8), "fuzz").save(p),
        Case.load,
    ),
    "specification .json": _written(
        "s.json", lambda p: xylo_json.save_json(_spec(), p), xylo_json.load_json
    ),
    "configuration of samna .json": _written(
        "c.json", lambda p: samna_json.save(_spec(), p), samna_json.load
    ),
    "NIR": _written("n.nir", lambda p: _network().to_nir(p), _nir),
    "Recording .nc": _written("r.nc", _recording, Recording.load),
    "rockpool module .json": _written("m.json", _module, rockpool_json.load),
    "settings .toml": _written("s.toml", _settings, config.load),
    "checkpoint": _written("c.pt", _checkpoint, checkpoint.load),
    "record of a study": _written("r.json", _record, _none(runner.record_of)),
    "run: config": _of_run("config.json"),
    "run: front end": _of_run("front_end.json"),
    "run: provenance": _of_run("provenance.json"),
    "run: metrics": _of_run("metrics.csv"),
    "run: network": _of_run(NETWORK_FILE),
}
"""By name: writes a small valid file at a path, and returns the reader that loads such a path."""
