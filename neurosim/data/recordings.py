"""Recordings of an inertial sensor, whichever files they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neurosim import store
from neurosim.errors import InputError
from neurosim.frozen import Frozen

LEFT, RIGHT, UNKNOWN_SIDE = 0, 1, -1


@dataclass(frozen=True)
class Reading:
    """How a user's recordings were read: enough to read others in the same way."""

    path: str
    """File or folder; empty for arrays in memory."""
    columns: tuple[str, ...]
    """Of acceleration x, y, z, and of angular velocity where it was asked for."""
    units: str
    """Of the columns, as `recording_units.parse` takes them."""
    rate_hz: float
    label: str | None = None
    person: str | None = None
    time: str | None = None
    """Column, or "folder" or "file" whose name says it; None where nothing does."""
    rows: int = 0
    digest: str = ""
    """SHA-256 of the files."""
    notes: tuple[str, ...] = ()
    """What was guessed, repaired or cut, one sentence each."""

    def but(self, *notes: str) -> Reading:
        """Return the reading with more notes."""
        return replace(self, notes=self.notes + notes)


@dataclass(frozen=True, eq=False)
class Recordings(Frozen):
    """Recordings of a three- or six-axis inertial sensor, each of its own length."""

    signals: tuple[np.ndarray, ...]
    """(time, 3 or 6) float each: acceleration x, y, z in g; angular velocity x, y, z in rad/s."""
    labels: np.ndarray
    """(recordings,) index into `classes`."""
    subjects: np.ndarray
    """(recordings,) number of the subject, from 1."""
    sides: np.ndarray
    """(recordings,) 0 left, 1 right, -1 not recorded."""
    classes: tuple[str, ...]
    rate_hz: float
    digest: str = ""
    """SHA-256 of the source that they were read or made from; that of their content if left out.
    It names them, and proves nothing: what is kept of them is found by `content`."""
    people: tuple[str, ...] = ()
    """Names of the subjects 1, 2, ...; empty where they have numbers only."""
    reading: Reading | None = None
    """How they were read, where they are a user's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.digest:
            object.__setattr__(self, "digest", self.content)

    @cached_property
    def content(self) -> str:
        """SHA-256 over every array, with type and shape, the classes and the rate."""
        arrays = {f"signal {k}": signal for k, signal in enumerate(self.signals)}
        arrays |= {name: getattr(self, name) for name in ("labels", "subjects", "sides")}
        return store.content(arrays, list(self.classes), self.rate_hz)

    def __len__(self) -> int:
        return len(self.signals)

    def select(self, mask: np.ndarray) -> Recordings:
        """Return the recordings of a boolean mask or an index array."""
        rows = np.arange(len(self))[mask]
        state = hashlib.sha256(self.digest.encode() + rows.astype("<i8").tobytes())
        return replace(
            self,
            signals=tuple(self.signals[k] for k in rows),
            labels=self.labels[rows],
            subjects=self.subjects[rows],
            sides=self.sides[rows],
            digest=state.hexdigest(),
        )

    def only(self, classes: Sequence[str]) -> Recordings:
        """Return the recordings of some classes, relabelled in the order given.

        Raises:
            InputError: a class is not known or named twice.
        """
        unknown = [name for name in classes if name not in self.classes]
        if unknown or len(set(classes)) != len(classes) or not classes:
            what = f"{unknown[0]!r} is not known" if unknown else f"{tuple(classes)} repeat or lack"
            raise InputError(f"classes: {what}; choose from {', '.join(self.classes)}")
        new = np.full(len(self.classes), -1)
        new[[self.classes.index(name) for name in classes]] = np.arange(len(classes))
        chosen = self.select(new[self.labels] >= 0)
        labels = new[chosen.labels]  # in the digest, too: the same rows in another order of classes
        state = hashlib.sha256(chosen.digest.encode() + labels.astype("<i8").tobytes())
        return replace(chosen, labels=labels, classes=tuple(classes), digest=state.hexdigest())
