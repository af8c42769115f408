"""The amplitude scale of the IMU front end, chosen from training recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurosim.data.imu import FrontEnd
from neurosim.data.windows import LEAD_IN, lead_in
from neurosim.errors import InputError

_FULL_SCALE = 1 - 2**-15

_HEADROOM = 2.0
"""Signals may come this much stronger than any seen before the 16-bit input overflows."""


def choose_scale(
    signals: Sequence[np.ndarray], front_end: FrontEnd | None = None, *, saturated: float = 0.01
) -> float:
    """Return the scale at which the encoder saturates in a given fraction of values.

    The filters are linear up to rounding, so one pass at a trial scale (with the lead-in of
    `windows.encode_recording`) gives the quantile of |y| that the scale must bring to the level
    where the encoder's count ends: 512 for "scale", the threshold for "IAF". The result is cut
    to two digits, and small enough that an acceleration twice as strong as the strongest given
    still fits 16 bits. Gravity's channels count in g whatever the scale: a front end without bands
    takes the largest that fits, and beside gravity the bands may be silent.

    Args:
        signals: (time, 3) accelerations in g at 200 Hz; those of the training subjects only.
        front_end: its other settings; the default front end when None.
        saturated: fraction of all (step, channel) values that may saturate, in (0, 1).

    Returns:
        The scale; `dataclasses.replace(front_end, scale=...)` uses it.

    Raises:
        InputError: no signal, nothing but rest for bands alone, or a fraction outside (0, 1).
    """
    if not 0 < saturated < 1:
        raise InputError(f"saturated is {saturated}; it is a fraction in (0, 1), e.g. 0.01")
    strongest = max((float(np.abs(s).max()) for s in signals if np.size(s)), default=0.0)
    if not (np.isfinite(strongest) and strongest > 0):
        raise InputError(
            f"signals reach {strongest} g at most; a scale needs finite accelerations that differ "
            "from zero"
        )
    trial = replace(front_end or FrontEnd(1.0), scale=_FULL_SCALE / (_HEADROOM * strongest))
    bands = [np.abs(trial.filter(lead_in(s))[LEAD_IN:]) for s in signals]
    level = float(np.quantile(np.concatenate(bands), 1 - saturated)) if trial.band_axes else 0.0
    if level < 1 and trial.channels == "bands":
        raise InputError(
            f"signals move in 1-32 Hz in less than {saturated:g} of their values; give recordings "
            "with movement, or a smaller `saturated`"
        )
    scale = min(trial.scale * trial.saturation_level / max(level, 1.0), trial.scale)
    digit = 10.0 ** (np.floor(np.log10(scale)) - 1)
    return float(np.round(np.floor(scale / digit + 1e-9) * digit, 12))
