"""The events that nets are run on: a file, a data set, or those that a run was trained with."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import data
from neurosim.data import raster_files
from neurosim.errors import InputError
from neurosim.formats.nets import Net
from neurosim.frozen import Frozen
from neurosim.run import Run
from neurosim.workflows.run_data import calibration, windows_of

if TYPE_CHECKING:
    from neurosim.data import Dataset

DATA_SETS = ("wrist-imu", "digits", "random")
RANDOM_SHAPE, RANDOM_RATE = (16, 200), 0.3
DIGITS_STEPS = 100


@dataclass(frozen=True, eq=False)
class Events(Frozen):
    """A raster, what is known about it, and events that integer scales may be chosen on."""

    raster: np.ndarray
    labels: np.ndarray | None = None
    calibration: np.ndarray | None = None
    origin: str = ""
    """Which events these are, and why these, where nobody chose them."""


def events(targets: dict[str, Net], named: str | None, *, dataset: Dataset | None = None) -> Events:
    """Return the events that all targets are run on.

    Args:
        targets: those of `neurosim.formats.nets.read`.
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


def _default(targets: dict[str, Net], dataset: Dataset | None) -> Events:
    """Return the test windows of the runs' data, or of the wrist set where there is no run."""
    settings, runs = _front_end(targets), _runs(targets)
    if len(runs) > 1:
        raise InputError(
            f"the nets ({', '.join(targets)}) were trained on different data; verify each by itself"
        )
    if runs:
        return _windows(windows_of(runs[0], dataset), f"which {_were(targets)} trained on")
    events = _windows(
        data.wrist_imu(front_end=_imu(settings)),
        f"chosen because no run says what {_were(targets)} trained on: it may be other data",
    )
    return replace(events, labels=None, calibration=None)


def _wrist(targets: dict[str, Net]) -> Events:
    """Return the wrist set's test windows, which the caller named."""
    front_end = None
    if any(t.front_end for t in targets.values()):
        front_end = _imu(_front_end(targets))
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


def _were(targets: dict[str, Net]) -> str:
    return f"{', '.join(targets)} {'was' if len(targets) == 1 else 'were'}"


def _runs(targets: dict[str, Net]) -> list[Run]:
    """Return one run for each set of training samples."""
    runs = [target.run for target in targets.values() if target.run is not None]
    return list({run.provenance.get("train_sha256"): run for run in runs}.values())


def _front_end(targets: dict[str, Net]) -> dict[str, Any]:
    """Return the settings of the front end that all targets read.

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
    return settings[0]


def _imu(settings: dict[str, Any]) -> data.FrontEnd:
    """Return the front end of the wrist recordings that has these settings.

    Raises:
        InputError: the nets read events that no front end of accelerations made.
    """
    if "channel_names" in settings:
        few = ", ".join(settings["channel_names"][:3])
        raise InputError(
            f"the nets read events of {few} ..., no wrist recordings: give them, "
            "--raster FILE.npy or --raster random"
        )
    return data.FrontEnd.from_dict(settings)


def _windows(windows: Dataset, why: str) -> Events:
    """Return a data set's test windows, and training windows for integer scales."""
    test = windows.test
    numbers = np.unique(test.subjects).tolist()
    people = ", ".join(windows.people[k - 1] if windows.people else str(k) for k in numbers)
    own = Path(windows.reading.path).name if windows.reading is not None else ""
    name = windows.name or own or "data set passed"
    origin = f"{name}, test windows of subjects {people}, {why}"
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
