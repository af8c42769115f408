"""Change the loudness of training windows, as another wearer of the sensor would."""

from __future__ import annotations

import numpy as np

from neurosim.data.imu_encoders import MAX_EVENTS
from neurosim.data.imu_filters import BANDS_HZ

BANDS = len(BANDS_HZ)
"""Consecutive channels that belong to one axis of the sensor."""


def random_gain(
    events: np.ndarray, spread: tuple[float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Multiply event counts by random gains and round at random, so that means are kept.

    People do one exercise with more or less force, turn the wrist to it differently, and differ
    in how smoothly they move: a window, its axes and its channels each have a log-normal gain.

    Args:
        events: (samples, time, channels) counts of at most MAX_EVENTS; BANDS channels an axis.
        spread: standard deviation of the logarithm of the gains of windows, axes and channels;
            zeros change nothing and draw nothing.
        rng: where gains and rounding are drawn.

    Returns:
        (samples, time, channels) float32 whole numbers in 0..MAX_EVENTS, where counts saturate.
    """
    counts = events.astype(np.float32)
    if not any(spread):
        return counts
    samples, _, channels = events.shape
    window, axis, channel = (
        rng.normal(0, sigma, (samples, 1, size))
        for sigma, size in zip(spread, (1, -(-channels // BANDS), channels), strict=True)
    )
    log_gain = window + np.repeat(axis, BANDS, axis=2)[:, :, :channels] + channel
    counts *= np.exp(log_gain).astype(np.float32)
    counts += rng.random(counts.shape, dtype=np.float32)
    return np.minimum(np.floor(counts, out=counts), MAX_EVENTS, out=counts)
