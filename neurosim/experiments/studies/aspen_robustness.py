"""ASPEN 8: what a worse or turned sensor does to fixed and to stochastic training.

Recordings are corrupted before the front end, as a sensor would; nobody of the test is known to
the nets, but in "known people", the windows that were trained on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.data import FrontEnd, seglearn
from neurosim.data.windows import Windows, cut, encode_recording
from neurosim.experiments.studies import on_chip, trained
from neurosim.experiments.studies.study import Row, Study
from neurosim.experiments.studies.trained import Training

Corrupt = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
"""(acceleration (time, 3) in g, level, rng) -> acceleration."""


def _noise(signal: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return signal + rng.normal(0, level, signal.shape)


def _gain(signal: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return signal * level


def _offset(signal: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    drift = np.linspace(0, level, len(signal))[:, None]
    return signal + drift * rng.choice([-1, 1], (1, 3))


def _rotation(signal: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    axis = rng.normal(size=3)
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * level, degrees=True).apply(signal)


def _dropped(signal: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    kept = rng.random(len(signal)) >= level
    kept[0] = True
    return signal[np.maximum.accumulate(np.where(kept, np.arange(len(signal)), 0))]


CORRUPTIONS: dict[str, tuple[Corrupt, tuple[float, ...], str]] = {
    "noise": (_noise, (0.02, 0.05, 0.1), "g, standard deviation"),
    "gain": (_gain, (0.9, 0.75, 0.5), "factor"),
    "offset drift": (_offset, (0.1, 0.2, 0.4), "g at the end of a recording"),
    "rotation": (_rotation, (10.0, 20.0, 40.0), "degrees about a random axis"),
    "dropped": (_dropped, (0.05, 0.1, 0.3), "share of samples, the last one held"),
}
"""What is done, at strengths 1, 2 and 3, and the unit of the level."""


def corrupted(name: str, strength: int, seed: int, front_end: FrontEnd, every: int) -> Windows:
    """Return the test windows of a seed's split, their recordings corrupted before encoding."""
    corrupt, levels, _ = CORRUPTIONS[name]
    recordings, rng = seglearn.load(), np.random.default_rng((seed, strength))
    limit = 0.999 / front_end.scale  # g, where the sensor's 16 bits end
    rasters, labels, subjects = [], [], []
    for k in np.flatnonzero(trained.split(seed).mask("test", recordings.subjects)):
        signal = corrupt(recordings.signals[k][:, :3], levels[strength - 1], rng)
        signal = np.clip(signal, -limit, limit)
        raster = cut(encode_recording(signal, recordings.rate_hz, front_end))
        rasters.append(raster)
        labels += [recordings.labels[k]] * len(raster)
        subjects += [recordings.subjects[k]] * len(raster)
    windows = Windows(np.concatenate(rasters), np.array(labels), np.array(subjects))
    return windows.select(np.arange(len(windows)) % every == 0)


def measure(
    net: str,
    corruption: str,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    strengths: tuple[int, ...],
) -> list[Row]:
    """Measure one net under one kind of corruption."""
    data = trained.dataset(seed, every)
    network = trained.wrist_net(net, seed, every=every, training=training).network
    spec = on_chip.put(network, data)
    if corruption in ("none", "known people"):
        parts = {0: data.test if corruption == "none" else data.train}
    else:
        parts = {s: corrupted(corruption, s, seed, data.front_end, every) for s in strengths}
    return [
        {"strength": strength, **row}
        for strength, windows in parts.items()
        for row in on_chip.sweep(spec, windows, thresholds)
    ]


STUDY = Study(
    name="aspen_robustness",
    title="Sensor noise, gain, drift, rotation, dropped samples, other people",
    measure=measure,
    grid={"net": ("fixed", "aspen"), "corruption": ("none", "known people", *CORRUPTIONS)},
    index=("net", "corruption", "seed", "strength", "threshold"),
    units=on_chip.UNITS,
    settings={
        "training": trained.FULL,
        "every": 1,
        "thresholds": (1.0, 1.6),
        "strengths": (1, 2, 3),
    },
    seeds=5,
    fast={
        **trained.FAST,
        "corruption": ("none", "rotation"),
        "thresholds": (1.0,),
        "strengths": (3,),
    },
)
