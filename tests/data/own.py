"""Recordings as a user might bring them: movements made by formula, as tables and arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd

RATE = 50
KINDS = {"walk": (1.8, 0.35), "shake": (6.0, 0.9), "tilt": (0.7, 0.5)}
"""Frequency [Hz] and amplitude [g] of each activity."""


def signal(rng: np.random.Generator, kind: str, seconds: float, rate: float = RATE) -> np.ndarray:
    """Return acceleration (time, 3) in g: gravity along z, a movement along all axes, noise."""
    frequency, amplitude = KINDS[kind]
    time = np.arange(round(seconds * rate)) / rate
    phases = 2 * np.pi * frequency * rng.normal(1, 0.04) * time[:, None] + np.arange(3)
    moved = amplitude * rng.normal(1, 0.1) * np.sin(phases)
    # As a person moves: some seconds, and rest between them.
    active = (np.floor(time / 2) % 4 != 3)[:, None]
    return moved * active + [0, 0, 1] + rng.normal(0, 0.01, (len(time), 3))


def table(
    seed: int = 0, people: int = 3, seconds: float = 10, kinds=tuple(KINDS), rate: float = RATE
) -> pd.DataFrame:
    """Return rows of each person and activity; the time [ms] runs on, with a pause between."""
    rng = np.random.default_rng(seed)
    parts, now = [], 0
    for person in range(people):
        for kind in kinds:
            xyz = signal(rng, kind, seconds, rate)
            time = now + np.round(np.arange(len(xyz)) * 1000 / rate).astype(int)
            part = pd.DataFrame(xyz.round(5), columns=["ax", "ay", "az"])
            part.insert(0, "timestamp", time)
            parts.append(part.assign(activity=kind, person=f"p{person + 1}"))
            now = int(time[-1]) + 1000
    return pd.concat(parts, ignore_index=True)
