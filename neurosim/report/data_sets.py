"""Tables of data sets: which are present, and what is in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from neurosim import data
from neurosim.data import activity_sets, catalogue, ku_har
from neurosim.data.cifar10_dvs_files import cifar10_dvs
from neurosim.data.cifar10_files import cifar10
from neurosim.data.dataset import Dataset
from neurosim.data.event_frames import EventSet
from neurosim.data.images import ImageSet
from neurosim.data.recordings import Recordings
from neurosim.data.seglearn import load
from neurosim.data.splits import PARTS
from neurosim.errors import InputError


def listing(folder: Path | None = None) -> Group:
    """Return a table of all sets, and below it how to get those that are not present."""
    table = Table("set", "present", "what", "size", "from, terms")
    table.columns[-1].overflow = "fold"  # so that a DOI stays whole
    absent = []
    for source in catalogue.SOURCES:
        here = catalogue.present(source, folder)
        held = f"package {source.package}" if source.package is not None else "your files"
        origin = "; ".join(text for text in (held, source.origin, source.terms) if text)
        table.add_row(source.name, "yes" if here else "no", source.what, source.size, origin)
        if not here:
            place = catalogue.root(folder) / source.home
            pip = f"pip install {source.install or source.package}"
            remedy = catalogue.remedy(place, source) if source.signs else pip
            absent.append(f"{source.name}: {remedy}")
    where = f"folder of all sets: {catalogue.root(folder)} (--folder or ${catalogue.VARIABLE})"
    return Group(table, *(Text(line) for line in (where, *absent)))


def check(name: str, folder: Path | None = None) -> dict[str, str]:
    """Read a whole set with all checks; return what was found, name to value.

    Raises:
        UnavailableError: files are missing.
        InputError: a file is not as it should be, or no set has that name.
    """
    source = catalogue.get(name)
    if not source.signs and folder is not None:
        raise InputError(f"{name} comes with the package {source.package}: leave out the folder")
    if name == "wrist":
        return _recordings(load())
    if name in ("digits", "mnist5k"):
        return _images(getattr(data, name)())
    if name == "cifar10":
        return _images(cifar10(folder))
    if name == "cifar10-dvs":
        return _events(cifar10_dvs(folder))
    if name == "n-mnist":
        return _events(data.n_mnist(folder))
    if name == "braille":
        return _windows(data.braille(folder))
    recordings, split = activity_sets.read(name, folder)
    rows = _recordings(recordings)
    if name == "ku-har":
        rows["subjects"] = f"not recorded; {ku_har.BLOCKS} blocks of rows stand for them"
        if len(recordings) != ku_har.ROWS:
            rows["recordings"] += f"; the file's name says {ku_har.ROWS:,}: another version, or cut"
    parts = f"train {split.train}, validation {split.validation}, test {split.test}"
    return {**rows, "default split": parts}


def show(name: str, rows: dict[str, str]) -> Table:
    """Return what `check` found as a table."""
    table = Table(name, "all checks passed")
    for row in rows.items():
        table.add_row(*row)
    return table


def _recordings(recordings: Recordings) -> dict[str, str]:
    lengths = np.array([len(signal) for signal in recordings.signals]) / recordings.rate_hz
    span = dict.fromkeys((lengths.min(), lengths.max()))
    return {
        "recordings": f"{len(recordings):,} of {' to '.join(f'{s:g}' for s in span)} s",
        "signal": f"{recordings.signals[0].shape[1]} axes at {recordings.rate_hz:g} Hz",
        "subjects": f"{len(np.unique(recordings.subjects))}",
        **_classes(recordings.labels, recordings.classes),
    }


def _images(images: ImageSet) -> dict[str, str]:
    shape = " x ".join(map(str, images.images.shape[1:]))
    return {"images": f"{len(images)} of {shape}", **_parts(images)}


def _events(events: EventSet) -> dict[str, str]:
    shape = " x ".join(map(str, events.frames.shape[1:]))
    return {"recordings": f"{len(events)}, as frames {shape}", **_parts(events)}


def _windows(windows: Dataset) -> dict[str, str]:
    parts = {part: getattr(windows, part) for part in PARTS}
    steps, channels = windows.train.raster.shape[1:]
    labels = np.concatenate([part.labels for part in parts.values()])
    return {
        "samples": f"{len(labels):,} of {steps} steps of {windows.front_end.dt:g} s",
        "channels": f"{channels}, {np.mean([p.raster.mean() for p in parts.values()]):.3f} events "
        "in each and every step",
        "parts": ", ".join(f"{name} {len(part)}" for name, part in parts.items()),
        **_classes(labels, windows.classes),
    }


def _parts(whole: ImageSet | EventSet) -> dict[str, str]:
    parts = ", ".join(f"{p} {len(getattr(whole, p))}" for p in ("train", "validation", "test"))
    return {"parts": parts, **_classes(whole.labels, whole.classes)}


def _classes(labels: np.ndarray, names: tuple[str, ...]) -> dict[str, str]:
    counts = np.bincount(labels, minlength=len(names))
    return {"classes": ", ".join(f"{n} {c}" for n, c in zip(names, counts, strict=True))}
