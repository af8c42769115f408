"""Wrist recordings of shoulder exercises, from the file inside the package seglearn (BSD-3).

D. M. Burns et al., "Shoulder physiotherapy exercise recognition: machine learning the inertial
signals from a smartwatch", Physiol. Meas. 39, 075007 (2018): ten subjects, seven exercises, both
arms, a smartwatch at 50 Hz. These are exercises, not daily activities.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from neurosim import outside
from neurosim.data import pickles
from neurosim.data.catalogue import existing
from neurosim.data.recordings import Recordings
from neurosim.errors import InputError, UnavailableError

SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
"""Of watch_dataset.npy in seglearn 1.2.5."""

MOST_BYTES = 2**26

RATE_HZ = 50.0

CLASSES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
"""Pendulum, abduction, forward elevation, internal and external rotation, lower trapezius row,
bent over row."""


def find() -> Path:
    """Return the path of the data file; seglearn itself is not imported.

    Raises:
        UnavailableError: seglearn is not installed, or comes without the file.
    """
    package = importlib.util.find_spec("seglearn")
    remedy = "install it with: pip install seglearn==1.2.5"
    if package is None or package.origin is None:
        raise UnavailableError(f"seglearn, which holds the wrist recordings, is missing; {remedy}")
    path = Path(package.origin).parent / "data" / "watch_dataset.npy"
    if not path.is_file():
        raise UnavailableError(
            f"{path}: the wrist recordings are missing from seglearn; re{remedy}"
        )
    return path


def load(path: str | Path | None = None) -> Recordings:
    """Read the 140 recordings (244,102 steps).

    The file holds a pickle: it is read only if its SHA-256 is the known one, and then without
    running anything (see `pickles`).

    Args:
        path: the data file; that of the installed seglearn when None.

    Raises:
        UnavailableError: there is no such file.
        InputError: the file is not the known one.
    """
    path = find() if path is None else Path(path)
    content = existing(path, MOST_BYTES).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise InputError(
            f"{path}: SHA-256 is {digest[:12]}..., expected {SHA256[:12]}...; the file was changed "
            "and is not opened: reinstall it with: pip install --force-reinstall seglearn==1.2.5"
        )
    with outside.reading(path, "pickle of arrays"):
        (table,) = pickles.loads(content[content.index(b"\n") + 1 :])  # after the header of numpy
    return Recordings(
        signals=tuple(np.asarray(signal, dtype=np.float64) for signal in table["X"]),
        labels=np.asarray(table["y"], dtype=np.int64),
        subjects=np.asarray(table["subject"], dtype=np.int64),
        sides=np.asarray(table["side"], dtype=np.int64),
        classes=CLASSES,
        rate_hz=RATE_HZ,
        digest=SHA256,
    )
