"""The 16-bit signal that the IMU front end of Xylo works on."""

from __future__ import annotations

import numpy as np

from neurosim.errors import InputError

_FULL_SCALE = 2**15


def quantise(acceleration: np.ndarray, scale: float) -> np.ndarray:
    """Return int(scale * acceleration * 2^15), cut towards zero, magnitudes below 2^15.

    Args:
        acceleration: (samples, time, 3) in g, or (time, 3).
        scale: what 1 g becomes, in units of the 16-bit full scale.

    Returns:
        int64 array of the same shape.

    Raises:
        InputError: wrong shape, a value that is not finite, or more than 16 bits: the chip's
            registers would wrap.
    """
    signal = np.asarray(acceleration)
    if signal.ndim not in (2, 3) or signal.shape[-1] != 3:
        raise InputError(
            f"acceleration has shape {signal.shape}; it needs (samples, time, 3) or (time, 3): "
            "pass the three accelerometer axes only"
        )
    if not (np.issubdtype(signal.dtype, np.floating) or np.issubdtype(signal.dtype, np.integer)):
        raise InputError(f"acceleration has dtype {signal.dtype}; give real numbers in g")
    counts = np.trunc(scale * signal.astype(np.float64) * _FULL_SCALE)
    if not np.isfinite(counts).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(counts))[0])
        raise InputError(
            f"acceleration{list(where)} is {signal[where]}; every value must be finite: "
            "interpolate gaps first"
        )
    if counts.size and np.abs(counts).max() >= _FULL_SCALE:
        flat = int(np.abs(counts).argmax())
        where = tuple(int(i) for i in np.unravel_index(flat, counts.shape))
        value = float(signal[where])
        largest = np.floor((_FULL_SCALE - 1) / _FULL_SCALE / abs(value) * 1e4) / 1e4
        raise InputError(
            f"acceleration{list(where)} (axis {'xyz'[where[-1]]}) is "
            f"{value:g} g, which overflows 16 bits at scale {scale:g}; use a scale <= {largest:g}"
        )
    return counts.astype(np.int64)
