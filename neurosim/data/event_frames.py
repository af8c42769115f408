"""Events of a camera as frames: counts of ON and OFF events in pixels and steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.data.aedat import SIZE, Events
from neurosim.data.images import ImageSet
from neurosim.errors import InputError
from neurosim.frozen import Frozen


@dataclass(frozen=True, eq=False)
class EventSet(Frozen):
    """Labelled recordings of an event camera as frames, in three parts that share none."""

    name: str
    frames: np.ndarray
    """(n, steps, 2, height, width) uint8 counts: 0 ON, 1 OFF; rows and columns as in `Events`."""
    labels: np.ndarray
    """(n,) int64 index into `classes`."""
    classes: tuple[str, ...]
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


class Frames(ImageSet):
    """Event frames (n, steps, 2, height, width) in the place of images."""

    def __post_init__(self) -> None:
        """Frames are counts: they need not lie in [0, 1]."""


def frames(
    events: Events, steps: int, *, size: int = 48, by: str = "time", camera: int = SIZE
) -> np.ndarray:
    """Return counts (steps, 2, size, size) uint8; more than 255 events are 255.

    Args:
        events: of one recording.
        steps: number of frames.
        size: pixels in each direction, 1..camera; column x goes to floor(x size / camera).
        by: "time" for frames of equal length, "number" for frames of equally many events.
        camera: pixels of the camera in each direction; 128 of a DVS128.

    Raises:
        InputError: a setting out of range.
    """
    if steps < 1 or not 1 <= size <= camera:
        raise InputError(f"steps is {steps} and size {size}; need steps >= 1 and size 1..{camera}")
    if by == "time":
        span = events.time_us.max(initial=0) + 1
        step = events.time_us * steps // span
    elif by == "number":
        order = np.argsort(events.time_us, kind="stable")
        step = np.empty(len(events), np.int64)
        step[order] = np.arange(len(events)) * steps // max(1, len(events))
    else:
        raise InputError(f"by is {by!r}; choose 'time' or 'number'")
    x, y = events.x * size // camera, events.y * size // camera
    place = ((step * 2 + ~events.on) * size + y) * size + x
    counts = np.bincount(place, minlength=steps * 2 * size * size)
    return np.minimum(counts, 255).astype(np.uint8).reshape(steps, 2, size, size)
