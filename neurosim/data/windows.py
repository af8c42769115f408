"""From a recording at its own rate to windows of events at the front end's 200 Hz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from neurosim.data.imu import RATE_HZ, FrontEnd
from neurosim.errors import InputError
from neurosim.frozen import Frozen

STEPS = 512
"""Length of a window: 2.56 s at 200 Hz."""

HOP = 256
"""Steps from one window to the next: they overlap by half."""

LEAD_IN = 800
"""The first value stands for these 4 s before a recording, so that the filters, as on a chip that
has been running, have forgotten the step from nothing to gravity (the slowest to exp(-4 pi))."""

_FULL_SCALE = 1 - 2**-12
"""Somewhat less than the front end's, whatever rounding does."""

_EDGE_S = 0.5
"""Both ends of a recording are held this long for the resampling filter, which looks ahead."""


@dataclass(frozen=True, eq=False)
class Windows(Frozen):
    """Encoded windows with what they show and who made them."""

    raster: np.ndarray
    """(windows, steps, channels) uint8 event counts; 512 steps and 15 channels unless a set or its
    front end says otherwise."""
    labels: np.ndarray
    """(windows,) int64 class."""
    subjects: np.ndarray
    """(windows,) int64 number of the subject."""

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, mask: np.ndarray) -> Windows:
        """Return the windows of a boolean mask or an index array."""
        return Windows(self.raster[mask], self.labels[mask], self.subjects[mask])


def resample(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    """Return a signal at 200 Hz: polyphase resampling (scipy's resample_poly, Kaiser window).

    The signal is held at its ends, so that the offset of gravity makes no step there.

    Args:
        signal: (time, channels) at `rate_hz`.
        rate_hz: sampling rate of the signal; 200 / rate_hz must be a ratio of small integers.

    Returns:
        (ceil(time * 200 / rate_hz), channels).

    Raises:
        InputError: no channel axis, or a rate that is not positive.
    """
    from scipy.signal import resample_poly

    if np.ndim(signal) != 2:
        raise InputError(f"signal has shape {np.shape(signal)}; it needs (time, channels)")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise InputError(f"rate_hz is {rate_hz}; it must be positive")
    signal = np.asarray(signal, dtype=np.float64)
    ratio = Fraction(RATE_HZ / rate_hz).limit_denominator(1000)
    if ratio == 1 or not len(signal):
        return signal.copy()
    up, down = ratio.numerator, ratio.denominator
    edge = held_samples(rate_hz, down)
    held = np.pad(signal, ((edge, edge), (0, 0)), mode="edge")
    start = edge * up // down
    return resample_poly(held, up, down, axis=0)[start : start - (-len(signal) * up // down)]


def held_samples(rate_hz: float, down: int) -> int:
    """Return for how many samples both ends of a recording are held: a multiple of `down`.

    So the held ends are a whole number of steps at both rates.
    """
    return -(-int(_EDGE_S * rate_hz) // down) * down


def cut(signal: np.ndarray, steps: int = STEPS, hop: int = HOP) -> np.ndarray:
    """Return the whole windows (windows, steps, channels) of a signal (time, channels)."""
    if len(signal) < steps:
        return np.empty((0, steps, signal.shape[1]), signal.dtype)
    view = np.lib.stride_tricks.sliding_window_view(signal, steps, axis=0)
    return np.ascontiguousarray(view[::hop].swapaxes(1, 2))


def cut_stream(
    chunks: Iterable[np.ndarray], steps: int = STEPS, hop: int = HOP
) -> Iterator[np.ndarray]:
    """Cut what comes piece by piece into the windows that `cut` gives of the whole.

    Args:
        chunks: (time, channels) arrays that follow one another, such as the events that
            `FrontEnd.stream` yields; any number of steps each.
        steps: length of a window.
        hop: steps from the start of one window to that of the next, 1 or more.

    Yields:
        (windows, steps, channels) of every chunk that completes some: a raster that any engine
        runs. At most a chunk and a window are held at once.

    Raises:
        InputError: `steps` or `hop` is less than 1.
    """
    if min(steps, hop) < 1:
        raise InputError(f"windows of {steps} steps, every {hop}: both must be 1 or more")
    held: np.ndarray | None = None
    skipped = 0  # steps to leave out before the next window: hop may exceed a window
    for chunk in chunks:
        left_out = min(skipped, len(chunk))
        chunk, skipped = chunk[left_out:], skipped - left_out
        held = chunk if held is None else np.concatenate((held, chunk))
        complete = max(0, (len(held) - steps) // hop + 1)
        if complete:
            yield cut(held, steps, hop)
            skipped = max(0, complete * hop - len(held))
            held = held[complete * hop :]


def lead_in(signal: np.ndarray, steps: int = LEAD_IN) -> np.ndarray:
    """Return a signal (time, channels) with its first value held for some steps before it."""
    return np.concatenate((np.repeat(signal[:1], steps, axis=0), signal))


def saturate(acceleration: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Return an acceleration in g cut to what the front end's 16 bits hold, as a sensor cuts it."""
    most = _FULL_SCALE / front_end.scale
    inside = np.abs(acceleration).max(initial=0) <= most
    return acceleration if inside else np.clip(acceleration, -most, most)


def encode_recording(
    acceleration: np.ndarray, rate_hz: float, front_end: FrontEnd, *, saturating: bool = False
) -> np.ndarray:
    """Return the events of a whole recording, encoded in one go from a running front end.

    Args:
        acceleration: (time, 3) in g at `rate_hz`.
        rate_hz: sampling rate of the recording.
        front_end: what encodes it.
        saturating: cut what its 16 bits do not hold, instead of refusing it.

    Returns:
        (time at 200 Hz, channels) uint8, see `FrontEnd.channel_names`.

    Raises:
        InputError: as `FrontEnd.encode` and `resample`.
    """
    signal = resample(acceleration, rate_hz)
    if saturating:
        signal = saturate(signal, front_end)
    return front_end.encode(lead_in(signal))[LEAD_IN:]
