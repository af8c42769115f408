"""SisFall: 19 daily activities and 15 kinds of fall, 38 people (Sucerquia et al. 2017).

A. Sucerquia, J. D. Lopez, J. F. Vargas-Bonilla, Sensors 17:198, doi:10.3390/s17010198. A sensor at
the waist, 200 Hz; 23 people of 19 to 30 years, 15 of 60 to 75, who did not fall on purpose but one.
Of the three sensors the accelerometer ADXL345 is read: +-16 g in 13 bits, so g = value / 256.

A recording of a fall holds what came before and after it, too; when the fall begins is not said.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from neurosim.data import archives, tables
from neurosim.data.recordings import UNKNOWN_SIDE, Recordings
from neurosim.data.splits import Split
from neurosim.errors import InputError

TOP, PACKED = "SisFall_dataset", "sisfall.npz"
FILES = 4505
RATE_HZ = 200.0
DAILY = tuple(f"D{k:02d}" for k in range(1, 20))
"""D01, D02 walking slowly, quickly; D03, D04 jogging; D05, D06 stairs; D07 to D10 sitting down and
up; D11 sinking into a chair; D12 to D14 lying down and turning; D15, D16 bending; D17 in and out of
a car; D18 stumbling; D19 a small jump."""
FALLS = tuple(f"F{k:02d}" for k in range(1, 16))
CLASSES = (*DAILY, *FALLS)
PEOPLE = (*(f"SA{k:02d}" for k in range(1, 24)), *(f"SE{k:02d}" for k in range(1, 16)))
"""Subject k is PEOPLE[k - 1]."""
YOUNG, OLD = tuple(range(1, 24)), tuple(range(24, 39))
SPLIT = Split(
    train=(*range(1, 15), *range(24, 32)),
    validation=(*range(15, 19), *range(32, 35)),
    test=(*range(19, 24), *range(35, 39)),
)
"""The set has no official split: of the young and of the old each, the last quarter tests."""

_LIMIT = 2**12
_NAME = re.compile(r"([DF]\d\d)_(S[AE]\d\d)_R(\d\d)\.txt")
_FORM: archives.Form = {
    "acceleration": ("i", ("samples", 3)),
    "offset": ("i", ("ends",)),
    "activity": ("U", ("recordings",)),
    "person": ("U", ("recordings",)),
}


def read(folder: str | Path, *, files: int | None = FILES) -> Recordings:
    """Read the official text files, or all of them packed in one sisfall.npz.

    A line of a text file is a sample: nine whole numbers between commas, the first three of the
    ADXL345, and a semicolon. The archive holds `acceleration` (samples, 3) of all recordings one
    after another, those of recording k from offset[k] to offset[k + 1], and its `activity` and
    `person`, such as "D01" and "SA01"; in the same order both give the same recordings.

    Args:
        folder: the folder that holds `SisFall_dataset`, that folder, or one with sisfall.npz.
        files: recordings there must be; any number but none when None.

    Raises:
        UnavailableError: a file may not be read.
        InputError: a file of another form or range, or another number of files.
    """
    folder = Path(folder)
    packed = folder / PACKED
    signals, activities, people = (_archive if packed.is_file() else _texts)(folder)
    if not signals or (files is not None and len(signals) != files):
        raise InputError(f"{folder}: {len(signals)} recordings, the official set has {FILES}")
    where = packed if packed.is_file() else folder
    state = hashlib.sha256(" ".join((*activities, *people)).encode())
    for signal in signals:
        state.update(signal.astype("<i2").tobytes())
    return Recordings(
        signals=tuple(signal / 256 for signal in signals),
        labels=_numbers(where, activities, CLASSES, "activity"),
        subjects=_numbers(where, people, PEOPLE, "person") + 1,
        sides=np.full(len(signals), UNKNOWN_SIDE),
        classes=CLASSES,
        rate_hz=RATE_HZ,
        digest=state.hexdigest(),
    )


def _numbers(where: Path, names: list[str], known: tuple[str, ...], what: str) -> np.ndarray:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise InputError(f"{where}: {what} {unknown[0]!r:.20} is none of {known[0]}..{known[-1]}")
    return np.array([known.index(name) for name in names], dtype=np.int64)


def _texts(folder: Path) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Return signals in units of g / 256, activities and people of the text files."""
    top = folder / TOP if (folder / TOP).is_dir() else folder
    signals, activities, people = [], [], []
    for path in sorted(top.glob("S*/*.txt")):
        named = _NAME.fullmatch(path.name)
        if named is None:
            continue
        numbers = tables.read_numbers(path, delimiter=",", end=";")
        values = tables.checked(path, numbers, 9, None)[:, :3]
        tables.within(path, values, _LIMIT, "a value of the ADXL345")
        signals.append(values)
        activities.append(named[1])
        people.append(named[2])
    return signals, activities, people


def _archive(folder: Path) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Return the same of the archive."""
    path = folder / PACKED
    arrays = archives.load(path, _FORM)
    tables.within(path, arrays["acceleration"], _LIMIT, "acceleration")
    signals = archives.parts(path, arrays["acceleration"], arrays["offset"], len(arrays["person"]))
    return signals, arrays["activity"].tolist(), arrays["person"].tolist()
