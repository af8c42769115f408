"""CIFAR-10 (Krizhevsky 2009) in its official files: the python pickles or the binary version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurosim.data import pickles
from neurosim.data.catalogue import existing, find, get
from neurosim.data.images import ImageSet, stratified
from neurosim.errors import InputError

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
BATCHES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
ROWS = 10_000
PIXELS = 3 * 32 * 32


def cifar10(
    folder: str | Path | None = None, *, rows: int | None = ROWS, seed: int = 0
) -> ImageSet:
    """Return the 60,000 images: the official 10,000 test, of the others a stratified tenth
    validates.

    Args:
        folder: where the batches are, or the official folder that holds them.
        rows: images in each of the six batches; any number when None.
        seed: of the draw of validation images.

    Raises:
        UnavailableError: a file is missing.
        InputError: a file of another shape, range or count.
    """
    place, suffix = _place(find("cifar10", folder))
    read = _binary if suffix else _pickled
    batches = [read(place / f"{name}{suffix}", rows) for name in BATCHES]
    pixels = np.concatenate([batch[0] for batch in batches])
    labels = np.concatenate([batch[1] for batch in batches]).astype(np.int64)
    test = len(batches[-1][1])
    parts = stratified(labels[:-test], validation=0.1, test=0.0, seed=seed)
    parts["test"] = np.arange(len(labels) - test, len(labels))
    images = pixels.reshape(-1, 3, 32, 32) / np.float32(255)
    return ImageSet("cifar10", images, labels, CLASSES, **parts)


def _place(folder: Path) -> tuple[Path, str]:
    """Return the folder of the batches and the suffix of their names; `find` has seen one."""
    test = next(path for sign in get("cifar10").signs if (path := folder / sign).exists())
    return test.parent, test.suffix


def _pickled(path: Path, rows: int | None) -> tuple[np.ndarray, np.ndarray]:
    batch = pickles.load(path)
    if not isinstance(batch, dict) or not {b"data", b"labels"} <= set(batch):
        raise InputError(f"{path}: holds no `data` and `labels`; it is not a CIFAR-10 batch")
    data, labels = batch[b"data"], _labels(batch[b"labels"])
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2:
        raise InputError(f"{path}: data is no matrix of bytes; it is not a CIFAR-10 batch")
    return _checked(path, data, labels, rows)


def _labels(values: Any) -> np.ndarray:
    """Return labels as integers, cut to -1..10; an empty array for anything that is no list."""
    if isinstance(values, list) and all(type(value) is int for value in values):
        return np.array([min(max(value, -1), len(CLASSES)) for value in values], dtype=np.int64)
    return np.empty(0, np.int64)


def _binary(path: Path, rows: int | None) -> tuple[np.ndarray, np.ndarray]:
    content = np.frombuffer(existing(path, pickles.MOST_BYTES).read_bytes(), np.uint8)
    if len(content) % (1 + PIXELS):
        raise InputError(
            f"{path}: {len(content)} bytes are no whole number of records of {1 + PIXELS}; "
            "the file is damaged or of another set"
        )
    records = content.reshape(-1, 1 + PIXELS)
    return _checked(path, records[:, 1:], records[:, 0].astype(np.int64), rows)


def _checked(
    path: Path, data: np.ndarray, labels: np.ndarray, rows: int | None
) -> tuple[np.ndarray, np.ndarray]:
    if data.shape[1] != PIXELS or len(data) != len(labels) or not len(data):
        raise InputError(
            f"{path}: data {data.shape} and {len(labels)} labels; expected (n, {PIXELS}) and n"
        )
    if rows is not None and len(data) != rows:
        raise InputError(f"{path}: {len(data)} images, the official file has {rows}")
    if labels.min() < 0 or labels.max() >= len(CLASSES):
        raise InputError(f"{path}: labels range {labels.min()}..{labels.max()}, expected 0..9")
    return data, labels
