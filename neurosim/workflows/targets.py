"""What `neurosim verify` can be pointed at, and the events that it is run on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import data, store
from neurosim.errors import InputError
from neurosim.network import Network
from neurosim.run import Run
from neurosim.verify.case import KIND as CASE
from neurosim.verify.case import Case
from neurosim.xylo.spec import XyloSpec

SPEC_FILE, NETWORK_FILE = "spec.safetensors", "network.safetensors"
DATA_SETS = ("wrist-imu", "digits", "random")
RANDOM_SHAPE, RANDOM_RATE = (16, 200), 0.3
DIGITS_STEPS = 100


@dataclass(frozen=True, eq=False)
class Target:
    """A net as floats, as integers, or both."""

    name: str
    network: Network | None = None
    spec: XyloSpec | None = None
    graph: Any = None
    """A NIR graph (`neurosim.formats.nir.Graph`) that a Network cannot express."""
    raster: np.ndarray | None = None
    """Events that belong to it: those of a saved case."""
    front_end: dict[str, Any] | None = None
    split: dict[str, Any] | None = None
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Input channels."""
        if self.spec is not None:
            return self.spec.channels
        return self.network.shape[0] if self.network is not None else self.graph.channels


@dataclass(frozen=True, eq=False)
class Events:
    """A raster, what is known about it, and events that integer scales may be chosen on."""

    raster: np.ndarray
    labels: np.ndarray | None = None
    calibration: np.ndarray | None = None
    origin: str = ""


def load(path: Path, *, dt: float | None = None, source: str | None = None) -> dict[str, Target]:
    """Read a demo folder, a run, a specification, a saved case or module, or a NIR file.

    Args:
        path: the file or folder.
        dt: time step in seconds of a NIR file that states none.
        source: name of the library that wrote a NIR file, see `neurosim.formats.nir`.

    Raises:
        InputError: nothing there can be verified.
    """
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    name = path.stem
    origin: dict[str, Any] = {"file": str(path)}
    if path.suffix == ".json":
        return {name: _json(path)}
    if path.suffix == ".nir":
        from neurosim.formats import nir

        graph = nir.load(path, dt=dt, source=source)
        network, reason = nir.as_network(graph)
        origin |= {"nir": graph.says}
        if network is None:
            origin |= {"no Network, since": reason}
        return {name: Target(name, network=network, graph=graph, origin=origin)}
    kind = store.kind(path)
    if kind == "network":
        return {name: Target(name, network=Network.load(path), origin=origin)}
    if kind == CASE:
        case = Case.load(path)
        origin |= {"case": case.origin}
        return {name: Target(name, spec=case.spec, raster=case.raster, origin=origin)}
    spec = XyloSpec.load(path)
    front_end = None if spec.front_end is None else dict(spec.front_end)
    return {name: Target(name, spec=spec, front_end=front_end, origin=origin)}


def _json(path: Path) -> Target:
    """Read a configuration in the vendor's field names, or a module that rockpool saved."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable JSON file ({error})") from error
    origin = {"file": str(path)}
    if isinstance(values, dict) and "configuration" in values:
        from neurosim.formats import xylo_json

        spec = xylo_json.load_json(path)
        front_end = None if spec.front_end is None else dict(spec.front_end)
        return Target(path.stem, spec=spec, front_end=front_end, origin=origin)
    from neurosim.formats import rockpool_json

    return Target(path.stem, network=rockpool_json.load(path), origin=origin)


def _folder(path: Path) -> dict[str, Target]:
    folders = [p.parent for p in sorted(path.glob(f"*/{NETWORK_FILE}"))]
    folders += [p.parent for p in sorted(path.glob(f"*/{SPEC_FILE}")) if p.parent not in folders]
    if (path / NETWORK_FILE).is_file() or (path / SPEC_FILE).is_file():
        folders = [path, *folders]
    if not folders:
        raise InputError(
            f"{path}: no {SPEC_FILE} there and no {NETWORK_FILE}; give a demo folder, a run, a "
            "specification file, a saved rockpool module (.json) or a NIR file"
        )
    return {folder.name: _run(folder) for folder in sorted(set(folders), key=str)}


def _run(folder: Path) -> Target:
    spec = XyloSpec.load(folder / SPEC_FILE) if (folder / SPEC_FILE).is_file() else None
    if not (folder / NETWORK_FILE).is_file():
        assert spec is not None
        front_end = None if spec.front_end is None else dict(spec.front_end)
        return Target(folder.name, spec=spec, front_end=front_end, origin={"folder": str(folder)})
    run = Run.load(folder)
    if run.network is None and spec is None:
        raise InputError(f"{folder}: its net is no Network of dense layers; it cannot be verified")
    origin = {"run": str(folder), "seed": run.config.get("seed"), "config": run.config}
    return Target(
        folder.name,
        network=run.network,
        spec=spec,
        front_end=dict(run.front_end) if run.front_end else None,
        split=run.provenance.get("split"),
        origin=origin,
    )


def events(targets: dict[str, Target], named: str | None) -> Events:
    """Return the events that all targets are run on.

    Args:
        targets: those of `load`.
        named: a .npy file or one of DATA_SETS; without, a case's own raster, or the test windows
            behind the front end that the nets were trained behind.

    Raises:
        InputError: the file is no raster, or there is nothing to take without a name.
    """
    if named == "wrist-imu" or named is None:
        own = [t.raster for t in targets.values() if t.raster is not None]
        if named is None and own:
            return Events(own[0], origin="saved with the case")
        return _wrist(targets, named)
    channels = next(iter(targets.values())).channels
    if named == "random":
        raster = np.random.default_rng(0).poisson(RANDOM_RATE, (*RANDOM_SHAPE, channels))
        return Events(raster.astype(np.uint8), origin=f"Poisson events, rate {RANDOM_RATE}, seed 0")
    if named == "digits":
        return _digits()
    return Events(load_raster(Path(named)), origin=named)


def _wrist(targets: dict[str, Target], named: str | None) -> Events:
    """Return the test windows, encoded by the front end that the nets were trained behind."""
    settings = [target.front_end for target in targets.values()]
    if named and not any(settings):
        windows = data.wrist_imu()
    elif not settings[0] or any(other != settings[0] for other in settings):
        fault = "read different front ends" if settings[0] else "name no front end"
        raise InputError(
            f"the nets ({', '.join(targets)}) {fault}: give events, --raster FILE.npy or one of "
            f"{', '.join(DATA_SETS)}"
        )
    else:
        split = next(iter(targets.values())).split
        front_end = data.FrontEnd.from_dict(settings[0])
        chosen = [data.Split(**split)] if split else []
        windows = data.wrist_imu(*chosen, front_end=front_end)
    test, train = windows.test, windows.train
    return Events(test.raster, test.labels, train.raster, "wrist-imu, test subjects")


def _digits() -> Events:
    """Return scikit-learn's digits as Poisson spikes of 64 channels."""
    images = data.digits()
    spikes = data.encode.poisson(images.images, DIGITS_STEPS, np.random.default_rng(0))
    raster = spikes.reshape(len(spikes), DIGITS_STEPS, -1)
    return Events(
        raster[images.test],
        images.labels[images.test],
        raster[images.train],
        f"digits, test images, {DIGITS_STEPS} steps of Poisson spikes, seed 0",
    )


def load_raster(path: Path) -> np.ndarray:
    """Read a .npy file of (samples, time, channels) counts; never a pickle."""
    try:
        # Mapped first: a header that claims more than the file holds must not claim memory.
        raster = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        known = ", ".join(DATA_SETS)
        raise InputError(
            f"{path}: not a readable .npy raster ({error}); data sets are {known}"
        ) from error
    if not isinstance(raster, np.ndarray):
        raise InputError(f"{path}: holds several arrays; save one raster with numpy.save")
    return np.array(raster)
