"""Blocks of time that stand for people, where there are too few of them to split.

A net that is tested on another hour of the person it learnt from says nothing about others; but it
says whether it learnt anything, which windows drawn at random, overlapping, would not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neurosim.data.recordings import Recordings


def in_blocks(
    recordings: Recordings, subject: int, shares: Mapping[str, float], gap_s: float
) -> tuple[Recordings, dict[str, int]]:
    """Return recordings in which one subject became several, one for each block of time.

    The recordings of each class, one after the other, are cut at the shares of their length, and
    what lies within half a gap of a cut is left out. So no two windows of two blocks overlap or
    touch, and each block has every class of which there is enough.

    Args:
        recordings: of one or more subjects; those of others stay as they are.
        subject: who is cut.
        shares: of the whole, by name of the block, in order of time; their sum is 1.
        gap_s: length of time that is left out at each cut, at least that of a window.

    Returns:
        The recordings, and the number of the subject that stands for each block.
    """
    own = recordings.subjects == subject
    name = recordings.people[subject - 1] if recordings.people else f"subject {subject}"
    first = int(recordings.subjects.max()) + 1
    numbers = {part: first + k for k, part in enumerate(shares)}
    signals: list[np.ndarray] = [recordings.signals[k] for k in np.flatnonzero(~own)]
    rows = list(np.flatnonzero(~own))
    subjects = list(recordings.subjects[~own])
    half = -int(-gap_s * recordings.rate_hz // 2)  # rounded up
    for label in range(len(recordings.classes)):
        chosen = np.flatnonzero(own & (recordings.labels == label))
        lengths = [len(recordings.signals[k]) for k in chosen]
        starts = np.concatenate(([0], np.cumsum(lengths))).astype(int)
        cuts = [0, *(np.cumsum(list(shares.values()))[:-1] * starts[-1]).astype(int), starts[-1]]
        for number, low, high in zip(numbers.values(), cuts[:-1], cuts[1:], strict=True):
            for k, begin, end in zip(chosen, starts[:-1], starts[1:], strict=True):
                # Only a cut within this recording needs a gap: others are apart as they are.
                a = low + half if begin < low else begin
                b = high - half if high < end else end
                if a < b:
                    signals.append(recordings.signals[k][a - begin : b - begin])
                    rows.append(k)
                    subjects.append(number)
    names = recordings.people or tuple(f"subject {k + 1}" for k in range(first - 1))
    chosen_rows = np.array(rows, np.int64)
    cut = replace(
        recordings,
        signals=tuple(signals),
        labels=recordings.labels[chosen_rows],
        subjects=np.array(subjects, np.int64),
        sides=recordings.sides[chosen_rows],
        people=(*names, *(f"{name}, block {part}" for part in shares)),
    )
    return cut, numbers
