"""Writes tiny files in the form of the official data sets."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np

from neurosim.data import ku_har
from neurosim.data.cifar10_files import BATCHES, CLASSES, PIXELS


def motion(
    rng: np.random.Generator, labels: np.ndarray, samples: int, rate_hz: float
) -> np.ndarray:
    """Return (windows, samples, 6): gravity, noise, a swing of 1 Hz (first class) to 6 Hz."""
    time = np.arange(samples) / rate_hz
    swing_hz = 1 + 5 * labels / labels.max()
    phase = rng.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    swing = np.sin(2 * np.pi * swing_hz[:, None, None] * time[:, None] + phase)
    signal = 0.3 * swing + 0.02 * rng.standard_normal((len(labels), samples, 6))
    signal[:, :, 2] += 1
    return signal


def uci_har(folder: Path, rng: np.random.Generator, subjects=((1, 3, 5, 6), (2, 4))) -> Path:
    """Six windows of each subject, one a class."""
    for part, people in zip(("train", "test"), subjects, strict=True):
        inertial = folder / "UCI HAR Dataset" / part / "Inertial Signals"
        inertial.mkdir(parents=True)
        labels = np.tile(np.arange(6), len(people))
        signals = motion(rng, labels, 128, 50)
        names = [f"{kind}_{axis}" for kind in ("total_acc", "body_gyro") for axis in "xyz"]
        for name, values in zip(names, np.moveaxis(signals, 2, 0), strict=True):
            np.savetxt(inertial / f"{name}_{part}.txt", values, fmt="%16.7e")
        np.savetxt(inertial.parent / f"y_{part}.txt", labels + 1, "%d")
        np.savetxt(inertial.parent / f"subject_{part}.txt", np.repeat(people, 6), "%d")
    return folder


def ku_har_file(folder: Path, rng: np.random.Generator, per_class: int = 10) -> Path:
    """Ten windows of each of the 18 classes."""
    labels = np.repeat(np.arange(18), per_class)
    signals = motion(rng, labels, 300, 100)
    signals[:, :, :3] *= 9.80665
    columns = signals.transpose(0, 2, 1).reshape(len(labels), -1)
    rows = np.column_stack([columns, labels, np.full(len(labels), 300), np.arange(len(labels))])
    folder.mkdir(parents=True, exist_ok=True)
    np.savetxt(folder / ku_har.FILE, rows, fmt="%.6g", delimiter=",")
    return folder


class _Recorded:
    """Pickles as an object of a class that need not be there: its name, arguments and state."""

    def __init__(self, name, arguments=(), state=None):
        self.name, self.arguments, self.state = name, arguments, state


class _Name(str):
    """Pickles as a class or function of this name."""


class _Pickler(pickle._Pickler):
    """Writes names of classes without importing them."""

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, _Name):
            self.write(b"c%s\n%s\n" % tuple(part.encode() for part in obj.rsplit(".", 1)))
        elif isinstance(obj, _Recorded):
            self.save_reduce(_Name(obj.name), obj.arguments, obj.state)
        else:
            super().save(obj, save_persistent_id)

    def save_reduce(self, func, args, state=None, *rest, **named):
        if not isinstance(func, _Name):
            return super().save_reduce(func, args, state, *rest, **named)
        self.save(func)
        self.save(args)
        self.write(pickle.REDUCE)
        if state is not None:
            self.save(state)
            self.write(pickle.BUILD)


def hapt(folder: Path, recordings: dict[int, list[tuple[np.ndarray, np.ndarray]]]) -> Path:
    """Write people's recordings, signal (time, 6) and label (time,), as pandas 1 pickles tables."""
    internals, index = "pandas.core.internals.managers.BlockManager", "pandas.core.indexes.base"
    names = ["acc-x", "acc-y", "acc-z", "gyro-x", "gyro-y", "gyro-z", "sequence", "label"]
    tables = {}
    for person, several in recordings.items():
        tables[person] = []
        for signal, label in several:
            axis = (_Name(f"{index}.Index"), {"data": np.array(names, object), "name": None})
            blocks = [
                {"mgr_locs": _Recorded("builtins.slice", (0, 6, 1)), "values": signal.T.copy()},
                {
                    "mgr_locs": _Recorded("builtins.slice", (6, 8, 1)),
                    "values": np.stack([label] * 2),
                },
            ]
            inner = {"axes": [_Recorded(f"{index}._new_Index", axis), None], "blocks": blocks}
            data = _Recorded(internals, (), ([], [], [], {"0.14.1": inner}))
            tables[person].append(_Recorded("pandas.core.frame.DataFrame", (), {"_data": data}))
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "HAPT.pkl.gz", "wb") as file:
        _Pickler(file, protocol=2).dump(tables)
    return folder / "HAPT.pkl.gz"


def unimib_shar(folder: Path, rng: np.random.Generator, people: int = 30) -> Path:
    """One window of each of nine classes and each subject."""
    from scipy.io import savemat

    labels = np.tile(np.arange(9), people)
    signals = 9.80665 * motion(rng, labels, 151, 50)[:, :, :3]
    marks = np.column_stack([labels + 1, np.repeat(np.arange(1, people + 1), 9), labels * 0 + 1])
    folder.mkdir(parents=True, exist_ok=True)
    columns = signals.transpose(0, 2, 1).reshape(len(signals), -1)
    savemat(folder / "adl_data.mat", {"adl_data": columns})
    savemat(folder / "adl_labels.mat", {"adl_labels": marks})
    return folder


def sisfall(folder: Path, rng: np.random.Generator, people=("SA01", "SE15")) -> Path:
    """A walk and a fall of each person, 700 samples long."""
    for person in people:
        inner = folder / "SisFall_dataset" / person
        inner.mkdir(parents=True)
        for code in ("D01", "F03"):
            rows = rng.integers(-300, 300, (700, 9))
            rows[:, 1] -= 256
            lines = (",".join(f"{value:3d}" for value in row) + ";\n" for row in rows)
            (inner / f"{code}_{person}_R01.txt").write_text("".join(lines))
    (folder / "SisFall_dataset" / "Readme.txt").write_text("not a recording")
    return folder


def utd_mhad(folder: Path, rng: np.random.Generator, people=range(1, 9)) -> Path:
    """Two actions of each person, 130 samples long."""
    from scipy.io import savemat

    (folder / "Inertial").mkdir(parents=True)
    for person in people:
        for action in (1, 23):
            matrix = rng.normal([0, 0, 1, 0, 0, 0], [0.3] * 3 + [90] * 3, (130, 6))
            path = folder / "Inertial" / f"a{action}_s{person}_t1_inertial.mat"
            savemat(path, {"d_iner": matrix}, do_compression=True)
    return folder


def packed(path: Path, recordings, labels, people, name: str) -> Path:
    """Write recordings one after another, as sisfall.npz and utd-mhad.npz hold them."""
    arrays = {name: np.concatenate(recordings), "activity": labels, "person": people}
    offset = np.cumsum([0, *map(len, recordings)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays, offset=offset)
    return path


def cifar10(folder: Path, rng: np.random.Generator, version: str = "py") -> tuple[Path, np.ndarray]:
    """Twenty images a batch, two a class; return the folder and all pixels."""
    inner = folder / f"cifar-10-batches-{version}"
    inner.mkdir(parents=True)
    pixels = []
    for name in BATCHES:
        data = rng.integers(0, 256, (20, PIXELS), dtype=np.uint8)
        labels = np.arange(20) % 10
        pixels.append(data)
        if version == "py":
            batch = {b"batch_label": b"x", b"labels": labels.tolist(), b"data": data}
            (inner / name).write_bytes(pickle.dumps(batch, protocol=4))
        else:
            np.column_stack([labels.astype(np.uint8), data]).tofile(inner / f"{name}.bin")
    return folder, np.concatenate(pixels)


def aedat(path: Path, x, y, on, time_us) -> Path:
    """Write events as AEDAT 2.0: the camera counts columns from the right, bit 0 set is OFF."""
    off = 1 - np.asarray(on).astype(int)
    address = (np.asarray(y) << 8) | ((127 - np.asarray(x)) << 1) | off
    records = np.stack([address, np.asarray(time_us)], axis=1).astype(">u4")
    path.parent.mkdir(parents=True, exist_ok=True)
    header = b"#!AER-DAT2.0\r\n# a comment\r\n# Timestamps tick is 1 us\r\n"
    path.write_bytes(header + records.tobytes())
    return path


def cifar10_dvs(folder: Path, rng: np.random.Generator, recordings: int = 5) -> Path:
    """Short recordings of each class; class k fires in columns from 8 k on."""
    for k, name in enumerate(CLASSES):
        for n in range(recordings):
            x = rng.integers(8 * k, 8 * k + 8, 200)
            y, on = rng.integers(0, 128, 200), rng.integers(0, 2, 200)
            time = np.sort(rng.integers(0, 1_300_000, 200)) + 1000
            aedat(folder / name / f"cifar10_{name}_{n}.aedat", x, y, on, time)
    return folder


def n_mnist_file(path: Path, x, y, on, time_us) -> Path:
    """Write events as N-MNIST does: column, row, and 24 bits of polarity and microseconds."""
    bits = np.asarray(on).astype(int) << 23 | np.asarray(time_us)
    bytes_ = [x, y, bits >> 16, (bits >> 8) & 255, bits & 255]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.stack(bytes_, axis=1).astype(np.uint8).tofile(path)
    return path


def n_mnist(folder: Path, rng: np.random.Generator, train: int = 10, test: int = 2) -> Path:
    """Short recordings of each digit; digit k fires in columns 3 k to 3 k + 2."""
    for part, count in (("Train", train), ("Test", test)):
        for digit in range(10):
            for n in range(count):
                x = rng.integers(3 * digit, 3 * digit + 3, 100)
                y, on = rng.integers(0, 34, 100), rng.integers(0, 2, 100)
                time = np.sort(rng.integers(0, 300_000, 100)) + 900
                n_mnist_file(folder / part / str(digit) / f"{n:05d}.bin", x, y, on, time)
    return folder


def braille(folder: Path, rng: np.random.Generator, samples: int = 70) -> Path:
    """Letter k is loud on sensor k."""
    y = np.arange(samples) % 7
    rate = np.where(np.arange(12) == y[:, None], 0.5, 0.05)
    x = rng.random((samples, 256, 12)) < rate[:, None]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "braille.npz", x=x.astype(np.uint8), y=y)
    return folder
