"""UTD-MHAD: 27 actions of 8 people with one inertial sensor (Chen, Jafari, Kehtarnavaz 2015).

Proc. IEEE ICIP, doi:10.1109/ICIP.2015.7350781. 50 Hz, four trials each; the sensor is at the wrist
in actions 1 to 21, at the thigh in 22 to 27. Acceleration in g, angular velocity in degrees/s,
which becomes rad/s here.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from neurosim import outside
from neurosim.data import archives
from neurosim.data.catalogue import existing
from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.data.splits import Split
from neurosim.data.tables import MAX_ACCELERATION_G, MAX_ROTATION, checked, whole, within
from neurosim.errors import InputError

PACKED = "utd-mhad.npz"
FILES = 861
RATE_HZ = 50.0
PEOPLE = 8
SPLIT = Split((1, 3, 5), (7,), (2, 4, 6, 8))
"""The authors train on people 1, 3, 5, 7 and test on the others; 7 validates."""
WRIST = (
    "swipe left",
    "swipe right",
    "wave",
    "clap",
    "throw",
    "cross arms",
    "basketball shoot",
    "draw x",
    "draw circle clockwise",
    "draw circle counter clockwise",
    "draw triangle",
    "bowling",
    "boxing",
    "baseball swing",
    "tennis swing",
    "arm curl",
    "tennis serve",
    "push",
    "knock",
    "catch",
    "pick up and throw",
)
THIGH = ("jog", "walk", "sit to stand", "stand to sit", "lunge", "squat")
CLASSES = (*WRIST, *THIGH)
_NAME = re.compile(r"a(\d+)_s(\d+)_t(\d+)_inertial\.mat")
_FORM: archives.Form = {
    "signal": ("f", ("samples", 6)),
    "offset": ("i", ("ends",)),
    "activity": ("iu", ("recordings",)),
    "person": ("iu", ("recordings",)),
}


def read(folder: str | Path, *, files: int | None = FILES) -> Recordings:
    """Read the official files a1_s1_t1_inertial.mat and so on, or all packed in one utd-mhad.npz.

    A file holds the matrix `d_iner` (time, 6). The archive holds `signal` (samples, 6) of all
    recordings one after another, those of recording k from offset[k] to offset[k + 1], and its
    `activity` and `person`, from 1.

    Args:
        folder: the folder that holds the files, or one with `Inertial` inside.
        files: recordings there must be; any number but none when None.

    Raises:
        UnavailableError: a file may not be read.
        InputError: a file of another form or range, or another number of files.
    """
    folder = Path(folder)
    packed = folder / PACKED
    signals, activities, people = (_archive if packed.is_file() else _matrices)(folder)
    if not signals or (files is not None and len(signals) != files):
        raise InputError(f"{folder}: {len(signals)} recordings, the official set has {FILES}")
    where = packed if packed.is_file() else folder
    labels = whole(where, np.array(activities), 1, len(CLASSES), "activity") - 1
    subjects = whole(where, np.array(people), 1, PEOPLE, "person")
    state = hashlib.sha256(labels.tobytes() + subjects.tobytes())
    for k, signal in enumerate(signals):
        signals[k] = signal.astype(np.float64)
        state.update(signal.astype("<f4").tobytes())
        signals[k][:, 3:] = np.deg2rad(signals[k][:, 3:])
        within(where, signals[k][:, :3], MAX_ACCELERATION_G, "acceleration in g")
        within(where, signals[k][:, 3:], MAX_ROTATION, "angular velocity")
    sides = np.full(len(signals), UNKNOWN_SIDE)
    digest = state.hexdigest()
    return Recordings(tuple(signals), labels, subjects, sides, CLASSES, RATE_HZ, digest)


def _matrices(folder: Path) -> tuple[list[np.ndarray], list[int], list[int]]:
    """Return signals, activities and people of the official files."""
    top = folder / "Inertial" if (folder / "Inertial").is_dir() else folder
    found = {
        tuple(int(number) for number in named.groups()): path
        for path in top.glob("*_inertial.mat")
        if (named := _NAME.fullmatch(path.name))
    }
    signals, activities, people = [], [], []
    for (activity, person, _), path in sorted(found.items()):
        arrays = outside.in_child(
            "neurosim.data.matlab:matrix", existing(path), "d_iner", what="MATLAB 5 file"
        )
        signals.append(checked(path, arrays["matrix"], 6, None))
        activities.append(activity)
        people.append(person)
    return signals, activities, people


def _archive(folder: Path) -> tuple[list[np.ndarray], list[int], list[int]]:
    """Return the same of the archive."""
    path = folder / PACKED
    arrays = archives.load(path, _FORM)
    signals = archives.parts(path, arrays["signal"], arrays["offset"], len(arrays["person"]))
    return signals, arrays["activity"].tolist(), arrays["person"].tolist()
