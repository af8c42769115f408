"""Integer weights, thresholds and biases for the chip.

Every neuron has its own scale: multiplying what a neuron receives and its threshold by one number
changes nothing in its spikes. The scale of neuron j is as large as its 8-bit weights, its 16-bit
threshold and the swing of its 16-bit states allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.network import Network
from neurosim.xylo.swing import state_peaks

if TYPE_CHECKING:
    from neurosim.xylo.mapping import Mapped

HEADROOM = 1.5
"""Registers hold states this much larger than those seen in calibration."""

WEIGHT_MAX, STATE_MAX, SHIFT_MAX = 127, 32767, 8

MAY_LOSE_BITS = 0.1
"""Share of neurons that may give up weight resolution so that the others gain state resolution."""


def per_neuron(
    network: Network,
    mapped: Mapped,
    calibration: np.ndarray | None,
    max_threshold_scale: float,
) -> dict[str, Any]:
    """Return the integer arrays and weight shifts of a XyloSpec.

    The weight shift of a matrix is the largest that leaves most neurons their full 8 bits: states
    then use the upper bits of their registers, and the rounding of decays matters least.
    """
    peaks = state_peaks(network, calibration)
    hidden_peak, out_peak = np.concatenate(peaks[:-1]), peaks[-1]
    hidden_room = _room(hidden_peak, mapped.hidden["threshold"], max_threshold_scale)
    out_room = _room(out_peak, mapped.output["threshold"], max_threshold_scale)
    n_first = mapped.weights_in.shape[1]
    max_in = np.zeros(len(hidden_room))
    max_in[:n_first] = np.abs(mapped.weights_in).max(axis=(0, 2))
    max_rec = np.abs(mapped.weights_rec).max(axis=(0, 2))
    max_out = np.abs(mapped.weights_out).max(axis=0)
    shift_in, shift_rec = _shift(max_in, hidden_room), _shift(max_rec, hidden_room)
    shift_out = _shift(max_out, out_room)
    scale = np.minimum.reduce(
        [hidden_room, _by_weight(max_in, shift_in), _by_weight(max_rec, shift_rec)]
    )
    scale_out = np.minimum(out_room, _by_weight(max_out, shift_out))
    return {
        "weights_in": _round(mapped.weights_in * scale[None, :n_first, None] / 2**shift_in),
        "weights_rec": _round(mapped.weights_rec * scale[None, :, None] / 2**shift_rec),
        "weights_out": _round(mapped.weights_out * scale_out[None, :] / 2**shift_out),
        "weight_shift_in": shift_in,
        "weight_shift_rec": shift_rec,
        "weight_shift_out": shift_out,
        **_registers(mapped.hidden, scale, ""),
        **_registers(mapped.output, scale_out, "_out"),
    }


def _registers(neurons: dict[str, np.ndarray], scale: np.ndarray, suffix: str) -> dict[str, Any]:
    registers: dict[str, Any] = {
        f"threshold{suffix}": np.maximum(_round(neurons["threshold"] * scale), 1),
        f"bias{suffix}": _round(neurons["bias"] * scale),
        f"dash_mem{suffix}": neurons["dash_mem"],
        f"dash_syn{suffix}": neurons["dash_syn"],
    }
    if not suffix:
        registers["dash_syn_2"] = neurons["dash_syn_2"]
    return registers


def _room(peak: np.ndarray, threshold: np.ndarray, max_threshold_scale: float) -> np.ndarray:
    """Return the largest scale at which states and raised thresholds stay within 16 bits."""
    return STATE_MAX / np.maximum(HEADROOM * peak, threshold * max(max_threshold_scale, 1.0))


def _by_weight(largest: np.ndarray, shift: int) -> np.ndarray:
    """Return the scale at which a neuron's largest weight fills 8 bits; inf without weights."""
    with np.errstate(divide="ignore"):
        return np.where(largest > 0, WEIGHT_MAX * 2.0**shift / largest, np.inf)


def _shift(largest: np.ndarray, room: np.ndarray) -> int:
    """Return the largest weight shift at which few neurons lose weight bits to their states."""
    used = largest > 0
    if not used.any():
        return 0
    for shift in range(SHIFT_MAX, 0, -1):
        loses = _by_weight(largest, shift)[used] > room[used]
        if loses.mean() <= MAY_LOSE_BITS:
            return shift
    return 0


def _round(values: np.ndarray) -> np.ndarray:
    return np.rint(values).astype(np.int64)
