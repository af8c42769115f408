"""Numba kernels of the delta LIF layer: a whole (batch, time, neuron) array a call.

    u = decay v + c                                      (decay (u - theta s) + c in one line)
    s = 1 where u >= theta, else 0
    v = u - theta s (soft reset)  |  u (1 - s) (hard reset)

Neurons are taken in blocks that stay in cache over all steps. The rules for loops that vectorise
are those of `neurosim.training.kernels`. Shapes: B samples, T steps, N neurons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.training.floats import exp2_of_negative, kernel, part, set_mode, start_flushing

BLOCK = 2048
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


@part
def _advance(c, theta, rule, v, u, s):
    """Write membrane u and spikes s of a row, and into v what the reset leaves; count spikes."""
    one, zero, count = c.dtype.type(1), c.dtype.type(0), _NONE
    if rule.hard:
        for n in range(c.size):
            x = v[n] * rule.decay + c[n]
            spike = one if x >= theta[n] else zero
            u[n] = x
            s[n] = spike
            v[n] = x * (one - spike)
            count += np.int32(spike)
    else:
        for n in range(c.size):
            x = v[n] * rule.decay + c[n]
            spike = one if x >= theta[n] else zero
            u[n] = x
            s[n] = spike
            v[n] = x - spike * theta[n]
            count += np.int32(spike)
    return count


@kernel
def forward(c, theta, rule, v, u, spikes, counts, b0, b1):
    """Advance v (B, N) over all steps of samples b0..b1; write u and spikes (B, T, N).

    theta is (1 or B, 1 or T, N); counts (B,) receives the spikes of each sample.
    """
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    mode = start_flushing(True)
    for b in range(b0, b1):
        counts[b] = 0
        for n in range(0, c.shape[2], BLOCK):
            end = min(n + BLOCK, c.shape[2])
            for t in range(c.shape[1]):
                row = theta[b * each_b, t * each_t, n:end]
                counts[b] += _advance(
                    c[b, t, n:end], row, rule, v[b, n:end], u[b, t, n:end], spikes[b, t, n:end]
                )
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
def backward(u, theta, by_spikes, rule, g_v, g_c, b0, b1):
    """Write the gradient g_c (B, T, N) by the input, last step first.

    g_v (B, N) is the gradient by v after the last step, and becomes that by v before the first.
    """
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    mode = start_flushing(True)
    for b in range(b0, b1):
        for n in range(0, u.shape[2], BLOCK):
            end = min(n + BLOCK, u.shape[2])
            for t in range(u.shape[1] - 1, -1, -1):
                row = theta[b * each_b, t * each_t, n:end]
                _reverse(
                    u[b, t, n:end], row, by_spikes[b, t, n:end], rule, g_v[b, n:end],
                    g_c[b, t, n:end],
                )  # fmt: skip
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
def rates(c, theta, rule, v, u, rho, rate, gate, spikes, counts, b0, b1):
    """Do as `forward`, and add spikes to rate and h rho to gate (B, N); u is (B, 1, N) of room.

    rho (B, N) is the derivative of the membrane by a constant input, 1 before the first step.
    """
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    mode = start_flushing(True)
    for b in range(b0, b1):
        counts[b] = 0
        for n in range(0, c.shape[2], BLOCK):
            end = min(n + BLOCK, c.shape[2])
            for t in range(c.shape[1]):
                row = theta[b * each_b, t * each_t, n:end]
                counts[b] += _advance(
                    c[b, t, n:end], row, rule, v[b, n:end], u[b, 0, n:end], spikes[b, t, n:end]
                )
                _accumulate(
                    u[b, 0, n:end], row, rule, rho[b, n:end], rate[b, n:end], gate[b, n:end]
                )
    set_mode(mode)
