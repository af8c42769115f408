"""UCI-HAR: six activities of 30 people with a phone at the waist (Anguita et al., ESANN 2013).

Windows of 128 samples at 50 Hz that overlap by half; total acceleration in g, angular velocity in
rad/s. The licence forbids commercial use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.data.splits import Split
from neurosim.data.tables import MAX_ACCELERATION_G, MAX_ROTATION, read_text, whole, within
from neurosim.errors import InputError

TOP = "UCI HAR Dataset"
SAMPLES = 128
RATE_HZ = 50.0
SUBJECTS = 30
ROWS = {"train": 7352, "test": 2947}
CLASSES = (
    "walking",
    "walking upstairs",
    "walking downstairs",
    "sitting",
    "standing",
    "laying",
)


def read(folder: str | Path, *, rows: Mapping[str, int] | None = ROWS) -> Recordings:
    """Read the official text files.

    Args:
        folder: `UCI HAR Dataset`, or the folder that holds it.
        rows: windows that "train" and "test" must hold; any number when None.

    Raises:
        UnavailableError: a file is missing.
        InputError: a file of another shape, range or count; a subject in both parts.
    """
    parts = [_part(top(folder), part, None if rows is None else rows[part]) for part in ROWS]
    windows, labels, subjects = zip(*parts, strict=True)
    both = sorted(set(subjects[0]) & set(subjects[1]))
    if both:
        raise InputError(f"{folder}: subject {both[0]} is in train and test; files were mixed up")
    signals = np.concatenate(windows)
    return Recordings(
        signals=tuple(signals),
        labels=np.concatenate(labels),
        subjects=np.concatenate(subjects),
        sides=np.full(len(signals), UNKNOWN_SIDE),
        classes=CLASSES,
        rate_hz=RATE_HZ,
        digest=hashlib.sha256(signals.tobytes()).hexdigest(),
    )


def official_split(folder: str | Path) -> Split:
    """Return the authors' test subjects; the last sixth of their training subjects validate."""
    subjects = [
        sorted(set(_numbers(top(folder), part, "subject", SUBJECTS, None).tolist()))
        for part in ROWS
    ]
    held_out = max(1, len(subjects[0]) // 6)
    train, test = subjects
    return Split(tuple(train[:-held_out]), tuple(train[-held_out:]), tuple(test))


def top(folder: str | Path) -> Path:
    """Return the folder that holds train/ and test/."""
    inner = Path(folder) / TOP
    return inner if inner.is_dir() else Path(folder)


def _part(folder: Path, part: str, rows: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return signals (windows, 128, 6), labels and subjects of one part."""
    labels = _numbers(folder, part, "y", len(CLASSES), rows) - 1
    subjects = _numbers(folder, part, "subject", SUBJECTS, len(labels))
    axes = []
    for kind, limit in (("total_acc", MAX_ACCELERATION_G), ("body_gyro", MAX_ROTATION)):
        for axis in "xyz":
            path = folder / part / "Inertial Signals" / f"{kind}_{axis}_{part}.txt"
            axes.append(within(path, read_text(path, SAMPLES, rows=len(labels)), limit, kind))
    return np.stack(axes, axis=2), labels, subjects


def _numbers(folder: Path, part: str, what: str, high: int, rows: int | None) -> np.ndarray:
    path = folder / part / f"{what}_{part}.txt"
    name = "class" if what == "y" else what
    return whole(path, read_text(path, 1, rows=rows)[:, 0], 1, high, name)
