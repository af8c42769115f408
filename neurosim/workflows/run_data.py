"""The data that a run was trained on, found again and checked by its hash.

A run on a user's own recordings keeps its windows, or says which files they are made of. Others
keep no samples. A run's provenance names the data set, the split and the SHA-256 of the training
samples; what does not have this hash is not the run's data and is never taken for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import data, outside
from neurosim.data import activity_sets, catalogue, recording_files, stored_windows
from neurosim.data.recordings import Reading
from neurosim.errors import InputError, UnavailableError, shown
from neurosim.run import Run
from neurosim.training import config as configuration
from neurosim.training.recording_files import RecordingFiles

if TYPE_CHECKING:
    from neurosim.data import Dataset, ImageSet

CALIBRATION = 64
"""Training windows that integer scales are chosen on."""


def dataset_of(
    run: Run,
    dataset: Dataset | ImageSet | None = None,
    *,
    folder: str | Path | None = None,
) -> Dataset | ImageSet:
    """Return the data set that a run was trained on.

    Args:
        run: of windows or of images.
        dataset: taken if its training samples are the run's; looked for among the sets that are
            present when None.
        folder: of all sets that a user brings; `neurosim data list` shows the default.

    Raises:
        InputError: the dataset is not the run's, no set that is present is, or the run has no hash
            of its training samples and no dataset is passed.
    """
    recorded = run.provenance.get("train_sha256")
    if dataset is not None:
        if recorded not in (None, dataset.train_sha256):
            raise InputError(
                f"{run.folder}: the dataset passed has other training samples (SHA-256 "
                f"{dataset.train_sha256[:12]}) than the run ({recorded[:12]}); pass the one that "
                "the run was trained on"
            )
        return dataset
    if recorded is None:
        raise InputError(
            f"{run.folder}: provenance.json holds no train_sha256, so that no data set can be told "
            "to be the run's; pass dataset= from Python, or train it again"
        )
    if (run.folder / stored_windows.FILE).is_file() and run.data is not None:
        return _checked(run, stored_windows.load(run.folder, run.data, run.front_end))
    reading = reading_of(run)
    if reading is not None and run.config.get("data") is not None:
        return _read_again(run, reading)
    if run.config.get("data") is not None and run.network is None:
        return _frames_again(run)
    tried = []
    for name, read in _candidates(run, folder).items():
        try:
            candidate = read()
        except UnavailableError:
            tried.append(f"{name} (not present)")
        except InputError as error:
            tried.append(f"{name} ({error})")
        else:
            if candidate.train_sha256 == recorded:
                return candidate
            tried.append(f"{name} (other training samples)")
    raise InputError(
        f"{run.folder}: the data it was trained on ({_called(run)}) was not found; tried: "
        f"{', '.join(tried) or 'nothing, since no set here has that name'}; pass dataset= from "
        "Python, or bring the set (neurosim data list)"
    )


def reading_of(run: Run) -> Reading | None:
    """Return how the recordings of a run were read; None where they are not a user's own."""
    if run.data is None:
        return None
    with outside.reading(run.folder / "data.json", "description of windows"):
        return stored_windows.reading_of(run.data)


def windows_of(run: Run, dataset: Dataset | ImageSet | None = None) -> Dataset:
    """Return the data set of a run that was trained on windows of events; see `dataset_of`.

    Raises:
        InputError: as `dataset_of`, or the run was trained on images.
    """
    windows = dataset_of(run, dataset)
    if not isinstance(windows, data.Dataset):
        raise InputError(f"{run.folder}: was trained on images ({windows.name}), not on windows")
    return windows


def calibration(train: np.ndarray) -> np.ndarray:
    """Return the windows that integer scales are chosen on: CALIBRATION, drawn with seed 0.

    Args:
        train: (windows, steps, channels) of a training part.
    """
    size = min(CALIBRATION, len(train))
    chosen = np.random.default_rng(0).choice(len(train), size=size, replace=False)
    return train[np.sort(chosen)]


def _checked(run: Run, dataset: Dataset) -> Dataset:
    """Return windows if they are those that a run was trained on."""
    if dataset.train_sha256 != run.provenance.get("train_sha256"):
        raise InputError(
            f"{run.folder}: its windows are not those that it was trained on; train it again"
        )
    return dataset


def _read_again(run: Run, reading: Reading) -> Dataset:
    """Return the windows of the files that a run was trained on, if they are still the same."""
    files = RecordingFiles(**configuration.exact(run.config["data"]))
    if recording_files.digest(files.path) != reading.digest:
        raise InputError(
            f"{run.folder}: {files.path} has changed since the run was trained on it; restore it, "
            "pass dataset= from Python, or train the run again"
        )
    return _checked(run, files.dataset())


def _frames_again(run: Run) -> ImageSet:
    """Return the frames of a camera that a run was trained on, if they are still the same."""
    files = RecordingFiles(**configuration.exact(run.config["data"]))
    frames = files.frames(run.config["steps"])
    if frames.train_sha256 != run.provenance.get("train_sha256"):
        raise InputError(
            f"{run.folder}: {files.path} has changed since the run was trained on it; restore it, "
            "or train the run again"
        )
    return frames


def _called(run: Run) -> str:
    """Return how a run's provenance calls its data."""
    name = run.provenance.get("dataset")
    if name is None:
        return "which it does not name"
    return repr(name) if name else "a data set without a name, made in Python"


def _candidates(run: Run, folder: str | Path | None) -> dict[str, Callable[[], Dataset | ImageSet]]:
    """Return readers of the sets that may be a run's, by name: the one it names, or all."""
    split = run.provenance.get("split")
    readers: dict[str, Callable[[], Any]]
    if split is None:
        readers = {"digits": data.digits, "mnist5k": data.mnist5k}
        readers["cifar10"] = partial(data.cifar10, _place("cifar10", folder))
    else:
        options = {"run": run.folder, "split": split, "front_end": run.front_end}
        readers = {"wrist": partial(_encoded, data.wrist_imu, **options)}
        for name in activity_sets.NAMES:
            place, classes = _place(name, folder), _classes(run)
            read = partial(data.activities, name, place, classes=classes)
            readers[name] = partial(_encoded, read, **options)
        readers["braille"] = partial(data.braille, _place("braille", folder))
    named = run.provenance.get("dataset")
    return {name: read for name, read in readers.items() if named in (None, name)}


def _classes(run: Run) -> list[str] | str:
    """Return the classes that a run was trained on; all where it is from before they were kept."""
    classes = run.provenance.get("classes", "all")
    named = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if not named and classes != "all":
        raise InputError(
            f"{run.folder / 'provenance.json'}: classes is {shown(classes, form=repr)}; "
            "it is a list of names"
        )
    return classes


def _encoded(
    read: Callable[..., Dataset], *, run: Path, split: dict[str, Any], front_end: dict[str, Any]
) -> Dataset:
    with outside.reading(run / "provenance.json", "split of people"):
        people = data.Split(**{part: tuple(numbers) for part, numbers in split.items()})
    with outside.reading(run / "front_end.json", "front end"):
        settings = data.FrontEnd.from_dict(front_end)
    return read(split=people, front_end=settings)


def _place(name: str, folder: str | Path | None) -> Path | None:
    return None if folder is None else Path(folder) / catalogue.get(name).home
