"""Ready data sets: encoded windows in three parts that share no subject."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.data import cache, seglearn
from neurosim.data.direct import Direct
from neurosim.data.imu import RATE_HZ, FrontEnd
from neurosim.data.imu_scale import choose_scale
from neurosim.data.recordings import Reading, Recordings
from neurosim.data.splits import PARTS, Split
from neurosim.data.windows import HOP, LEAD_IN, STEPS, Windows, cut, encode_recording, resample
from neurosim.errors import InputError

WRIST_SPLIT = Split(train=(1, 2, 3, 4, 5, 6), validation=(7,), test=(8, 9, 10))
"""The split of the wrist recordings that results are reported on, fixed before any was seen."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Encoded windows to train on, to choose settings with, and to report."""

    train: Windows
    validation: Windows
    test: Windows
    front_end: FrontEnd | Direct
    """What encoded them, to be deployed with the net; `Direct` where they were events already."""
    classes: tuple[str, ...]
    """Names of the labels."""
    split: Split
    name: str = ""
    """Of a set in `neurosim data list`; empty for one that is made otherwise."""
    rate_hz: float = RATE_HZ
    """Of the recordings, before they were resampled."""
    hop: int = HOP
    """Steps from one window of a recording to the next."""
    people: tuple[str, ...] = ()
    """Names of the subjects 1, 2, ...; empty where they have numbers only."""
    reading: Reading | None = None
    """How the recordings were read, where they are a user's own."""

    @property
    def train_sha256(self) -> str:
        """SHA-256 of the training windows and their labels: what a run records of its data."""
        return hashlib.sha256(self.train.raster.tobytes() + self.train.labels.tobytes()).hexdigest()


def wrist_imu(
    split: Split = WRIST_SPLIT,
    *,
    front_end: FrontEnd | None = None,
    cache_folder: str | Path | None = None,
) -> Dataset:
    """Return the wrist recordings as 3605 encoded windows of 2.56 s that overlap by half.

    Each recording is resampled from 50 to 200 Hz (polyphase, `windows.resample`), encoded whole
    and causally after 4 s of its first value, then cut.

    Args:
        split: which subjects are in which part.
        front_end: the encoder; `choose_front_end` on the training subjects when None.
        cache_folder: where encoded windows are kept; the user's cache folder when None.

    Raises:
        UnavailableError: seglearn, which holds the recordings, is not installed.
        InputError: its file was changed, or the recordings do not fit the split or front end.
    """
    windows = encode(_wrist(), split, front_end=front_end, cache_folder=cache_folder)
    return replace(windows, name="wrist")


def encode(
    recordings: Recordings,
    split: Split,
    *,
    front_end: FrontEnd | None = None,
    cache_folder: str | Path | None = None,
    steps: int = STEPS,
    hop: int = HOP,
    saturating: bool = False,
) -> Dataset:
    """Return recordings as encoded windows in three parts.

    Args:
        recordings: what is resampled to 200 Hz, encoded whole and cut.
        split: which subjects are in which part.
        front_end: the encoder; `choose_front_end` on the training subjects when None.
        cache_folder: where encoded windows are kept; the user's cache folder when None.
        steps: length of a window at 200 Hz.
        hop: steps from one window to the next.
        saturating: cut what the front end's 16 bits do not hold, instead of refusing it.

    Raises:
        InputError: the recordings do not fit the split or front end.
    """
    absent = sorted({*split.train, *split.validation, *split.test} - set(recordings.subjects))
    if absent:
        raise InputError(
            f"subject {absent[0]} of the split has no recordings; there are "
            f"{sorted({int(s) for s in recordings.subjects})}"
        )
    if front_end is None:
        front_end = choose_front_end(recordings, split, cache_folder=cache_folder)
    arrays = cache.cached(
        {
            **_key(recordings),
            "what": "windows",
            "front end": front_end.to_dict(),
            "cut": [steps, hop],
            **({"saturating": True} if saturating else {}),
        },
        lambda: _encode_all(recordings, front_end, steps, hop, saturating),
        {
            "raster": ("u", ("windows", steps, "channels")),
            "labels": ("iu", ("windows",)),
            "subjects": ("iu", ("windows",)),
        },
        Path(cache_folder) if cache_folder is not None else None,
    )
    windows = Windows(arrays["raster"], arrays["labels"], arrays["subjects"])
    train, validation, test = (windows.select(split.mask(part, windows.subjects)) for part in PARTS)
    return Dataset(
        train,
        validation,
        test,
        front_end,
        recordings.classes,
        split,
        rate_hz=recordings.rate_hz,
        hop=hop,
        people=recordings.people,
        reading=recordings.reading,
    )


def choose_front_end(
    recordings: Recordings,
    split: Split,
    *,
    saturated: float = 0.01,
    cache_folder: str | Path | None = None,
    **settings: Any,
) -> FrontEnd:
    """Return a front end with the scale that the training subjects call for.

    Args:
        recordings: all recordings; only those of `split.train` are looked at.
        split: which subjects are in which part.
        saturated: fraction of their (step, channel) values that may saturate.
        cache_folder: where the scale is kept; the user's cache folder when None.
        **settings: the other settings of the front end.

    Raises:
        InputError: a setting is wrong, or the recordings hold no movement.
    """
    trial = FrontEnd.from_dict({"scale": 1.0, **settings})

    def choose() -> cache.Arrays:
        chosen = np.flatnonzero(split.mask("train", recordings.subjects))
        signals = [resample(recordings.signals[i][:, :3], recordings.rate_hz) for i in chosen]
        return {"scale": np.array([choose_scale(signals, trial, saturated=saturated)])}

    key = {"what": "scale", "front end": trial.to_dict(), "train": split.train}
    arrays = cache.cached(
        {**key, "saturated": saturated, **_key(recordings)},
        choose,
        {"scale": ("f", (1,))},
        Path(cache_folder) if cache_folder is not None else None,
    )
    return FrontEnd.from_dict({**settings, "scale": float(arrays["scale"][0])})


@once
def _wrist() -> Recordings:
    return seglearn.load()


def _encode_all(
    recordings: Recordings, front_end: FrontEnd, steps: int, hop: int, saturating: bool
) -> cache.Arrays:
    """Encode and cut every recording."""
    options: dict[str, Any] = {"saturating": saturating}
    rasters = [
        cut(encode_recording(signal[:, :3], recordings.rate_hz, front_end, **options), steps, hop)
        for signal in recordings.signals
    ]
    counts = [len(raster) for raster in rasters]
    return {
        "raster": np.concatenate(rasters),
        "labels": np.repeat(recordings.labels, counts),
        "subjects": np.repeat(recordings.subjects, counts),
    }


def _key(recordings: Recordings) -> dict[str, Any]:
    """Return what an encoding depends on beside the front end's settings."""
    return {"data": recordings.content, "code": _code(), "lead in": LEAD_IN}


@once
def _code() -> str:
    """Return a hash of the code that encodes, and of scipy's version, which resamples."""
    import scipy

    state = hashlib.sha256(scipy.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem.startswith("imu") or path.stem in ("windows", "dataset"):
            state.update(path.read_bytes())
    return state.hexdigest()
