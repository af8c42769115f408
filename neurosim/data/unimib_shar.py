"""UniMiB-SHAR: nine daily activities of 30 people, a phone in a trouser pocket (Micucci 2017).

Windows of 151 samples at 50 Hz around peaks; acceleration alone, in m/s^2.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from neurosim import outside
from neurosim.data.catalogue import existing
from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.data.tables import MAX_ACCELERATION_G, STANDARD_GRAVITY, checked, whole, within

SAMPLES = 151
RATE_HZ = 50.0
SUBJECTS = 30
ROWS = 7579
DATA, LABELS = "adl_data", "adl_labels"
CLASSES = (
    "standing up from sitting",
    "standing up from laying",
    "walking",
    "running",
    "going up stairs",
    "jumping",
    "going down stairs",
    "lying down from standing",
    "sitting down",
)


def read(folder: str | Path, *, rows: int | None = ROWS) -> Recordings:
    """Read adl_data.mat and adl_labels.mat.

    Args:
        folder: the folder that holds both, or the official folder with its `data` inside.
        rows: windows there must be; any number when None.

    Raises:
        UnavailableError: a file is missing.
        InputError: a file of another shape, range or count.
    """
    folder = top(folder)
    data, labels = (folder / f"{name}.mat" for name in (DATA, LABELS))
    table = checked(data, _matrix(data, DATA), 3 * SAMPLES, rows)
    marks = checked(labels, _matrix(labels, LABELS), 3, len(table))
    axes = table.reshape(-1, 3, SAMPLES).transpose(0, 2, 1)
    signals = np.ascontiguousarray(axes) / STANDARD_GRAVITY
    within(data, signals, MAX_ACCELERATION_G, "acceleration in g")
    return Recordings(
        signals=tuple(signals),
        labels=whole(labels, marks[:, 0], 1, len(CLASSES), "class") - 1,
        subjects=whole(labels, marks[:, 1], 1, SUBJECTS, "subject"),
        sides=np.full(len(signals), UNKNOWN_SIDE),
        classes=CLASSES,
        rate_hz=RATE_HZ,
        digest=hashlib.sha256(table.tobytes()).hexdigest(),
    )


def top(folder: str | Path) -> Path:
    """Return the folder that holds the two files."""
    folder = Path(folder)
    for inner in (folder / "data", folder / "UniMiB-SHAR" / "data"):
        if (inner / f"{DATA}.mat").is_file():
            return inner
    return folder


def _matrix(path: Path, name: str) -> np.ndarray:
    """Return the one matrix of a MATLAB file as float64."""
    reader = "neurosim.data.matlab:matrix"
    return outside.in_child(reader, existing(path), name, what="MATLAB 5 file")["matrix"]
