"""The two event encoders of the Xylo IMU front end (rockpool 3.1, `imuif.spike_encoder`)."""

from __future__ import annotations

import numpy as np

from neurosim.compiled import compiled

MAX_EVENTS = 15
"""Most events of a channel in one step: the counter has 4 bits."""


@compiled
def scale_events(bands, shift):
    """Return min(|y| >> shift, 15) events for each value y.

    Args:
        bands: (samples, time, channels) int32 filter outputs.
        shift: number of low bits dropped; the chip's default is 5.

    Returns:
        uint8 array of the same shape.
    """
    events = np.empty(bands.shape, np.uint8)
    for sample in range(bands.shape[0]):
        for step in range(bands.shape[1]):
            for channel in range(bands.shape[2]):
                magnitude = abs(np.int64(bands[sample, step, channel])) >> shift
                events[sample, step, channel] = min(magnitude, MAX_EVENTS)
    return events


def iaf_events(
    bands: np.ndarray, threshold: int, remainder: np.ndarray | None = None
) -> np.ndarray:
    """Return 1 where the running sum of |y| crosses a multiple of the threshold, else 0.

    Several multiples crossed in one step give one event; the sum loses all of them.

    Args:
        bands: (samples, time, channels) int32 filter outputs.
        threshold: positive integer; the chip's default is 1024.
        remainder: (samples, channels) int64, what the sums hold before the first step; left as it
            is after the last. Zeros if None.

    Returns:
        uint8 array of the same shape.
    """
    if remainder is None:
        remainder = np.zeros((bands.shape[0], bands.shape[2]), np.int64)
    return np.asarray(_iaf_events(bands, threshold, remainder))


@compiled
def _iaf_events(bands, threshold, remainders):
    """Encode; see `iaf_events`."""
    samples, steps, channels = bands.shape
    events = np.zeros(bands.shape, np.uint8)
    for sample in range(samples):
        remainder = remainders[sample]
        for step in range(steps):
            for channel in range(channels):
                total = remainder[channel] + abs(np.int64(bands[sample, step, channel]))
                if total >= threshold:
                    events[sample, step, channel] = 1
                remainder[channel] = total % threshold
    return events
