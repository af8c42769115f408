"""Numba kernels of the delta LIF layer: a whole (batch, time, neuron) array a call.

    u = decay v + c                                      (decay (u - theta s) + c in one line)
    s = 1 where u >= theta, else 0
    v = u - theta s (soft reset)  |  u (1 - s) (hard reset)

Neurons are taken in blocks that stay in cache over all steps. The membrane is nowhere written to
memory: the backward pass repeats the forward pass block by block. So a call moves as many bytes as
one of ReLU, which is what its time goes into. The rules for loops that vectorise are those of
`neurosim.snn.kernels.forward`. Shapes: B samples, T steps, N neurons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.snn.kernels.floats import exp2_of_negative, kernel, part, set_mode, start_flushing

ROOM = 32768
"""Floats of a block over all steps: a part of the second-level cache."""
_LOG2_E = float(np.log2(np.e))
_NONE = np.int32(0)


class Rule(NamedTuple):
    """What all neurons of a layer share; numbers of the float type of the arrays."""

    decay: np.floating
    """Of the membrane in a step."""
    slope: np.floating
    """a of the surrogate a sig (1 - sig), sig = 1 / (1 + exp(-a (u - theta)))."""
    hard: bool
    """Reset to zero, else by subtraction."""
    attached: np.floating
    """1: gradients pass through the spike in the reset; 0: they do not."""


def block_of(steps: int, neurons: int) -> int:
    """Return how many neurons of a sample are run through all steps together."""
    return min(max(ROOM // max(steps, 1), 64), 2048, neurons)


@part
def _fire(c, theta, rule, v, s):
    """Write the spikes s of a row with input c, and into v what the reset leaves; count spikes."""
    one, zero, count = c.dtype.type(1), c.dtype.type(0), _NONE
    if rule.hard:
        for n in range(c.size):
            u = v[n] * rule.decay + c[n]
            spike = one if u >= theta[n] else zero
            s[n] = spike
            v[n] = u * (one - spike)
            count += np.int32(spike)
    else:
        for n in range(c.size):
            u = v[n] * rule.decay + c[n]
            spike = one if u >= theta[n] else zero
            s[n] = spike
            v[n] = u - spike * theta[n]
            count += np.int32(spike)
    return count


@part
def _integrate(c, theta, rule, v, u):
    """Write the membrane u at the spike decision, and into v what the reset leaves."""
    one, zero = c.dtype.type(1), c.dtype.type(0)
    if rule.hard:
        for n in range(c.size):
            x = v[n] * rule.decay + c[n]
            u[n] = x
            v[n] = zero if x >= theta[n] else x
    else:
        for n in range(c.size):
            x = v[n] * rule.decay + c[n]
            u[n] = x
            v[n] = x - (one if x >= theta[n] else zero) * theta[n]


@part
def _clear(row):
    """Set a row to zero."""
    for n in range(row.size):
        row[n] = 0


@part
def _finite(row):
    """Return how many numbers of a row are finite."""
    most, count = row.dtype.type(np.finfo(row.dtype).max), _NONE
    for n in range(row.size):
        count += np.int32(abs(row[n]) <= most)
    return count


@part
def _copy(row, to):
    """Copy a row."""
    for n in range(to.size):
        to[n] = row[n]


@kernel
def forward(c, theta, rule, v, spikes, counts, room, b0, b1):
    """Write the spikes (B, T, N) of samples b0..b1 with input c (B, 1 or T, N).

    v (B, N) is the membrane before the first step and becomes that after the last; empty, it
    stands for rest. theta is (1 or B, 1 or T, N); counts (2, B) receives the spikes of each sample
    and how many of its neurons end finite; room is (1, block).
    """
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    block, each_c = room.shape[1], min(c.shape[1] - 1, 1)
    mode = start_flushing(True)
    for b in range(b0, b1):
        counts[0, b] = counts[1, b] = 0
        for n in range(0, c.shape[2], block):
            end = min(n + block, c.shape[2])
            now = room[0, : end - n]
            if v.size:
                now = v[b, n:end]
            else:
                _clear(now)
            for t in range(spikes.shape[1]):
                row, i = theta[b * each_b, t * each_t, n:end], c[b, t * each_c, n:end]
                counts[0, b] += _fire(i, row, rule, now, spikes[b, t, n:end])
            counts[1, b] += _finite(now)
    set_mode(mode)


@part
def _slope(x, a, in_bits, one):
    """Return a sig (1 - sig) for sig = 1 / (1 + exp(-a x)); in_bits is a log2(e)."""
    e = exp2_of_negative(-abs(x) * in_bits)
    return a * e / ((one + e) * (one + e))


@part
def _reverse(u, theta, by_s, rule, g_v, g_c):
    """Write the gradient by the input of a row; g_v goes from after the step to before it."""
    one, zero = u.dtype.type(1), u.dtype.type(0)
    in_bits = rule.slope * u.dtype.type(_LOG2_E)
    if rule.hard:
        for n in range(u.size):
            h = _slope(u[n] - theta[n], rule.slope, in_bits, one)
            kept = zero if u[n] >= theta[n] else one
            g = (by_s[n] - rule.attached * u[n] * g_v[n]) * h + g_v[n] * kept
            g_c[n] = g
            g_v[n] = g * rule.decay
    else:
        for n in range(u.size):
            h = _slope(u[n] - theta[n], rule.slope, in_bits, one)
            g = (by_s[n] - rule.attached * theta[n] * g_v[n]) * h + g_v[n]
            g_c[n] = g
            g_v[n] = g * rule.decay


@kernel
def backward(c, theta, by_spikes, rule, start, g_v, g_c, room, b0, b1):
    """Write the gradient g_c (B, T, N) by the input, last step first.

    start (B, N) is v before the first step. g_v (B, N) is the gradient by v after the last step,
    and becomes that by start. Both are empty where the layer starts from rest and its end is not
    used. room is (T + 2, block).
    """
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    steps, block, each_c = by_spikes.shape[1], room.shape[1], min(c.shape[1] - 1, 1)
    mode = start_flushing(True)
    for b in range(b0, b1):
        for n in range(0, c.shape[2], block):
            end = min(n + block, c.shape[2])
            v, g = room[steps, : end - n], room[steps + 1, : end - n]
            if start.size:
                _copy(start[b, n:end], v)
                g = g_v[b, n:end]
            else:
                _clear(v)
                _clear(g)
            for t in range(steps):
                row = theta[b * each_b, t * each_t, n:end]
                _integrate(c[b, t * each_c, n:end], row, rule, v, room[t, : end - n])
            for t in range(steps - 1, -1, -1):
                row, u = theta[b * each_b, t * each_t, n:end], room[t, : end - n]
                _reverse(u, row, by_spikes[b, t, n:end], rule, g, g_c[b, t, n:end])
    set_mode(mode)


@part
def _accumulate(u, theta, rule, rho, rate, gate):
    """Add the spikes of a row to rate and h rho to gate; then advance rho."""
    one, zero = u.dtype.type(1), u.dtype.type(0)
    in_bits = rule.slope * u.dtype.type(_LOG2_E)
    for n in range(u.size):
        h = _slope(u[n] - theta[n], rule.slope, in_bits, one)
        s = one if u[n] >= theta[n] else zero
        rate[n] += s
        gate[n] += h * rho[n]
        kept = one - s if rule.hard else one
        reset = u[n] if rule.hard else theta[n]
        rho[n] = one + rho[n] * rule.decay * (kept - rule.attached * reset * h)


@kernel
def rates(c, theta, rule, v, rho, rate, gate, spikes, counts, room, b0, b1):
    """Do as `forward`, and add spikes to rate and h rho to gate (B, N); room is (2, block).

    rho (B, N) is the derivative of the membrane by a constant input, 1 before the first step.
    """
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    block, each_c = room.shape[1], min(c.shape[1] - 1, 1)
    mode = start_flushing(True)
    for b in range(b0, b1):
        counts[0, b] = counts[1, b] = 0
        for n in range(0, c.shape[2], block):
            end = min(n + block, c.shape[2])
            before, u = room[0, : end - n], room[1, : end - n]
            for t in range(spikes.shape[1]):
                row, i = theta[b * each_b, t * each_t, n:end], c[b, t * each_c, n:end]
                _copy(v[b, n:end], before)
                _integrate(i, row, rule, before, u)
                counts[0, b] += _fire(i, row, rule, v[b, n:end], spikes[b, t, n:end])
                _accumulate(u, row, rule, rho[b, n:end], rate[b, n:end], gate[b, n:end])
            counts[1, b] += _finite(v[b, n:end])
    set_mode(mode)
