"""Resampling to the front end's 200 Hz of a recording that comes piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from neurosim.data.imu import RATE_HZ
from neurosim.data.windows import held_samples, resample

_HALF_FILTER = 10
"""Half of scipy's filter in samples of the slower rate: so far it looks back and ahead."""


def resample_stream(chunks: Iterable[np.ndarray], rate_hz: float) -> Iterator[np.ndarray]:
    """Resample a recording piece by piece, to the bits that `windows.resample` gives of the whole.

    The filter looks ahead, by 10 samples of the slower rate (0.2 s at 50 Hz): so much later comes
    what it gives. What is held from chunk to chunk are 20 such samples and a chunk.

    Args:
        chunks: (time, channels) that follow one another, any number of samples each.
        rate_hz: sampling rate of the recording.

    Yields:
        (time at 200 Hz, channels), of every chunk what is then certain; the rest at the end.

    Raises:
        InputError: as `windows.resample`.
    """
    from scipy.signal import resample_poly

    ratio = Fraction(RATE_HZ / rate_hz).limit_denominator(1000)
    up, down = ratio.numerator, ratio.denominator
    if ratio == 1:
        for chunk in chunks:
            yield resample(chunk, rate_hz)
        return
    reach = -(-_HALF_FILTER * max(up, down) // up) + 1  # in samples of the recording
    edge = held_samples(rate_hz, down)
    buffer: np.ndarray | None = None
    begin, done, samples = 0, edge * up // down, 0
    """Of the recording with held ends: the buffer's first sample, a multiple of `down`; steps at
    200 Hz that were given, or that are before the recording; samples so far, without the ends."""

    def given(stop: int) -> np.ndarray:
        """Return the steps from `done` to `stop`."""
        assert buffer is not None
        first = begin * up // down
        return resample_poly(buffer, up, down, axis=0)[done - first : stop - first]

    for chunk in chunks:
        if not len(chunk):
            continue
        samples += len(chunk)
        fresh = np.asarray(chunk, np.float64)
        if buffer is None:
            buffer = np.repeat(fresh[:1], edge, axis=0)
        buffer = np.concatenate((buffer, fresh))
        certain = max(done, (begin + len(buffer) - reach) * up // down)
        if certain > done:
            yield given(certain)
            done = certain
            needed = max(0, done * down // up - reach) // down * down
            buffer, begin = buffer[max(0, needed - begin) :], max(begin, needed)
    if buffer is not None:
        buffer = np.concatenate((buffer, np.repeat(buffer[-1:], edge, axis=0)))
        yield given(edge * up // down - (-samples * up // down))
