"""Corruption of signals and images, by kind and severity: what a net meets outside the laboratory.

Each function takes a seed or Generator; severity 0 leaves the input as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neurosim.data.recordings import Recordings
from neurosim.errors import InputError

Seed = int | np.random.Generator


def noise(signal: np.ndarray, severity: float, seed: Seed = 0) -> np.ndarray:
    """Add white Gaussian noise of `severity` g to the acceleration (rad/s to the rotation)."""
    rng = np.random.default_rng(seed)
    return signal + _severity(severity) * rng.standard_normal(signal.shape)


def gain(signal: np.ndarray, severity: float, seed: Seed = 0) -> np.ndarray:
    """Multiply each axis by its own factor exp(severity * N(0, 1)): a sensor out of calibration."""
    factors = np.random.default_rng(seed).standard_normal(signal.shape[1])
    return signal * np.exp(_severity(severity) * factors)


def drift(signal: np.ndarray, severity: float, seed: Seed = 0) -> np.ndarray:
    """Add an offset to each axis that grows from 0 to severity * N(0, 1) g in the recording."""
    ends = _severity(severity) * np.random.default_rng(seed).standard_normal(signal.shape[1])
    return signal + np.linspace(0, 1, len(signal))[:, None] * ends


def rotation(signal: np.ndarray, severity: float, seed: Seed = 0) -> np.ndarray:
    """Turn the sensor by `severity` degrees about a random axis (Rodrigues' formula)."""
    axis = np.random.default_rng(seed).standard_normal(3)
    axis /= np.linalg.norm(axis)
    angle = np.radians(_severity(severity))
    cross = np.cross(np.eye(3), axis)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    triples = signal.reshape(len(signal), -1, 3)
    return (triples @ turn).reshape(signal.shape)


def dropped(signal: np.ndarray, severity: float, seed: Seed = 0) -> np.ndarray:
    """Lose a share `severity` of the samples; the last one received is held.

    Raises:
        InputError: a share beyond 0..1.
    """
    if _severity(severity) > 1:
        raise InputError(f"severity is {severity}; the share of dropped samples is 0..1")
    lost = np.random.default_rng(seed).random(len(signal)) < severity
    lost[:1] = False
    received = np.maximum.accumulate(np.where(lost, 0, np.arange(len(signal))))
    return signal[received]


SIGNALS: dict[str, Callable[[np.ndarray, float, Seed], np.ndarray]] = {
    "noise": noise,
    "gain": gain,
    "drift": drift,
    "rotation": rotation,
    "dropped": dropped,
}
"""Kinds for signals (time, 3 or 6)."""


def recordings(clean: Recordings, kind: str, severity: float, *, seed: int = 0) -> Recordings:
    """Return recordings corrupted before the front end, each with its own draw.

    Args:
        clean: the recordings.
        kind: one of `SIGNALS`.
        severity: how much, in the unit of the kind; 0 for none.
        seed: of all draws; recorded in the digest, so that cached encodings are told apart.

    Raises:
        InputError: an unknown kind or a negative severity.
    """
    if kind not in SIGNALS:
        raise InputError(f"kind {kind!r} is not known; choose one of {', '.join(SIGNALS)}")
    seeds = np.random.SeedSequence(seed).spawn(len(clean))
    signals = tuple(
        SIGNALS[kind](signal, severity, np.random.default_rng(own))
        for signal, own in zip(clean.signals, seeds, strict=True)
    )
    mark = f"{clean.digest} {kind} {float(severity)!r} {seed}"
    return replace(clean, signals=signals, digest=hashlib.sha256(mark.encode()).hexdigest())


def images(clean: np.ndarray, kind: str, severity: float, seed: Seed = 0) -> np.ndarray:
    """Return corrupted images, in [0, 1] as before.

    "noise" adds Gaussian noise of standard deviation `severity`; "rotation" turns each image by
    `severity` degrees, left or right (linear interpolation, black from outside); "gain" multiplies
    each image by its own factor exp(severity * N(0, 1)).

    Args:
        clean: (n, channels, height, width) in [0, 1].
        kind: "noise", "rotation" or "gain".
        severity: how much; 0 for none.
        seed: of the draws.

    Raises:
        InputError: an unknown kind, a negative severity or another shape.
    """
    if clean.ndim != 4:
        raise InputError(f"images have shape {clean.shape}; need (n, channels, height, width)")
    rng = np.random.default_rng(seed)
    severity = _severity(severity)
    if kind == "noise":
        changed = clean + severity * rng.standard_normal(clean.shape, dtype=np.float32)
    elif kind == "gain":
        changed = clean * np.exp(severity * rng.standard_normal((len(clean), 1, 1, 1)))
    elif kind == "rotation":
        changed = _turned(clean, severity * rng.choice((-1.0, 1.0), len(clean)))
    else:
        raise InputError(f"kind {kind!r} is not known; choose one of noise, rotation, gain")
    return np.clip(changed, 0, 1).astype(np.float32)


def _turned(clean: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    from scipy.ndimage import rotate

    return np.stack(
        [
            rotate(image, angle, axes=(1, 2), reshape=False, order=1)
            for image, angle in zip(clean, degrees, strict=True)
        ]
    )


def _severity(value: float) -> float:
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"severity is {value}; it must be >= 0")
    return float(value)
