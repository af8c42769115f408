"""Classical baselines on the same windows and the same split: what a spiking net must reach.

Features are 15 numbers a window, one for each axis and band: the mean square of the band-passed
acceleration (floating point), or the mean event count of the encoded channel, which is all that a
net behind the front end could know without looking at time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.data.dataset import Dataset
from neurosim.data.imu import BANDS_HZ, RATE_HZ
from neurosim.data.recordings import Recordings
from neurosim.data.windows import LEAD_IN, cut, lead_in, resample
from neurosim.errors import InputError

_FLOOR_G2 = 1e-8
"""Added to an energy before its logarithm; the square of 0.1 mg, below the sensor's noise."""


@dataclass(frozen=True)
class Baseline:
    """Accuracy of one classifier on one kind of features, trained on the training subjects."""

    classifier: str
    features: str
    """"band energies" or "event counts"."""
    validation: float
    """Accuracy on the validation subjects; nan where there are none."""
    test: float
    """Accuracy on the test subjects; nan where there are none."""


def classical_baselines(
    dataset: Dataset, recordings: Recordings | None = None, *, seed: int = 0
) -> tuple[Baseline, ...]:
    """Train logistic regression and a random forest on the training subjects.

    Args:
        dataset: encoded windows.
        recordings: what the windows were made from; with them, the band energies of the
            acceleration are tried beside the event counts.
        seed: of the random forest.

    Returns:
        One result for each kind of features and classifier.

    Raises:
        InputError: the recordings are not those of the data set.
    """
    parts = (dataset.train, dataset.validation, dataset.test)
    features = {"event counts": tuple(mean_counts(part.raster) for part in parts)}
    if recordings is not None:
        energies, labels, subjects = band_energies(recordings)
        masks = [dataset.split.mask(p, subjects) for p in ("train", "validation", "test")]
        for mask, part in zip(masks, parts, strict=True):
            if not np.array_equal(labels[mask], part.labels):
                raise InputError(
                    f"recordings have {mask.sum()} windows where the data set has "
                    f"{len(part.labels)}, or other labels; pass those that it was encoded from"
                )
        features["band energies"] = tuple(np.log(energies[m] + _FLOOR_G2) for m in masks)
    labels_of = tuple(part.labels for part in parts)
    return tuple(
        Baseline(name, kind, *_fit(classifier, values, labels_of))
        for kind, values in features.items()
        for name, classifier in _classifiers(seed).items()
    )


def mean_counts(raster: np.ndarray) -> np.ndarray:
    """Return (windows, channels) mean events a step of a raster (windows, time, channels)."""
    return raster.mean(axis=1, dtype=np.float64)


def band_energies(recordings: Recordings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean square of each axis in each band, window by window.

    Returns:
        Energies (windows, 15) in g^2, in the order of the front end's channels; labels (windows,);
        subjects (windows,). Windows are in the order of `dataset.encode`.
    """
    from scipy.signal import butter, sosfilt

    bank = [butter(1, b, btype="bandpass", fs=RATE_HZ, output="sos") for b in BANDS_HZ]
    rows = []
    for recording in recordings.signals:
        signal = lead_in(resample(recording[:, :3], recordings.rate_hz))
        bands = np.stack([sosfilt(sos, signal, axis=0) for sos in bank], axis=2)[LEAD_IN:]
        rows.append((cut(bands.reshape(len(bands), -1)) ** 2).mean(axis=1))
    counts = [len(row) for row in rows]
    labels, subjects = (np.repeat(a, counts) for a in (recordings.labels, recordings.subjects))
    return np.concatenate(rows), labels, subjects


def _classifiers(seed: int) -> dict:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        "random forest": RandomForestClassifier(300, random_state=seed),
    }


def _fit(classifier, values, labels) -> tuple[float, float]:
    """Train on the first part; return the accuracies on the second and the third."""
    classifier.fit(values[0], labels[0])
    validation, test = (
        float(classifier.score(x, y)) if len(y) else float("nan")
        for x, y in zip(values[1:], labels[1:], strict=True)
    )
    return validation, test
