"""Braille letters read by a robot's fingertip, as events (Mueller-Cleve et al. 2022).

doi:10.3389/fnins.2022.951164: twelve touch sensors slide over a letter; each change becomes an
event. 256 steps of 5 ms with twelve channels go straight to a Xylo's inputs, without a front end.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.data import archives
from neurosim.data.catalogue import find
from neurosim.data.dataset import Dataset
from neurosim.data.direct import Direct
from neurosim.data.images import stratified
from neurosim.data.splits import PARTS, Split
from neurosim.data.windows import Windows
from neurosim.errors import InputError

FILE = "braille.npz"
CHANNELS, LETTERS, DT_S = 12, 7, 5e-3
_FORM: archives.Form = {"x": ("u", ("samples", 256, CHANNELS)), "y": ("iu", ("samples",))}


def braille(folder: str | Path | None = None, *, seed: int = 0) -> Dataset:
    """Return the samples as windows of events: 65 % to train, 15 % to validate, 20 % to test.

    One robot read all letters: there are no people to split by, and the numbers 1, 2, 3 of
    "subjects" stand for the parts.

    Args:
        folder: that holds braille.npz: `x` (samples, 256, 12) of 0 and 1, `y` (samples,) 0 to 6.
        seed: of the split, which holds every letter in the same share.

    Raises:
        UnavailableError: there is no such file.
        InputError: it holds other arrays or values.
    """
    path = find("braille", folder) / FILE
    arrays = archives.load(path, _FORM)
    raster, labels = arrays["x"].astype(np.uint8), arrays["y"].astype(np.int64)
    if not len(labels) or raster.max() > 1:
        raise InputError(f"{path}: x holds {raster.max(initial=0)}; events are 0 or 1")
    if labels.min() < 0 or labels.max() >= LETTERS:
        raise InputError(f"{path}: y holds {labels.min()}..{labels.max()}; letters are 0..6")
    chosen = stratified(labels, seed=seed)
    train, validation, test = (
        Windows(raster[rows], labels[rows], np.full(len(rows), number))
        for number, rows in enumerate((chosen[part] for part in PARTS), 1)
    )
    names = tuple(f"sensor {k}" for k in range(CHANNELS))
    letters = tuple(f"letter {k}" for k in range(LETTERS))
    split, sensors = Split((1,), (2,), (3,)), Direct(DT_S, names)
    return Dataset(train, validation, test, sensors, letters, split, "braille")
