"""Windows and what they were made of, in the folder of a run that was trained on them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside, store
from neurosim.data.dataset import Dataset
from neurosim.data.direct import Direct
from neurosim.data.imu import FrontEnd
from neurosim.data.recordings import Reading
from neurosim.data.splits import PARTS, Split
from neurosim.data.windows import Windows
from neurosim.errors import InputError

FILE, KIND = "windows.safetensors", "windows"


def described(dataset: Dataset) -> dict[str, Any]:
    """Return what a run records of its windows, as JSON values: all but the front end."""
    return {
        "dataset": dataset.name,
        "classes": list(dataset.classes),
        "people": list(dataset.people),
        "split": {part: list(getattr(dataset.split, part)) for part in PARTS},
        "train_windows": np.bincount(dataset.train.labels, minlength=len(dataset.classes)).tolist(),
        "steps": dataset.train.raster.shape[1],
        "hop": dataset.hop,
        "rate_hz": dataset.rate_hz,
        "reading": None if dataset.reading is None else asdict(dataset.reading),
    }


def save(folder: Path, dataset: Dataset) -> Path:
    """Write the windows of all parts."""
    arrays = {
        f"{part}.{name}": getattr(getattr(dataset, part), name)
        for part in PARTS
        for name in ("raster", "labels", "subjects")
    }
    return store.save(folder / FILE, KIND, arrays, {})


def load(folder: Path, description: dict[str, Any], front_end: dict[str, Any]) -> Dataset:
    """Return what `save` wrote.

    Args:
        folder: of the run.
        description: what `described` gave.
        front_end: settings of the front end that made the windows.

    Raises:
        InputError: a file is missing, damaged, or the two do not belong together.
    """
    arrays, _ = store.load(folder / FILE, KIND, note=False)
    with outside.reading(folder / "data.json", "description of windows"):
        train, validation, test = (
            Windows(*(arrays[f"{part}.{name}"] for name in ("raster", "labels", "subjects")))
            for part in PARTS
        )
        split = Split(**{part: tuple(description["split"][part]) for part in PARTS})
        reading = reading_of(description)
        dataset = Dataset(
            train,
            validation,
            test,
            FrontEnd.from_dict(front_end) if "scale" in front_end else Direct(**front_end),
            tuple(description["classes"]),
            split,
            name=description["dataset"],
            rate_hz=float(description["rate_hz"]),
            hop=int(description["hop"]),
            people=tuple(description["people"]),
            reading=reading,
        )
    labels = np.concatenate([part.labels for part in (train, validation, test)])
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(dataset.classes):
        raise InputError(f"{folder / FILE}: has labels beyond the {len(dataset.classes)} classes")
    return dataset


def reading_of(description: dict[str, Any]) -> Reading | None:
    """Return how the recordings were read, of what `described` gave; None for a set's."""
    reading = description["reading"]
    if reading is None:
        return None
    lists = {name: tuple(value) for name, value in reading.items() if isinstance(value, list)}
    return Reading(**{**reading, **lists})
