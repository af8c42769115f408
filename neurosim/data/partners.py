"""Partners for tests outside the training distribution: other classes, other sensor, other images.

A net trained on the first of a pair should be less sure of the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurosim.data.images import ImageSet
from neurosim.data.recordings import LEFT, RIGHT, Recordings
from neurosim.errors import InputError


def without_classes(
    recordings: Recordings, held_out: Sequence[str]
) -> tuple[Recordings, Recordings]:
    """Return the recordings of the other classes, relabelled, and those of the held-out classes.

    Raises:
        InputError: a class is not known, or none is left.
    """
    others = [name for name in recordings.classes if name not in set(held_out)]
    return recordings.only(others), recordings.only(list(held_out))


def images_without_classes(
    images: ImageSet, held_out: Sequence[str]
) -> tuple[ImageSet, np.ndarray]:
    """Return a set without some classes, relabelled, and the held-out images of its test part.

    Raises:
        InputError: a class is not known, or none is left.
    """
    unknown = sorted(set(held_out) - set(images.classes))
    others = [name for name in images.classes if name not in set(held_out)]
    if unknown or not others or not held_out:
        raise InputError(
            f"held_out is {tuple(held_out)}; name some, not all, of {', '.join(images.classes)}"
        )
    new = np.full(len(images.classes), -1)
    new[[images.classes.index(name) for name in others]] = np.arange(len(others))
    labels = new[images.labels]
    rows = np.flatnonzero(labels >= 0)
    parts = {
        part: np.searchsorted(rows, np.intersect1d(getattr(images, part), rows))
        for part in ("train", "validation", "test")
    }
    kept = replace(
        images,
        name=f"{images.name} without {', '.join(held_out)}",
        images=images.images[rows],
        labels=labels[rows],
        classes=tuple(others),
        **parts,
    )
    return kept, images.images[np.setdiff1d(images.test, rows)]


def of_side(recordings: Recordings, side: int) -> Recordings:
    """Return the recordings of the sensor on the left (0) or right (1) arm.

    Raises:
        InputError: another side, or one that was not recorded.
    """
    if side not in (LEFT, RIGHT) or not (recordings.sides == side).any():
        raise InputError(f"side is {side!r}; it is 0 (left) or 1 (right), where that was recorded")
    return recordings.select(recordings.sides == side)


def resized(images: np.ndarray, size: int) -> np.ndarray:
    """Return square images at another size, so that digits and MNIST fit the same net.

    Smaller: the mean of the area each new pixel covers; larger: linear interpolation.

    Args:
        images: (n, channels, height, height) in [0, 1].
        size: new height and width.

    Raises:
        InputError: images that are not square, or no size.
    """
    if images.ndim != 4 or images.shape[2] != images.shape[3] or size < 1:
        raise InputError(f"images {images.shape} to size {size}; need square images, size >= 1")
    along = _weights(images.shape[2], size)
    return np.einsum("ih,nchw,jw->ncij", along, images, along, optimize=True).astype(np.float32)


def _weights(old: int, new: int) -> np.ndarray:
    """Return (new, old) weights of the old pixels in each new one; each row sums to 1."""
    half = max(1.0, old / new) / 2  # an area when shrinking, at least one old pixel
    centre = (np.arange(new) + 0.5) * old / new
    edges = np.arange(old + 1)
    low = np.maximum(edges[:-1], (centre - half)[:, None])
    high = np.minimum(edges[1:], (centre + half)[:, None])
    cover = np.maximum(high - low, 0)
    return cover / cover.sum(axis=1, keepdims=True)
