"""The activity sets of the user's files, as encoded windows in three parts.

Each window of a set is resampled to the front end's 200 Hz (polyphase, `windows.resample`), as the
wrist recordings are, and encoded whole from a front end that has rested 4 s at its first value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosim.data import catalogue, ku_har, uci_har, unimib_shar
from neurosim.data.dataset import Dataset, choose_front_end, encode
from neurosim.data.imu import RATE_HZ, FrontEnd
from neurosim.data.recordings import Recordings
from neurosim.data.splits import Split
from neurosim.errors import InputError

NAMES = ("uci-har", "ku-har", "unimib-shar")

XYLO_IMU_OUTPUTS = 16

_SCALE_WINDOWS = 400
"""Training windows that the front end's scale is chosen on, evenly spread."""


def activities(
    name: str,
    folder: str | Path | None = None,
    *,
    classes: Sequence[str] | str | None = None,
    split: Split | None = None,
    front_end: FrontEnd | None = None,
    cache_folder: str | Path | None = None,
    rows: int | None = -1,
) -> Dataset:
    """Return "uci-har", "ku-har" or "unimib-shar" as encoded windows, one for each of the file's.

    UCI-HAR: 512 steps; the authors' test subjects. UniMiB-SHAR: 604 steps; subjects 25 to 30 test.
    KU-HAR: 600 steps; blocks of rows stand for its unknown subjects (see `ku_har.read`), blocks 9
    and 10 test.

    Args:
        name: of the set.
        folder: where its files are; `neurosim data list` shows the default.
        classes: names of the classes to keep, or "all". Must be given for KU-HAR, whose 18 classes
            are more than the Xylo IMU's 16 outputs.
        split: which subjects are in which part; as above when None.
        front_end: the encoder; chosen on training windows when None.
        cache_folder: where encoded windows are kept; the user's cache folder when None.
        rows: -1 for the official number of windows, None for any.

    Raises:
        UnavailableError: the files are missing.
        InputError: a file is not as it should be, or an argument is wrong.
    """
    recordings, default = read(name, folder, rows=rows)
    if classes is None and len(recordings.classes) > XYLO_IMU_OUTPUTS:
        raise InputError(
            f"{name} has {len(recordings.classes)} classes, the Xylo IMU {XYLO_IMU_OUTPUTS} "
            "outputs: give classes=(...) with at most as many names, or classes='all' for a net "
            f"that stays off this chip; the names are {', '.join(recordings.classes)}"
        )
    if classes is not None and classes != "all":
        recordings = recordings.only(classes)
    windows = encode_each(
        recordings, split or default, front_end=front_end, cache_folder=cache_folder
    )
    return replace(windows, name=name)


def encode_each(
    recordings: Recordings,
    split: Split,
    *,
    front_end: FrontEnd | None = None,
    cache_folder: str | Path | None = None,
) -> Dataset:
    """Return recordings of one length as encoded windows, one for each; see `activities`.

    Raises:
        InputError: the recordings do not fit the split or front end.
    """
    if front_end is None:
        few = recordings.select(_telling(recordings, split))
        front_end = choose_front_end(few, split, cache_folder=cache_folder)
    steps = round(len(recordings.signals[0]) * RATE_HZ / recordings.rate_hz)
    return encode(
        recordings, split, front_end=front_end, cache_folder=cache_folder, steps=steps, hop=steps
    )


def _telling(recordings: Recordings, split: Split) -> np.ndarray:
    """Return the training windows that the front end's scale is chosen on.

    The strongest is among them: most sets reach the end of the sensor's range in some window, and
    the scale leaves twice the strongest acceleration it has seen before 16 bits overflow.
    """
    train = np.flatnonzero(split.mask("train", recordings.subjects))
    spread = train[np.linspace(0, len(train) - 1, min(_SCALE_WINDOWS, len(train)), dtype=int)]
    peaks = [np.abs(recordings.signals[k][:, :3]).max() for k in train]
    return np.union1d(spread, train[np.argmax(peaks)])


def read(
    name: str, folder: str | Path | None = None, *, rows: int | None = -1
) -> tuple[Recordings, Split]:
    """Return a set's recordings and its default split; arguments as for `activities`."""
    if name not in NAMES:
        raise InputError(f"set {name!r} is not known; choose one of {', '.join(NAMES)}")
    place = catalogue.find(name, folder)
    if name == "uci-har":
        recordings = uci_har.read(place, rows=uci_har.ROWS if rows == -1 else None)
        return recordings, uci_har.official_split(place)
    if name == "ku-har":
        return ku_har.read(place), Split(tuple(range(1, 8)), (8,), (9, 10))
    recordings = unimib_shar.read(place, rows=unimib_shar.ROWS if rows == -1 else rows)
    return recordings, Split(tuple(range(1, 22)), (22, 23, 24), tuple(range(25, 31)))
