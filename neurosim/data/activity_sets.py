"""The activity sets, as encoded windows in three parts.

Each recording of a set is resampled to the front end's 200 Hz (polyphase, `windows.resample`), as
the wrist recordings are, and encoded whole from a front end that has rested 4 s at its first value.
Of sets whose authors cut windows each is one; recordings of others are cut into windows of 2.56 s
that overlap by half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosim.data import catalogue, hapt, ku_har, sisfall, uci_har, unimib_shar, utd_mhad
from neurosim.data.dataset import Dataset, choose_front_end, encode
from neurosim.data.imu import RATE_HZ, FrontEnd
from neurosim.data.recordings import Recordings
from neurosim.data.splits import Split
from neurosim.data.windows import HOP, STEPS
from neurosim.errors import InputError

XYLO_IMU_OUTPUTS = 16

_SCALE_WINDOWS = 400
"""Training windows that the front end's scale is chosen on, evenly spread."""


def activities(
    name: str,
    folder: str | Path | None = None,
    *,
    classes: Sequence[str] | str | None = None,
    split: Split | None = None,
    channels: str = "bands",
    front_end: FrontEnd | None = None,
    cache_folder: str | Path | None = None,
    rows: int | None = -1,
) -> Dataset:
    """Return a set of daily activities as encoded windows in three parts that share nobody.

    - "hapt": windows of 512 steps, the six activities unless `classes` says otherwise, the authors'
      test people; postures make no events in bands: say channels="both".
    - "uci-har": the authors' windows of 512 steps and test people; "uci-har-from-hapt": the same,
      cut anew from HAPT.
    - "unimib-shar": 604 steps; subjects 25 to 30 test.
    - "ku-har": 600 steps; blocks of rows stand for its unknown subjects (see `ku_har.read`), blocks
      9 and 10 test.
    - "sisfall": windows of 512 steps of recordings at 200 Hz; of the young and of the old each, the
      last quarter tests.
    - "utd-mhad": windows of 512 steps; the authors' test people. Recordings shorter than that, 3 %,
      are left out.

    Args:
        name: of the set.
        folder: where its files are; `neurosim data list` shows the default.
        classes: names of the classes to keep, or "all". Must be given for sets with more classes
            than the Xylo IMU's 16 outputs.
        split: which subjects are in which part; as above when None.
        channels: what the front end counts if none is given, see `FrontEnd.channels`.
        front_end: the encoder; chosen on training windows when None.
        cache_folder: where encoded windows are kept; the user's cache folder when None.
        rows: -1 for the official number of windows or files, None for any.

    Raises:
        UnavailableError: the files are missing.
        InputError: a file is not as it should be, or an argument is wrong.
    """
    recordings, default = read(name, folder, rows=rows)
    classes = _DEFAULT_CLASSES.get(name) if classes is None else classes
    if classes is None and len(recordings.classes) > XYLO_IMU_OUTPUTS:
        raise InputError(
            f"{name} has {len(recordings.classes)} classes, the Xylo IMU {XYLO_IMU_OUTPUTS} "
            "outputs: give classes=(...) with at most as many names, or classes='all' for a net "
            f"that stays off this chip; the names are {', '.join(recordings.classes)}"
        )
    if classes is not None and classes != "all":
        recordings = recordings.only(classes)
    windows = encode_set(
        name,
        recordings,
        split or default,
        channels=channels,
        front_end=front_end,
        cache_folder=cache_folder,
    )
    return replace(windows, name=name)


def encode_set(
    name: str,
    recordings: Recordings,
    split: Split,
    *,
    channels: str = "bands",
    front_end: FrontEnd | None = None,
    cache_folder: str | Path | None = None,
) -> Dataset:
    """Return recordings of a set as encoded windows; see `activities`.

    Those of a set in CUT are cut, and left out where they are shorter than a window; others are a
    window each.

    Raises:
        InputError: the recordings do not fit the split or front end.
    """
    if front_end is None:
        few = recordings.select(_telling(recordings, split))
        front_end = choose_front_end(few, split, cache_folder=cache_folder, channels=channels)
    steps, hop = STEPS, HOP
    if name not in CUT:
        steps = hop = round(len(recordings.signals[0]) * RATE_HZ / recordings.rate_hz)
    return encode(
        recordings, split, front_end=front_end, cache_folder=cache_folder, steps=steps, hop=hop
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
    """Return a set's recordings, of all classes, and its default split; see `activities`."""
    if name not in NAMES:
        raise InputError(f"set {name!r} is not known; choose one of {', '.join(NAMES)}")
    return _READERS[name](catalogue.find(name, folder), rows == -1)


def _uci_har(place: Path, official: bool) -> tuple[Recordings, Split]:
    recordings = uci_har.read(place, rows=uci_har.ROWS if official else None)
    return recordings, uci_har.official_split(place)


def _hapt(place: Path, official: bool) -> tuple[Recordings, Split]:
    return hapt.read(place), hapt.SPLIT


def _uci_har_from_hapt(place: Path, official: bool) -> tuple[Recordings, Split]:
    return hapt.windows(place), hapt.SPLIT


def _ku_har(place: Path, official: bool) -> tuple[Recordings, Split]:
    return ku_har.read(place), Split(tuple(range(1, 8)), (8,), (9, 10))


def _unimib_shar(place: Path, official: bool) -> tuple[Recordings, Split]:
    recordings = unimib_shar.read(place, rows=unimib_shar.ROWS if official else None)
    return recordings, Split(tuple(range(1, 22)), (22, 23, 24), tuple(range(25, 31)))


def _sisfall(place: Path, official: bool) -> tuple[Recordings, Split]:
    return sisfall.read(place, files=sisfall.FILES if official else None), sisfall.SPLIT


def _utd_mhad(place: Path, official: bool) -> tuple[Recordings, Split]:
    return utd_mhad.read(place, files=utd_mhad.FILES if official else None), utd_mhad.SPLIT


_READERS: dict[str, Callable[[Path, bool], tuple[Recordings, Split]]] = {
    "hapt": _hapt,
    "uci-har": _uci_har,
    "uci-har-from-hapt": _uci_har_from_hapt,
    "ku-har": _ku_har,
    "unimib-shar": _unimib_shar,
    "sisfall": _sisfall,
    "utd-mhad": _utd_mhad,
}
NAMES = tuple(_READERS)
CUT = ("hapt", "sisfall", "utd-mhad")
"""Sets of recordings; the others are of windows."""
_DEFAULT_CLASSES = {"hapt": hapt.ACTIVITIES}
"""Of sets that hold more than one wants at first."""
