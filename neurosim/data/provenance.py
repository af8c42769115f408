"""Which windows a run was trained on, found again by their hash."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosim.data import catalogue
from neurosim.data.activity_sets import NAMES, activities
from neurosim.data.dataset import Dataset, wrist_imu
from neurosim.data.imu import FrontEnd
from neurosim.data.splits import Split
from neurosim.data.windows import Windows
from neurosim.errors import InputError


def train_sha256(train: Windows) -> str:
    """Return the hash that a run records of its training windows."""
    return hashlib.sha256(train.raster.tobytes() + train.labels.tobytes()).hexdigest()


def trained_on(
    provenance: Mapping[str, Any],
    front_end: Mapping[str, Any],
    *,
    folder: str | Path | None = None,
) -> Dataset:
    """Return the data set that a run was trained on: the wrist recordings, or one that is present.

    Args:
        provenance: of a run: its `split`, and `train_sha256` of its training windows.
        front_end: settings of the run's encoder.
        folder: of all sets; `neurosim data list` shows the default.

    Raises:
        InputError: no set that is present gives these training windows.
    """
    wanted = provenance.get("train_sha256")
    tried = []
    for name, found in _candidates(provenance["split"], front_end, folder):
        if wanted in (None, train_sha256(found.train)):
            return found
        tried.append(name)
    raise InputError(
        f"the run's training windows are not those of {', '.join(tried) or 'any set present'}: "
        "bring the set it was trained on (see `neurosim data list`), or pass the dataset"
    )


def _candidates(
    split: Mapping[str, Any], front_end: Mapping[str, Any], folder: str | Path | None
) -> Iterator[tuple[str, Dataset]]:
    """Yield all sets that are present and have the subjects of the split."""
    options: dict[str, Any] = {
        "split": Split(**{part: tuple(people) for part, people in split.items()}),
        "front_end": FrontEnd.from_dict(front_end),
    }
    with contextlib.suppress(InputError):
        yield "wrist", wrist_imu(**options)
    for name in NAMES:
        place = catalogue.root(folder) / name
        if catalogue.present(catalogue.get(name), folder):
            with contextlib.suppress(InputError):
                yield name, activities(name, place, classes="all", **options)
