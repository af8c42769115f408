"""What `neurosim verify` can be pointed at, and the events that it is run on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import data, outside, store
from neurosim.data import raster_files
from neurosim.errors import InputError
from neurosim.frozen import Frozen
from neurosim.network import Network
from neurosim.outside import JSON_BYTES
from neurosim.run import NETWORK_FILE, SPEC_FILES, Run
from neurosim.verify.case import KIND as CASE
from neurosim.verify.case import Case
from neurosim.workflows import specifications
from neurosim.workflows.run_data import calibration, windows_of
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

DATA_SETS = ("wrist-imu", "digits", "random")
RANDOM_SHAPE, RANDOM_RATE = (16, 200), 0.3
DIGITS_STEPS = 100


@dataclass(frozen=True, eq=False)
class Target(Frozen):
    """A net as floats, as integers, or both."""

    name: str
    network: Network | None = None
    spec: XyloSpec | None = None
    graph: Any = None
    """A NIR graph (`neurosim.formats.nir.Graph`) that a Network cannot express."""
    raster: np.ndarray | None = None
    """Events that belong to it: those of a saved case."""
    run: Run | None = None
    """The run that trained it, where its folder is there: the only thing that knows its data."""
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Input channels."""
        if self.spec is not None:
            return self.spec.channels
        return self.network.shape[0] if self.network is not None else self.graph.channels

    @property
    def front_end(self) -> dict[str, Any] | None:
        """Settings of the front end whose events it reads, where its run or spec names one."""
        named = self.run.front_end if self.run else self.spec.front_end if self.spec else None
        return dict(named) if named else None


@dataclass(frozen=True, eq=False)
class Events(Frozen):
    """A raster, what is known about it, and events that integer scales may be chosen on."""

    raster: np.ndarray
    labels: np.ndarray | None = None
    calibration: np.ndarray | None = None
    origin: str = ""
    """Which events these are, and why these, where nobody chose them."""


def load(
    path: Path, *, dt: float | None = None, source: str | None = None, reset: str | None = None
) -> dict[str, Target]:
    """Read a demo folder, a run, a specification, a saved case or module, or a NIR file.

    Args:
        path: the file or folder.
        dt: time step in seconds of a NIR file that states none.
        source: name of the library that wrote a NIR file, see `neurosim.formats.nir`.
        reset: how the neurons of a NIR file reset, where its source leaves it open.

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

        graph = nir.load(path, dt=dt, source=source, reset=reset)
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
    return {name: Target(name, spec=XyloSpec.load(path), origin=origin)}


def _json(path: Path) -> Target:
    """Read a configuration in the vendor's field names, or a module that rockpool saved."""
    values = outside.json_of(path, JSON_BYTES)
    origin = {"file": str(path)}
    if isinstance(values, dict) and "configuration" in values:
        from neurosim.formats import xylo_json

        return Target(path.stem, spec=xylo_json.load_json(path), origin=origin)
    from neurosim.formats import rockpool_json

    return Target(path.stem, network=rockpool_json.load(path), origin=origin)


def _folder(path: Path) -> dict[str, Target]:
    folders = [p.parent for p in sorted(path.glob(f"*/{NETWORK_FILE}"))]
    folders += [p.parent for p in path.glob(f"*/{SPEC_FILES}")]
    if (path / NETWORK_FILE).is_file() or any(path.glob(SPEC_FILES)):
        folders = [path, *folders]
    if not folders:
        raise InputError(
            f"{path}: no {SPEC_FILES} there and no {NETWORK_FILE}; give a demo folder, a run, a "
            "specification file, a saved rockpool module (.json) or a NIR file"
        )
    targets = [target for folder in sorted(set(folders), key=str) for target in _run(folder)]
    return {target.name: target for target in targets}


def _run(folder: Path) -> Iterator[Target]:
    """Yield a run's net with its specification for each chip; one target where there is none."""
    files = specifications.files_of(folder)
    run = Run.load(folder) if (folder / NETWORK_FILE).is_file() else None
    for chip, path in files.items():
        name = folder.name if len(files) == 1 else f"{folder.name} on {chip}"
        yield replace(_target(folder, run, XyloSpec.load(path)), name=name)
    if not files:
        yield _target(folder, run, None)


def _target(folder: Path, run: Run | None, spec: XyloSpec | None) -> Target:
    if run is None:
        return Target(folder.name, spec=spec, origin={"folder": str(folder)})
    if run.network is None and spec is None:
        raise InputError(
            f"{folder}: an image net cannot be verified; give a run trained on windows"
        )
    origin = {"run": str(folder), "seed": run.config.get("seed"), "config": run.config}
    return Target(folder.name, network=run.network, spec=spec, run=run, origin=origin)


def events(
    targets: dict[str, Target], named: str | None, *, dataset: Dataset | None = None
) -> Events:
    """Return the events that all targets are run on.

    Args:
        targets: those of `load`.
        named: a file (.npy, .npz, or .csv of one sample) or one of DATA_SETS. Without, a case's
            own raster; the test windows of the data that the runs were trained on; or, for
            specifications without a run, the wrist recordings' test windows behind their front end.
        dataset: encoded windows that the runs were trained on; looked for when None, see
            `run_data.dataset_of`.

    Raises:
        InputError: the file is no raster, or there is nothing to take without a name.
    """
    if named is None:
        own = [target.raster for target in targets.values() if target.raster is not None]
        return Events(own[0], origin="saved with the case") if own else _default(targets, dataset)
    if named == "wrist-imu":
        return _wrist(targets)
    if named == "random":
        channels = next(iter(targets.values())).channels
        raster = np.random.default_rng(0).poisson(RANDOM_RATE, (*RANDOM_SHAPE, channels))
        return Events(raster.astype(np.uint8), origin=f"Poisson events, rate {RANDOM_RATE}, seed 0")
    if named == "digits":
        return _digits()
    return Events(load_raster(Path(named)), origin=named)


def _default(targets: dict[str, Target], dataset: Dataset | None) -> Events:
    """Return the test windows of the runs' data, or of the wrist set where there is no run."""
    front_end, runs = _front_end(targets), _runs(targets)
    if len(runs) > 1:
        raise InputError(
            f"the nets ({', '.join(targets)}) were trained on different data; verify each by itself"
        )
    if runs:
        return _windows(windows_of(runs[0], dataset), f"which {_were(targets)} trained on")
    events = _windows(
        data.wrist_imu(front_end=front_end),
        f"chosen because no run says what {_were(targets)} trained on: it may be other data",
    )
    return replace(events, labels=None, calibration=None)


def _wrist(targets: dict[str, Target]) -> Events:
    """Return the wrist set's test windows, which the caller named."""
    front_end = _front_end(targets) if any(t.front_end for t in targets.values()) else None
    runs = _runs(targets)
    if len(runs) == 1:
        with contextlib.suppress(InputError):
            own = windows_of(runs[0])
            if own.name == "wrist":
                return _windows(own, f"which {_were(targets)} trained on")
    events = _windows(data.wrist_imu(front_end=front_end), "as named")
    if not runs:
        return events
    origin = f"{events.origin}; {_were(targets)} trained on other data"
    return Events(events.raster, origin=origin)


def _were(targets: dict[str, Target]) -> str:
    return f"{', '.join(targets)} {'was' if len(targets) == 1 else 'were'}"


def _runs(targets: dict[str, Target]) -> list[Run]:
    """Return one run for each set of training samples."""
    runs = [target.run for target in targets.values() if target.run is not None]
    return list({run.provenance.get("train_sha256"): run for run in runs}.values())


def _front_end(targets: dict[str, Target]) -> data.FrontEnd:
    """Return the front end that all targets read.

    Raises:
        InputError: one names none, or they differ.
    """
    settings = [target.front_end for target in targets.values()]
    if not settings[0] or any(other != settings[0] for other in settings):
        fault = "read different front ends" if all(settings) else "name no front end"
        raise InputError(
            f"the nets ({', '.join(targets)}) {fault}: give events, --raster FILE.npy or one of "
            f"{', '.join(DATA_SETS)}"
        )
    return data.FrontEnd.from_dict(settings[0])


def _windows(windows: Dataset, why: str) -> Events:
    """Return a data set's test windows, and training windows for integer scales."""
    test, people = windows.test, ", ".join(map(str, np.unique(windows.test.subjects)))
    origin = f"{windows.name or 'data set passed'}, test windows of subjects {people}, {why}"
    return Events(test.raster, test.labels, calibration(windows.train.raster), origin)


def _digits() -> Events:
    """Return scikit-learn's digits as Poisson spikes of 64 channels."""
    images = data.digits()
    spikes = data.encode.poisson(images.images, DIGITS_STEPS, np.random.default_rng(0))
    raster = spikes.reshape(len(spikes), DIGITS_STEPS, -1)
    return Events(
        raster[images.test],
        images.labels[images.test],
        calibration(raster[images.train]),
        f"digits, test images, {DIGITS_STEPS} steps of Poisson spikes, seed 0",
    )


def load_raster(path: Path) -> np.ndarray:
    """Read a file of (samples, time, channels) counts, see `neurosim.data.raster_files`."""
    if not path.exists():
        raise InputError(f"{path}: no such file; data sets are {', '.join(DATA_SETS)}")
    return raster_files.load(path)


def load_spikes(path: Path) -> np.ndarray:
    """Read a file of (samples, time, neurons) output spikes, counted in whole numbers.

    Raises:
        InputError: as `neurosim.data.raster_files.load`, or a value is no count.
    """
    spikes = load_raster(path)
    odd = (spikes < 0) | (spikes != np.trunc(spikes.astype(np.float64))) | np.isinf(spikes)
    if odd.any():
        where = tuple(int(i[0]) for i in np.nonzero(odd))
        raise InputError(
            f"{path}: holds {spikes[where]} at {where}; spikes are counted in whole numbers"
        )
    return spikes
