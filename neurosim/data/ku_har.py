"""KU-HAR: 18 activities of 90 people with a phone at the waist (Sikder and Nahid 2021).

Windows of 300 samples at 100 Hz that do not overlap; acceleration in m/s^2, angular velocity in
rad/s. The file does not say who moved.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.data.tables import (
    MAX_ACCELERATION_G,
    MAX_ROTATION,
    STANDARD_GRAVITY,
    read_text,
    whole,
    within,
)

FILE = "KU-HAR_time_domain_subsamples_20750x300.csv"
SAMPLES = 300
RATE_HZ = 100.0
BLOCKS = 10
ROWS = 20_750
"""As the name says; versions of the set differ."""
CLASSES = (
    "stand",
    "sit",
    "talk-sit",
    "talk-stand",
    "stand-sit",
    "lay",
    "lay-stand",
    "pick",
    "jump",
    "push-up",
    "sit-up",
    "walk",
    "walk-backward",
    "walk-circle",
    "run",
    "stair-up",
    "stair-down",
    "table-tennis",
)


def read(folder: str | Path) -> Recordings:
    """Read the official file of subsamples, any number of rows.

    Subjects are not recorded. Neighbouring rows of a class come from one person's recording, so
    each class is cut into ten consecutive blocks, numbered 1..10, that stand for subjects: a split
    by block parts nearly all persons, but accuracies flatter compared with a split by subject.

    Args:
        folder: the folder that holds the file, or the file.

    Raises:
        UnavailableError: the file is missing.
        InputError: a row of another length, or a value out of range.
    """
    path = file_in(folder)
    table = read_text(path, 6 * SAMPLES + 3, delimiter=",")
    labels = whole(path, table[:, -3], 0, len(CLASSES) - 1, "class")
    signals = np.ascontiguousarray(
        table[:, : 6 * SAMPLES].reshape(-1, 6, SAMPLES).transpose(0, 2, 1)
    )
    signals[:, :, :3] /= STANDARD_GRAVITY
    within(path, signals[:, :, :3], MAX_ACCELERATION_G, "acceleration in g")
    within(path, signals[:, :, 3:], MAX_ROTATION, "angular velocity")
    return Recordings(
        signals=tuple(signals),
        labels=labels,
        subjects=_blocks(labels),
        sides=np.full(len(signals), UNKNOWN_SIDE),
        classes=CLASSES,
        rate_hz=RATE_HZ,
        digest=hashlib.sha256(table.tobytes()).hexdigest(),
    )


def file_in(folder: str | Path) -> Path:
    """Return the path of the file."""
    folder = Path(folder)
    return folder / FILE if folder.is_dir() else folder


def _blocks(labels: np.ndarray) -> np.ndarray:
    """Return 1..10 for the tenths of each class, in the order of the file."""
    blocks = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        blocks[rows] = 1 + np.arange(len(rows)) * BLOCKS // len(rows)
    return blocks
