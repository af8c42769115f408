"""A user's own events in .npz files: rasters for a chip's inputs, and recordings of a camera."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import store
from neurosim.data import archives
from neurosim.data.aedat import Events
from neurosim.data.dataset import Dataset
from neurosim.data.direct import Direct
from neurosim.data.event_frames import Frames, frames
from neurosim.data.images import stratified
from neurosim.data.recording_checks import name_of, sorted_names
from neurosim.data.recordings import Reading
from neurosim.data.splits import PARTS, Split, by_share
from neurosim.data.windows import Windows
from neurosim.errors import InputError, shown

_LABELS, _PEOPLE = ("labels", "label", "y"), ("people", "person", "subjects", "subject")
_CAMERA: archives.Form = {
    "x": ("iu", ("events",)),
    "y": ("iu", ("events",)),
    "on": ("biu", ("events",)),
    "t_us": ("iu", ("events",)),
    "offsets": ("iu", ("ends",)),
    "labels": ("biuU", ("recordings",)),
}
_LARGEST_CAMERA = 4096
"""Pixels in each direction."""
LARGEST_FRAME = 48
"""Pixels of a frame in each direction; those of a larger camera are joined."""


def kind_of(path: str | Path) -> str:
    """Return "rasters", "camera", or "" where a file holds no events.

    Rasters are counts (samples, steps, channels): unsigned numbers or booleans called `x`, which no
    recording of a sensor is.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz" or not path.is_file():
        return ""
    forms = archives.forms(path)
    if all(name in forms for name in _CAMERA):
        return "camera"
    kind, shape = forms.get("x", ("", ()))
    return "rasters" if kind in ("u", "b") and len(shape) == 3 else ""


def read_rasters(path: str | Path, *, rate: float | None = None) -> Dataset:
    """Return rasters as windows of events, which go to a net without a front end.

    Three or more people are split as by `encode_own`; without them samples are, 65, 15 and 20 % of
    each class.

    Args:
        path: of a .npz file with `x` (samples, steps, channels) counts 0..255; `labels` or `y`
            (samples,), numbers or text; and, if known, `people` (samples,) and `dt` [s].
        rate: steps a second, where the file holds no `dt`.

    Raises:
        UnavailableError: there is no such file.
        InputError: it holds something else, or no length of a step is known.
    """
    path = Path(path)
    arrays = archives.everything(path)
    raster = arrays.get("x", np.empty(0))
    counts = raster.dtype.kind in "bu" and raster.ndim == 3 and raster.size
    if not counts or raster.max() > 255:
        raise InputError(
            f"{shown(path)}: x is {raster.dtype} of shape {raster.shape}; give counts 0..255 of "
            "(samples, steps, channels)"
        )
    labels, classes = _named(path, arrays, _LABELS, len(raster))
    if len(classes) < 2:
        raise InputError(f"{shown(path)}: all samples are {shown(classes[0])}; give two classes")
    dt = _dt(path, arrays, rate)
    subjects, people, split, note = _people(path, arrays, labels)
    raster = raster.astype(np.uint8)
    train, validation, test = (
        Windows(raster[chosen], labels[chosen], subjects[chosen])
        for chosen in (split.mask(part, subjects) for part in PARTS)
    )
    channels = tuple(f"channel {k}" for k in range(raster.shape[2]))
    notes = ("x holds counts of events: they go to the net without a front end", note)
    about: dict[str, Any] = {"rows": len(raster), "digest": store.sha256(path), "notes": notes}
    return Dataset(
        train,
        validation,
        test,
        Direct(dt, channels),
        classes,
        split,
        rate_hz=1 / dt,
        hop=raster.shape[1],
        people=people,
        reading=Reading(str(path), (), "events", 1 / dt, **about),
    )


def read_camera(path: str | Path, steps: int) -> Frames:
    """Return recordings of an event camera as frames of ON and OFF counts, in three parts.

    Args:
        path: of a .npz file with `x`, `y`, `on`, `t_us` of all events, recording after recording;
            `offsets` (recordings + 1,), where each begins, and `labels` (recordings,).
        steps: frames of a recording, of equal time.

    Raises:
        UnavailableError: there is no such file.
        InputError: the arrays do not fit each other, or a class has too few recordings to split.
    """
    path = Path(path)
    arrays = archives.load(path, _CAMERA)
    labels, classes = _named(path, arrays, ("labels",), len(arrays["labels"]))
    pixels = np.concatenate((arrays["x"], arrays["y"]))
    if not len(pixels) or pixels.min() < 0 or pixels.max() >= _LARGEST_CAMERA:
        raise InputError(f"{shown(path)}: x and y are no pixels 0..{_LARGEST_CAMERA - 1}")
    pieces = [
        archives.parts(path, arrays[name], arrays["offsets"], len(labels))
        for name in ("x", "y", "on", "t_us")
    ]
    camera = int(pixels.max()) + 1
    size = min(camera, LARGEST_FRAME)
    made = np.empty((len(labels), steps, 2, size, size), np.uint8)
    for k, (x, y, on, time) in enumerate(zip(*pieces, strict=True)):
        since = time.astype(np.int64) - int(time.min())
        events = Events(x.astype(np.int64), y.astype(np.int64), on.astype(bool), since)
        made[k] = frames(events, steps, size=size, camera=camera)
    return Frames(path.name, made, labels, classes, **stratified(labels))


def _dt(path: Path, arrays: Mapping[str, np.ndarray], rate: float | None) -> float:
    """Return the seconds of a step."""
    held = arrays.get("dt", np.array(1 / rate if rate else 0.0))
    dt = float(held.flat[0]) if held.size == 1 and held.dtype.kind in "iuf" else 0.0
    if not 0 < dt < np.inf:
        raise InputError(f"{shown(path)}: holds no dt; give --rate, the steps a second")
    return dt


def _named(
    path: Path, arrays: Mapping[str, np.ndarray], names: tuple[str, ...], count: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return numbers and names of the samples' labels or people."""
    found = next((name for name in names if name in arrays), None)
    if found is None or arrays[found].shape != (count,):
        held = "none" if found is None else f"{found} {arrays[found].shape}"
        raise InputError(f"{shown(path)}: {names[0]} ({count},) are needed; it holds {held}")
    return sorted_names([name_of(value) for value in arrays[found].tolist()])


def _people(
    path: Path, arrays: Mapping[str, np.ndarray], labels: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...], Split, str]:
    """Return numbers and names of people, or of parts of the samples, and the split."""
    if any(name in arrays for name in _PEOPLE):
        numbers, people = _named(path, arrays, _PEOPLE, len(labels))
        if len(people) >= 3:
            return numbers + 1, people, by_share(numbers + 1, labels), "people are split"
    parts: dict[str, Any] = stratified(labels)
    subjects = np.zeros(len(labels), np.int64)
    for number, part in enumerate(PARTS, 1):
        subjects[parts[part]] = number
    names = tuple(f"samples to {part}" for part in PARTS)
    return subjects, names, Split((1,), (2,), (3,)), "samples are split, people are not known"
