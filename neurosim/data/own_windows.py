"""A user's own recordings as encoded windows in three parts that share nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosim.data.dataset import Dataset, choose_front_end, encode
from neurosim.data.imu import RATE_HZ, FrontEnd
from neurosim.data.recordings import Recordings
from neurosim.data.splits import PARTS, Split, by_share
from neurosim.data.time_blocks import in_blocks
from neurosim.data.windows import saturate
from neurosim.errors import InputError

WINDOW_S, OVERLAP = 2.56, 0.5

_PIECE_S, _PIECES = 20.0, 200
"""The front end's scale is chosen on so many pieces of training recordings, evenly spread."""


def encode_own(
    recordings: Recordings,
    *,
    window_s: float = WINDOW_S,
    overlap: float = OVERLAP,
    channels: str = "bands",
    split: Split | None = None,
    cache_folder: str | Path | None = None,
) -> Dataset:
    """Return recordings as encoded windows in three parts.

    Without a split, 60, 20 and 20 % of three or more people are drawn for the parts, so that each
    class is in each part if that can be; of two people one trains and validates, in blocks of time,
    and one tests; the one person that is left has blocks of time with gaps between them.

    Args:
        recordings: of `read_recordings` or `recordings`.
        window_s: length of a window in seconds.
        overlap: share of a window that the next one repeats, 0 to below 1.
        channels: what the front end counts: "bands", "gravity" or "both".
        split: which subjects are in which part.
        cache_folder: where encoded windows are kept; the user's cache folder when None.

    Raises:
        InputError: no recording is as long as a window, a class is missing where nets train, or a
            setting is out of range.
    """
    steps = round(window_s * RATE_HZ)
    if not (steps >= 1 and 0 <= overlap < 1):
        raise InputError(
            f"window of {window_s:g} s that overlaps by {overlap:g}: give a length above 0 and an "
            "overlap from 0 to below 1"
        )
    _check_lengths(recordings, window_s)
    notes: list[str] = []
    if split is None:
        recordings, split, notes = _split(recordings, window_s)
    few = _pieces(recordings, split)
    front_end = choose_front_end(few, split, cache_folder=cache_folder, channels=channels)
    dataset = encode(
        recordings,
        split,
        front_end=front_end,
        cache_folder=cache_folder,
        steps=steps,
        hop=max(1, round(steps * (1 - overlap))),
        saturating=True,
    )
    reading = dataset.reading
    if reading is not None:
        notes += [*_short(recordings, window_s), *_saturated(recordings, front_end)]
        reading = reading.but(*notes, *_missing(dataset))
    return replace(dataset, reading=reading)


def _short(recordings: Recordings, window_s: float) -> list[str]:
    """Say how much is lost in recordings that are shorter than a window."""
    lengths = np.array([len(signal) for signal in recordings.signals]) / recordings.rate_hz
    lost = lengths[lengths < window_s - 0.5 / recordings.rate_hz]
    if not len(lost):
        return []
    return [
        f"{len(lost):,} of {len(lengths):,} recordings ({lost.sum():.0f} of {lengths.sum():.0f} s) "
        f"are shorter than a window of {window_s:g} s and give none"
    ]


def _check_lengths(recordings: Recordings, window_s: float) -> None:
    longest = max(len(signal) for signal in recordings.signals) / recordings.rate_hz
    if longest >= window_s - 0.5 / recordings.rate_hz:
        return
    cuts = [n for n in recordings.reading.notes if "cut" in n] if recordings.reading else []
    raise InputError(
        f"window of {window_s:g} s: the longest of {len(recordings):,} recordings lasts "
        f"{longest:.3g} s ({'; '.join(cuts) or 'each is of one person and label'}); give a shorter "
        "--window, or rows sorted by person and time"
    )


def _split(recordings: Recordings, window_s: float) -> tuple[Recordings, Split, list[str]]:
    """Return a default split, with the recordings that it is of, and what is to be said of it."""
    present = [int(k) for k in np.unique(recordings.subjects)]
    if len(present) >= 3:
        return recordings, by_share(recordings.subjects, recordings.labels), []
    if len(present) == 1:
        shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
        cut, blocks = in_blocks(recordings, present[0], shares, window_s)
        note = (
            "one person: parts are blocks of time with a window's gap between them, and accuracy "
            "says nothing about others"
        )
        return cut, Split(*((blocks[part],) for part in PARTS)), [note]
    windows = [sum(len(recordings.signals[k]) for k in _of(recordings, p)) for p in present]
    most, other = (present[k] for k in np.argsort(windows, kind="stable")[::-1])
    cut, blocks = in_blocks(recordings, most, {"train": 0.75, "validation": 0.25}, window_s)
    names = [recordings.people[k - 1] if recordings.people else str(k) for k in (most, other)]
    note = f"two people: {names[0]} trains and validates, in blocks of time, and {names[1]} tests"
    return cut, Split((blocks["train"],), (blocks["validation"],), (other,)), [note]


def _of(recordings: Recordings, subject: int) -> np.ndarray:
    return np.flatnonzero(recordings.subjects == subject)


def _pieces(recordings: Recordings, split: Split) -> Recordings:
    """Return pieces of the training recordings that the scale is chosen on, the strongest of all.

    All of long recordings at 200 Hz would take gigabytes.
    """
    size = round(_PIECE_S * recordings.rate_hz)
    chosen = np.flatnonzero(split.mask("train", recordings.subjects))
    places = [(k, at) for k in chosen for at in range(0, len(recordings.signals[k]), size)]
    peaks = [np.abs(recordings.signals[k][at : at + size, :3]).max() for k, at in places]
    spread = np.linspace(0, len(places) - 1, min(_PIECES, len(places)), dtype=int)
    kept = [places[p] for p in np.union1d(spread, [int(np.argmax(peaks))])]
    rows = np.array([k for k, _ in kept])
    few = recordings.select(rows)
    return replace(few, signals=tuple(recordings.signals[k][at : at + size] for k, at in kept))


def _saturated(recordings: Recordings, front_end: FrontEnd) -> list[str]:
    """Say how many samples are beyond the front end's range."""
    cut = [(saturate(signal, front_end) != signal).any(axis=1) for signal in recordings.signals]
    count = sum(int(rows.sum()) for rows in cut)
    return [f"{count:,} samples are beyond the front end's range and cut to it"] if count else []


def _missing(dataset: Dataset) -> list[str]:
    """Say which classes a part has no window of.

    Raises:
        InputError: that part is the one to train on.
    """
    notes = []
    for part in PARTS:
        present = set(getattr(dataset, part).labels.tolist())
        absent = [name for k, name in enumerate(dataset.classes) if k not in present]
        if absent and part == "train":
            raise InputError(
                f"label {absent[0]!r}: the people to train on have no window of it; give more "
                "recordings of it, a shorter --window, or leave it out"
            )
        if absent:
            notes.append(f"{part} people have no window of {', '.join(absent)}")
    return notes
