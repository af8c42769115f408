"""What a user's recordings are checked for, and how their names are ordered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurosim.data.recordings import UNKNOWN_SIDE, Reading, Recordings
from neurosim.data.tables import MAX_ACCELERATION_G
from neurosim.errors import InputError, shown


def gathered(
    signals: Sequence[np.ndarray],
    labels: Sequence[str],
    people: Sequence[str],
    reading: Reading,
    digest: str = "",
) -> Recordings:
    """Return recordings whose labels and people are names.

    Args:
        signals: (time, 3 or 6) each, in g and rad/s.
        labels: of each.
        people: of each.
        reading: how they were read.
        digest: of their source.

    Raises:
        InputError: there is one class only.
    """
    numbers, classes = sorted_names(labels)
    subjects, names = sorted_names(people)
    if len(classes) < 2:
        raise InputError(
            f"labels: all {len(signals):,} recordings are {shown(classes[0])}; a net tells classes "
            "apart: give recordings of two or more"
        )
    return Recordings(
        signals=tuple(signals),
        labels=numbers,
        subjects=subjects + 1,
        sides=np.full(len(signals), UNKNOWN_SIDE),
        classes=classes,
        rate_hz=reading.rate_hz,
        digest=digest,
        people=names,
        reading=replace(reading, digest=digest).but(*one_sided(numbers, subjects, names, classes)),
    )


def check_range(
    signals: Sequence[np.ndarray], columns: Sequence[str], *, constant: bool = False
) -> None:
    """Refuse more than any sensor measures, and a column without a signal, unless it may rest."""
    low, high = (
        np.stack([edge(signal, axis=0) for signal in signals]) for edge in (np.min, np.max)
    )
    low, high = low.min(axis=0), high.max(axis=0)
    for name, lowest, highest in zip(columns, low, high, strict=True):
        if lowest == highest and not constant:
            raise InputError(
                f"column {shown(name)!r} is {lowest:g} throughout: nothing was recorded there; "
                "give --columns of three axes that were"
            )
    largest = max(np.abs(low[:3]).max(), np.abs(high[:3]).max())
    if largest > MAX_ACCELERATION_G:
        raise InputError(
            f"acceleration reaches {largest:.4g} g, more than the {MAX_ACCELERATION_G:g} g that "
            "sensors measure: correct --units or --columns, or leave the rows out"
        )


def sorted_names(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the number of each name among the sorted ones, and these; p2 comes before p10."""
    present = sorted(set(names), key=_natural)
    place = {name: k for k, name in enumerate(present)}
    return np.array([place[name] for name in names], np.int64), tuple(present)


def name_of(value: object) -> str:
    """Return a label as text: 1.0 is 1."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    return text[:-2] if re.fullmatch(r"-?\d+\.0", text) else text


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that orders numbers within names as numbers."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def one_sided(
    labels: np.ndarray, subjects: np.ndarray, people: Sequence[str], classes: Sequence[str]
) -> list[str]:
    """Say who shows one class only."""
    notes = []
    for k, name in enumerate(people):
        own = np.unique(labels[subjects == k])
        if len(own) == 1 and len(people) > 1:
            notes.append(f"{name} has recordings of {classes[own[0]]} only")
    return notes
