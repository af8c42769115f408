"""A look at a user's recordings before an hour is spent: what was understood, what to expect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.data import Dataset, Recordings, catalogue, event_files
from neurosim.data.activity_sets import XYLO_IMU_OUTPUTS
from neurosim.data.splits import PARTS
from neurosim.errors import InputError
from neurosim.training.recording_files import RecordingFiles
from neurosim.workflows.baselines import mean_counts

_FOLDS, _MOST_WINDOWS = 5, 20_000
"""The ceiling is measured in so many folds of people, on at most so many windows."""
_MOSTLY_SILENT, _FEW_WINDOWS, _FAR_FROM_EQUAL = 0.3, 20, 3.0
"""From which share of silent windows, below how many windows of a class, and from which ratio of
the largest class to the smallest something is said."""


@dataclass(frozen=True)
class Class:
    """What there is of one class."""

    name: str
    seconds: float
    people: int
    windows: int
    silent: float
    """Share of the windows without an event."""
    recall: float
    """Of logistic regression on event counts, unseen people; nan where that cannot be measured."""


@dataclass(frozen=True)
class Look:
    """What was understood of recordings."""

    dataset: Dataset
    signals: Recordings | None
    """None of rasters, which have no signal."""
    classes: tuple[Class, ...]
    channels: tuple[tuple[str, float], ...]
    """Name and events a second of each channel."""
    ceiling: float
    """Balanced accuracy of logistic regression on event counts, unseen people."""
    advice: tuple[str, ...]


def look(files: RecordingFiles) -> Look:
    """Read and encode recordings as a run would, and measure what a net could learn of them.

    Raises:
        UnavailableError: there is no such file.
        InputError: it cannot be read, or cannot be trained on.
    """
    if files.path in catalogue.names() and not Path(files.path).exists():
        raise InputError(f"{files.path} is a set of `neurosim data list`; see `data check`")
    rasters = event_files.kind_of(files.path) != ""
    recordings = None if rasters else files.recordings()
    dataset = files.dataset() if recordings is None else files.encoded(recordings)
    parts = [getattr(dataset, part) for part in PARTS]
    raster = [part.raster for part in parts]
    labels = np.concatenate([part.labels for part in parts])
    subjects = np.concatenate([part.subjects for part in parts])
    means = np.concatenate([mean_counts(r) for r in raster])
    recalls = _recalls(means, labels, subjects, len(dataset.classes))
    seconds, people = _made_of(recordings, dataset, labels, subjects)
    classes = tuple(
        Class(
            name,
            seconds[k],
            people[k],
            int((labels == k).sum()),
            float((means[labels == k].sum(axis=1) == 0).mean()) if (labels == k).any() else np.nan,
            float(recalls[k]),
        )
        for k, name in enumerate(dataset.classes)
    )
    rates = (means.mean(axis=0) / dataset.front_end.dt).tolist()
    ceiling = float(np.nanmean(recalls)) if np.isfinite(recalls).any() else np.nan
    number = len(np.unique(subjects)) if recordings is None else len(recordings.people)
    advice = _advice(
        classes, ceiling, number, bands=recordings is not None and files.channels == "bands"
    )
    channels = tuple(zip(dataset.front_end.channel_names, rates, strict=True))
    return Look(dataset, recordings, classes, channels, ceiling, tuple(advice))


def _made_of(
    recordings: Recordings | None, dataset: Dataset, labels: np.ndarray, subjects: np.ndarray
) -> tuple[list[float], list[int]]:
    """Return seconds and number of people of each class."""
    if recordings is None:
        seconds = np.full(len(labels), dataset.train.raster.shape[1] * dataset.front_end.dt)
    else:
        seconds = np.array([len(s) for s in recordings.signals]) / recordings.rate_hz
        labels, subjects = recordings.labels, recordings.subjects
    own = [labels == k for k in range(len(dataset.classes))]
    return [float(seconds[k].sum()) for k in own], [len(np.unique(subjects[k])) for k in own]


def _recalls(
    means: np.ndarray, labels: np.ndarray, subjects: np.ndarray, classes: int
) -> np.ndarray:
    """Return the recall of each class of a classifier that knows counts, at people unseen."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    people = np.unique(subjects)
    if len(people) < 2:
        return np.full(classes, np.nan)
    chosen = np.linspace(0, len(labels) - 1, min(len(labels), _MOST_WINDOWS), dtype=int)
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced")
    )
    folds = GroupKFold(min(_FOLDS, len(people)))
    true, groups = labels[chosen], subjects[chosen]
    try:
        decided = cross_val_predict(model, means[chosen], true, groups=groups, cv=folds)
    except ValueError:  # people who are left to learn from show one class only
        return np.full(classes, np.nan)
    sizes = np.bincount(true, minlength=classes)
    hits = np.bincount(true[decided == true], minlength=classes)
    return np.where(sizes > 0, hits / np.maximum(sizes, 1), np.nan)


def _advice(classes: tuple[Class, ...], ceiling: float, people: int, *, bands: bool) -> list[str]:
    """Say what to do before training; bands: gravity would be seen by another front end."""
    advice = [
        f"{c.silent:.0%} of {c.name!r} has no event: use --channels both, or gravity"
        for c in classes
        if c.silent > _MOSTLY_SILENT and bands
    ]
    advice += [
        f"{c.name!r} has {c.windows} windows: record more, or leave it out"
        for c in classes
        if c.windows < _FEW_WINDOWS
    ]
    advice += [
        f"only one of {people} people shows {c.name!r}: a net may learn the person instead"
        for c in classes
        if c.people == 1 and people > 1
    ]
    if people == 1:
        advice.append("one person: accuracy will say nothing about others; record more people")
    windows = [c.windows for c in classes]
    if max(windows) > _FAR_FROM_EQUAL * max(min(windows), 1):
        advice.append(
            "classes are far from equal: look at balanced accuracy and recall, not at accuracy"
        )
    if len(classes) > XYLO_IMU_OUTPUTS:
        advice.append(
            f"{len(classes)} classes are more than the Xylo IMU's {XYLO_IMU_OUTPUTS} outputs: "
            "merge some, or stay off this chip"
        )
    if ceiling < 2 / len(classes):
        advice.append(
            f"event counts hardly tell classes apart ({ceiling:.2f}, chance is "
            f"{1 / len(classes):.2f}): check labels and units, or try a longer --window"
        )
    return advice
