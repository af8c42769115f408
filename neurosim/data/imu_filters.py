"""The band-pass filter bank of the Xylo IMU front end, in the chip's integer arithmetic.

Facts from rockpool 3.1 (`devices.xylo.syns63300.imuif.filterbank`): each axis goes through five
first-order Butterworth band-passes b0 (1 - z^-2) / (1 + a1 z^-1 + a2 z^-2) at 200 Hz. The chip
holds a1 and a2 with 15 fractional bits and replaces b0 by the power of two above it, so a band's
gain at its centre is 1 to 1.23. Eight extra bits keep small signals out of the dead zone.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from neurosim.compiled import compiled

RATE_HZ = 200.0
"""The front end's fixed sampling rate."""

BANDS_HZ = ((1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (16.0, 32.0))
"""Pass bands of each axis; channel = 5 * axis + band."""

_TAP_BITS = 15
_EXTRA_BITS = 8


@cache
def taps() -> np.ndarray:
    """Return (5, 3) integers: a1 and a2 in units of 2^-15, and the shift that replaces b0."""
    from scipy.signal import butter

    rows = []
    for band in BANDS_HZ:
        b, a = butter(1, band, btype="bandpass", fs=RATE_HZ)
        a1, a2 = (int(tap * 2**_TAP_BITS) for tap in a[1:])
        rows.append((a1, a2, int(np.log2(1 / abs(b[0])))))
    table = np.array(rows, dtype=np.int64)
    table.flags.writeable = False
    return table


def band_pass(
    signal: np.ndarray,
    taps: np.ndarray,
    reversed_prefix: bool,
    registers: np.ndarray | None = None,
) -> np.ndarray:
    """Filter all samples, each from a zero state or from the given one.

    No register overflows: with inputs below 2^15 the recursive part stays below 2^27 (the sum of
    the absolute impulse response is at most 15.1 times 2^8), and the chip gives it 32 bits.

    Args:
        signal: (samples, time, 3) int64, magnitudes below 2^15.
        taps: what `taps` returns.
        reversed_prefix: run the time-reversed signal through the filters first, as rockpool does
            to shorten their transient; the result is then not causal.
        registers: (samples, 15, 2) int64, the two last values of the recursive part: what comes
            before the signal has left them so, and they are left as the signal leaves them.

    Returns:
        (samples, time, 15) int32.
    """
    if registers is None:
        registers = np.zeros((len(signal), signal.shape[2] * len(taps), 2), np.int64)
    return np.asarray(_band_pass(signal, taps, reversed_prefix, registers))


@compiled
def _band_pass(signal, taps, reversed_prefix, registers):
    """Filter; see `band_pass`."""
    samples, steps, axes = signal.shape
    bands = taps.shape[0]
    out = np.empty((samples, steps, axes * bands), np.int32)
    first = -steps if reversed_prefix else 0
    for sample in range(samples):
        for axis in range(axes):
            for band in range(bands):
                a1, a2, gain_shift = taps[band]
                feedback_shift = _TAP_BITS - gain_shift
                channel = axis * bands + band
                w1 = registers[sample, channel, 0]
                w2 = registers[sample, channel, 1]
                for step in range(first, steps):
                    x = signal[sample, step if step >= 0 else -step - 1, axis]
                    feedback = (-a2 * w2 - a1 * w1) >> feedback_shift
                    w = ((x << _EXTRA_BITS) + feedback) >> gain_shift
                    if step >= 0:
                        out[sample, step, channel] = (w - w2) >> _EXTRA_BITS
                    w2 = w1
                    w1 = w
                registers[sample, channel, 0] = w1
                registers[sample, channel, 1] = w2
    return out
