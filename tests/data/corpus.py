"""A small valid file for each reader of data, rasters and tables: what a fuzz run starts from."""

from __future__ import annotations

import gzip
import pickle
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import savemat

from neurosim import store
from neurosim.data import (
    aedat,
    braille_files,
    cifar10_files,
    event_files,
    ku_har,
    n_mnist_files,
    pickles,
    raster_files,
    sisfall,
    uci_har,
    unimib_shar,
    utd_mhad,
)
from neurosim.data.recording_files import read_recordings
from neurosim.energy import operating_points
from neurosim.studies import results
from neurosim.workflows import events
from tests.data import official, own

Read = Callable[[Path], object]


def _copied(suffix: str, read: Read) -> Read:
    """Return a reader of a copy whose name ends as that reader expects it."""

    def reader(path: Path) -> object:
        return read(Path(shutil.copyfile(path, path.with_name(f"{path.name}{suffix}"))))

    return reader


def _one_of_a_set(path: Path, member: str, write: Callable[[Path], object], read: Read) -> Read:
    """Write a set of files beside a path and one of them at the path; return a reader.

    The reader puts what is at its path into the set, and reads the set.
    """
    folder = path.with_name(f"{path.name}.set")
    write(folder)
    shutil.copyfile(folder / member, path)

    def reader(damaged: Path) -> object:
        shutil.copyfile(damaged, folder / member)
        return read(folder)

    return reader


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _counts() -> np.ndarray:
    return _rng().integers(0, 3, (2, 10, 5)).astype(np.uint8)


def _npy(path: Path) -> Read:
    with path.open("wb") as file:
        np.save(file, _counts())
    return raster_files.load


def _npz(path: Path) -> Read:
    with path.open("wb") as file:
        np.savez_compressed(file, events=_counts())
    return raster_files.load


def _csv(path: Path) -> Read:
    np.savetxt(path, _counts()[0], "%d", ",")
    return _copied(".csv", raster_files.load)


def _spikes(path: Path) -> Read:
    with path.open("wb") as file:
        np.save(file, _counts().astype(np.float32))
    return events.load_spikes


def _aedat(path: Path) -> Read:
    k = np.arange(20)
    official.aedat(path, k, k, k % 2, 10 * k)
    return aedat.read


def _batch() -> dict[bytes, object]:
    pixels = _rng().integers(0, 256, (2, cifar10_files.PIXELS), dtype=np.uint8)
    return {b"data": pixels, b"labels": [3, 5]}


def _pickle(path: Path) -> Read:
    path.write_bytes(pickle.dumps(_batch(), protocol=2))
    return pickles.load


def _packed_pickle(path: Path) -> Read:
    path.write_bytes(gzip.compress(pickle.dumps(_batch(), protocol=4), mtime=0))
    return pickles.load


def _cifar10(version: str, member: str) -> Callable[[Path], Read]:
    def write(path: Path) -> Read:
        return _one_of_a_set(
            path,
            f"cifar-10-batches-{version}/{member}",
            lambda folder: official.cifar10(folder, _rng(), version),
            lambda folder: cifar10_files.cifar10(folder, rows=20),
        )

    return write


def _uci_har(member: str) -> Callable[[Path], Read]:
    def write(path: Path) -> Read:
        return _one_of_a_set(
            path,
            f"UCI HAR Dataset/train/{member}",
            lambda folder: official.uci_har(folder, _rng(), ((1, 3), (2,))),
            lambda folder: uci_har.read(folder, rows=None),
        )

    return write


def _ku_har(path: Path) -> Read:
    folder = path.with_name(f"{path.name}.set")
    shutil.copyfile(official.ku_har_file(folder, _rng(), 1) / ku_har.FILE, path)
    return ku_har.read


def _unimib(member: str) -> Callable[[Path], Read]:
    def write(path: Path) -> Read:
        return _one_of_a_set(
            path,
            member,
            lambda folder: official.unimib_shar(folder, _rng(), 1),
            lambda folder: unimib_shar.read(folder, rows=None),
        )

    return write


def _sisfall(path: Path) -> Read:
    return _one_of_a_set(
        path,
        "SisFall_dataset/SA01/D01_SA01_R01.txt",
        lambda folder: official.sisfall(folder, _rng(), ["SA01"]),
        lambda folder: sisfall.read(folder, files=None),
    )


def _packed_sisfall(path: Path) -> Read:
    signals = [_rng().integers(-300, 300, (30, 3)).astype(np.int16)] * 2
    return _one_of_a_set(
        path,
        sisfall.PACKED,
        lambda folder: official.packed(
            folder / sisfall.PACKED, signals, ["D01", "F15"], ["SA01", "SE15"], "acceleration"
        ),
        lambda folder: sisfall.read(folder, files=None),
    )


def _utd_mhad(path: Path) -> Read:
    return _one_of_a_set(
        path,
        "Inertial/a1_s1_t1_inertial.mat",
        lambda folder: official.utd_mhad(folder, _rng(), [1]),
        lambda folder: utd_mhad.read(folder, files=None),
    )


def _n_mnist(path: Path) -> Read:
    k = np.arange(20)
    official.n_mnist_file(path, k, k, k % 2, 10 * k)
    return n_mnist_files.read


def _braille(path: Path) -> Read:
    return _one_of_a_set(
        path,
        "braille.npz",
        lambda folder: official.braille(folder, _rng(), 35),
        braille_files.braille,
    )


def _table(path: Path) -> Read:
    rows = [{"net": "a", "x": 0.25}, {"net": "b, c", "x": 0.5}]
    store.write_table(path, rows)  # without a seal, which any change would break
    return lambda table: store.read_table(table, remedy="neurosim x")


def _sealed_table(path: Path) -> Read:
    store.write_table(path, [{"net": "a", "x": 0.25}], command="neurosim x")
    return lambda table: store.read_table(table, remedy="neurosim x")


def _results(path: Path) -> Read:
    head = '# title: T\n# index: net seed\n# units: {"x": "s"}\n'
    rows = "".join(f"{net},{seed},{seed / 8}\n" for net in "ab" for seed in (1, 2))
    path.write_text(f"{head}net,seed,x\n{rows}")

    def read(table: Path) -> object:
        results._read.cache_clear()
        return results.read(str(table))

    return _copied(".csv", read)


def _operating_points(path: Path) -> Read:
    setting = operating_points.Setting("a", 1.0, 0.8, 0.0, 3e-4)
    operating_points.save(path, [setting, setting])
    return operating_points.load


def _recordings_csv(path: Path) -> Read:
    own.table(people=1, seconds=2).to_csv(path, index=False)
    return _copied(".csv", read_recordings)


def _recordings_npz(path: Path) -> Read:
    table = own.table(people=1, seconds=2)
    with path.open("wb") as file:
        np.savez_compressed(
            file, acc=table[["ax", "ay", "az"]].to_numpy(), label=table.activity.to_numpy(str)
        )
    return _copied(".npz", partial(read_recordings, rate=50))


def _recordings_mat(path: Path) -> Read:
    table = own.table(people=1, seconds=2)
    codes = np.unique(table.activity.to_numpy(str), return_inverse=True)[1]
    with path.open("wb") as file:
        savemat(file, {"acc": table[["ax", "ay", "az"]].to_numpy(), "label": codes[:, None]})
    return _copied(".mat", partial(read_recordings, rate=50))


def _own_rasters(path: Path) -> Read:
    with path.open("wb") as file:
        np.savez_compressed(file, x=np.ones((20, 4, 3), np.uint8), y=np.arange(20) % 2, dt=0.01)
    return event_files.read_rasters


def _own_camera(path: Path) -> Read:
    count = np.arange(20)
    events = {"x": count % 5, "y": count % 3, "on": count % 2 == 0, "t_us": count * 10}
    with path.open("wb") as file:
        np.savez_compressed(file, **events, offsets=np.arange(0, 21, 2), labels=np.arange(10) % 2)
    return partial(event_files.read_camera, steps=2)


CORPUS: dict[str, Callable[[Path], Read]] = {
    "raster .npy": _npy,
    "raster .npz": _npz,
    "raster .csv": _csv,
    "expected spikes .npy": _spikes,
    "AEDAT": _aedat,
    "pickle": _pickle,
    "pickle .gz": _packed_pickle,
    "CIFAR-10 python": _cifar10("py", "data_batch_2"),
    "CIFAR-10 binary": _cifar10("bin", "data_batch_2.bin"),
    "UCI-HAR classes": _uci_har("y_train.txt"),
    "UCI-HAR signal": _uci_har("Inertial Signals/total_acc_x_train.txt"),
    "KU-HAR": _ku_har,
    "UniMiB signals .mat": _unimib("adl_data.mat"),
    "UniMiB classes .mat": _unimib("adl_labels.mat"),
    "SisFall .txt": _sisfall,
    "SisFall .npz": _packed_sisfall,
    "UTD-MHAD .mat": _utd_mhad,
    "N-MNIST": _n_mnist,
    "Braille .npz": _braille,
    "recordings .csv": _recordings_csv,
    "recordings .npz": _recordings_npz,
    "recordings .mat": _recordings_mat,
    "rasters .npz": _own_rasters,
    "camera .npz": _own_camera,
    "table .csv": _table,
    "table .csv with a seal": _sealed_table,
    "results .csv": _results,
    "operating points .csv": _operating_points,
}
"""By name: writes a small valid file at a path, and returns the reader that loads such a path."""
