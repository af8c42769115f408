"""Removal of the sensor's slow rotation in the Xylo IMU front end, in its integer arithmetic.

Facts from rockpool 3.1 (`devices.xylo.syns63300.imuif.rotation`): a low pass tracks the 3 x 3
covariance of the signal; every `hold` steps a Jacobi iteration with a table of 64 angles in
[0, 45] degrees finds its principal axes; the signal is turned into these axes, at half its
amplitude. Axes keep their sign from one update to the next.

Why 64 bits suffice for signals below 2^15 in magnitude, where rockpool uses unbounded integers:
- The covariance is a running mean of products below 2^30; its accumulator stays below 2^(30+k).
- A Jacobi update rotates the off-diagonal elements by a table entry of norm below 1, so together
  they stay below sqrt(3) 2^30. The angle errs by one table row, which lets the Frobenius norm,
  at first at most 3 * 2^30, grow to at most 3.2 * 2^30: the chip's 32 bits hold it. Shifted left
  by 16 it fits in 2^49.
- A rotation matrix (units of 2^-31) keeps a spectral norm of at most 2^31 + 36: twelve products
  with matrices of norm <= 1, each rounded by at most 1 per element. So two of its columns have a
  scalar product below 2^63, and a turned signal is at most sqrt(3) 2^14 + 3 < 2^15.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.compiled import compiled

_ANGLES = 64
_LOW = 32
"""Rows of the table below 22.5 degrees, found by their tangent; the others by their cotangent."""
_BITS = 16
_ROUNDS = 4
_ONE = 2**31 - 1
"""The element 1 of a rotation matrix."""


def _angle_table() -> tuple[np.ndarray, ...]:
    """Return sin t, cos t, tan 2t (low rows), cot 2t (other rows), and the half-gain.

    All in units of 2^-16, cut towards zero; the half-gain of a row, 1 / (2 cos 2t) or for the
    other rows 1 / (2 sin 2t), says how far the row moves the diagonal elements apart.
    """
    angles = np.linspace(0, 45 / 180 * np.pi, _ANGLES)
    double = 2 * angles
    one = 2**_BITS
    floats = (
        (one - 1) * np.sin(angles),
        (one - 1) * np.cos(angles),
        one * np.tan(double[:_LOW]),
        one * (1 / np.tan(double[_LOW:])),
        one * (1 / (2 * np.concatenate((np.cos(double[:_LOW]), np.sin(double[_LOW:]))))),
    )
    sin, cos, tan2, cot2, half_gain = (table.astype(np.int64) for table in floats)
    return sin, cos, tan2, cot2, half_gain


_SIN, _COS, _TAN2, _COT2, _HALF_GAIN = _angle_table()


class Axes(NamedTuple):
    """What the removal of rotation remembers from step to step."""

    accumulator: np.ndarray
    """(samples, 3, 3) int64: the covariance times 2^averaging_shift."""
    rotation: np.ndarray
    """(samples, 3, 3) int64: the axes as columns."""
    steps: np.ndarray
    """(samples,) int64: steps until now."""

    @classmethod
    def fresh(cls, samples: int) -> Axes:
        """Return the state before the first step."""
        rotation = np.tile(np.eye(3, dtype=np.int64), (samples, 1, 1))
        return cls(np.zeros((samples, 3, 3), np.int64), rotation, np.zeros(samples, dtype=np.int64))


def remove_rotation(
    signal: np.ndarray, averaging_shift: int, hold: int, state: Axes | None = None
) -> np.ndarray:
    """Turn each sample's signal into its principal axes, the strongest first.

    An axis whose first direction is exactly orthogonal to its sensor axis (a signal that starts
    as exact zeros on some axes) gets sign 0 and stays silent for good: rockpool's model does so.

    Args:
        signal: (samples, time, 3) int64, magnitudes below 2^15.
        averaging_shift: the covariance averages over 2^averaging_shift steps.
        hold: steps between two updates of the axes.
        state: what the steps before have left, and left as these steps leave it; fresh if None.

    Returns:
        (samples, time, 3) int64, half the amplitude.
    """
    state = Axes.fresh(len(signal)) if state is None else state
    return np.asarray(_remove_rotation(signal, averaging_shift, hold, *state))


@compiled
def _remove_rotation(signal, averaging_shift, hold, accumulators, rotations, before):
    """Turn; see `remove_rotation`."""
    samples, steps, _ = signal.shape
    out = np.empty_like(signal)
    for sample in range(samples):
        accumulator, rotation = accumulators[sample], rotations[sample].copy()
        for step in range(steps):
            x = signal[sample, step]
            for i in range(3):
                for j in range(3):
                    leak = accumulator[i, j] >> averaging_shift
                    accumulator[i, j] += x[i] * x[j] - leak
            if (before[sample] + step) % hold == 0:
                rotation = _keep_signs(_principal_axes(accumulator >> averaging_shift), rotation)
            for i in range(3):
                turned = np.int64(0)
                for k in range(3):
                    turned += (rotation[k, i] * x[k]) >> 32
                out[sample, step, i] = turned
        rotations[sample] = rotation
        before[sample] += steps
    return out


@compiled
def _principal_axes(covariance):
    """Return the axes as columns, by descending variance; of equal ones the later axis first."""
    d = covariance.copy()
    axes = np.eye(3).astype(np.int64) * _ONE
    for _ in range(_ROUNDS):
        if d[0, 1] == 0 and d[0, 2] == 0 and d[1, 2] == 0:
            break
        _rotate_plane(d, axes, 0, 1, 2)
        _rotate_plane(d, axes, 0, 2, 1)
        _rotate_plane(d, axes, 1, 2, 0)
    ordered = np.empty_like(axes)
    for i in range(3):
        rank = 0
        for j in range(3):
            if d[j, j] > d[i, i] or (d[j, j] == d[i, i] and j > i):
                rank += 1
        ordered[:, rank] = axes[:, i]
    return ordered


@compiled
def _rotate_plane(d, axes, p, q, other):
    """Zero d[p, q] by a Jacobi rotation with the table's angle; changes d and axes in place."""
    a, b, c = d[p, p], d[p, q], d[q, q]
    if b == 0:
        return
    row = _find_angle(a, abs(b), c)
    sign = 1 if (b > 0) == (a >= c) else -1
    # 2b and a - c are the two legs of one triangle: the longer one gives the better half-gain.
    leg = 2 * b * sign if 2 * abs(b) > abs(a - c) else a - c
    apart = leg * _HALF_GAIN[row]
    middle = (a + c) << (_BITS - 1)
    d[p, p] = max((middle + apart) >> _BITS, 0)
    d[q, q] = max((middle - apart) >> _BITS, 0)
    d[p, q] = d[q, p] = 0

    cos, sin = _COS[row], sign * _SIN[row]
    u, v = d[p, other], d[q, other]
    d[p, other] = d[other, p] = (cos * u + sin * v) >> _BITS
    d[q, other] = d[other, q] = (cos * v - sin * u) >> _BITS
    for i in range(3):
        u, v = axes[i, p], axes[i, q]
        axes[i, p] = (cos * u + sin * v) >> _BITS
        axes[i, q] = (cos * v - sin * u) >> _BITS


@compiled
def _find_angle(a, b, c):
    """Return the table row t in [0, 45] degrees with tan 2t next to 2b / |a - c|; b > 0."""
    if a == c:
        return _ANGLES - 1
    across, along = 2 * b, abs(a - c)
    if across <= along:
        row = 0
        while row < _LOW and _TAN2[row] * along <= across << _BITS:
            row += 1
        return min(row, _LOW - 1)
    row = _LOW
    while row < _ANGLES - 1 and _COT2[row - _LOW] * across >= along << _BITS:
        row += 1
    return row


@compiled
def _keep_signs(axes, previous):
    """Return the axes, each with the sign of its scalar product with the previous one."""
    kept = np.empty_like(axes)
    for i in range(3):
        product = np.int64(0)
        for k in range(3):
            product += axes[k, i] * previous[k, i]
        kept[:, i] = axes[:, i] * np.sign(product)
    return kept
