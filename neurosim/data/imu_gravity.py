"""Gravity as events: which way is down. The bands begin at 1 Hz and see movement only.

Each axis x of the 16-bit signal goes through a low pass of one pole, whose factor is a shift, and
is counted in steps of g / EVENTS_PER_G, up and down apart:

    s[t] = s[t-1] + x[t] - (s[t-1] >> LOW_PASS_SHIFT)        (s starts at 0)
    g[t] = s[t] >> LOW_PASS_SHIFT
    events[+] = min(max(g, 0) // level, 15),  events[-] = min(max(-g, 0) // level, 15)

with level = max(1, round(scale 2^15 / EVENTS_PER_G)), scale as in `FrontEnd`. At 200 Hz the pole
1 - 2^-7 lies at 0.25 Hz (time constant 0.64 s). At rest g = x exactly, and s stays below 2^22.

The chip's own front end has no such channels. A microcontroller beside it computes them from the
sensor's samples: per axis and sample two additions, two shifts and a division by a constant, or at
most 15 comparisons, and sends the counts to the core as input events. In rockpool 3.1 one switch
(`imu_if_input_enable`) says whether the core listens to its front end or to events from outside;
where both at once are impossible the microcontroller computes the bands as well, which are three
products per band and sample.
"""

from __future__ import annotations

import numpy as np

from neurosim.compiled import compiled
from neurosim.data.imu_encoders import MAX_EVENTS

LOW_PASS_SHIFT = 7
EVENTS_PER_G = 8
"""Events a step of an axis that points straight down, or up."""
CHANNELS = 6
"""+x, -x, +y, -y, +z, -z."""


def level(scale: float) -> int:
    """Return the units of the 16-bit signal that one event stands for; see `FrontEnd.scale`."""
    return max(1, round(scale * 2**15 / EVENTS_PER_G))


def gravity_events(signal: np.ndarray, level: int, sums: np.ndarray | None = None) -> np.ndarray:
    """Return the events of gravity's direction, each sample from rest or from the given sums.

    Args:
        signal: (samples, time, 3) int64, magnitudes below 2^15.
        level: units of the signal that one event stands for, 1 or more.
        sums: (samples, 3) int64, what s holds before the first step; left as it is after the last.

    Returns:
        (samples, time, 6) uint8, at most 15: +x, -x, +y, -y, +z, -z.
    """
    if sums is None:
        sums = np.zeros((len(signal), signal.shape[2]), np.int64)
    return np.asarray(_gravity_events(signal, level, sums))


@compiled
def _gravity_events(signal, level, sums):
    """Encode; see `gravity_events`."""
    samples, steps, axes = signal.shape
    events = np.zeros((samples, steps, 2 * axes), np.uint8)
    for sample in range(samples):
        for axis in range(axes):
            total = sums[sample, axis]
            for step in range(steps):
                total += signal[sample, step, axis] - (total >> LOW_PASS_SHIFT)
                low = total >> LOW_PASS_SHIFT
                channel = 2 * axis + (1 if low < 0 else 0)
                events[sample, step, channel] = min(abs(low) // level, MAX_EVENTS)
            sums[sample, axis] = total
    return events
