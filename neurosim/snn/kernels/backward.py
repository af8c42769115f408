"""The backward pass of the LIF kernels; `neurosim.snn.kernels.forward` has the forward pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.snn.kernels.floats import kernel, part, set_mode, start_flushing
from neurosim.snn.kernels.forward import add, copy, replay
from neurosim.snn.kernels.slopes import (
    HANDED_IN,
    LOG2_E,
    PERIODIC_EXPONENTIAL,
    STEP_PWL,
    exponential_slope,
    slopes,
    through_step_pwl,
)


class ByOutputs(NamedTuple):
    """Gradients by what a layer returns, as they arrive.

    Those by the state are there where it was recorded, and have no elements elsewhere.
    """

    spikes: np.ndarray
    """(B, T, N)."""
    v: np.ndarray
    """(B, T, N) of the membrane, or empty."""
    i: np.ndarray
    """(B, T, M) of the current, or empty."""
    slope: np.ndarray
    """(B, T, N) derivative of spikes by v, for surrogate HANDED_IN, or empty."""


class ByInputs(NamedTuple):
    """Gradients by what a layer takes, to be computed: sums over time but for x, or empty."""

    x: np.ndarray
    """(B, T, M)."""
    alpha: np.ndarray
    """(B, N)."""
    beta: np.ndarray
    """(B, M)."""
    bias: np.ndarray
    """(B, N)."""
    theta: np.ndarray
    """(B, 1 or T, N)."""


@part
def _add_product(a, b, to):
    """Add the products of two rows to a third."""
    for k in range(to.size):
        to[k] += a[k] * b[k]


@part
def _through_slope(by_spikes, slope, theta, g_v, g_spike):
    """Pass gradients through a known derivative of the spikes by the membrane."""
    for n in range(theta.size):
        g = (by_spikes[n] - g_v[n] * theta[n]) * slope[n]
        g_spike[n] = g
        g_v[n] += g


@part
def _add_by_reset(v, theta, limit, g_v, to):
    """Add the gradient by theta that the reset v - s * theta gives."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        count = min(np.floor(v[n] / theta[n]), limit)
        to[n] -= g_v[n] * (count if v[n] >= theta[n] else zero)


@part
def _add_by_surrogate(v, theta, g_spike, to):
    """Add the gradient by theta that the surrogate gives: -v / theta times that by v."""
    for n in range(v.size):
        to[n] -= g_spike[n] * v[n] / theta[n]


@part
def _clear(row):
    """Set a row to zero."""
    for k in range(row.size):
        row[k] = row.dtype.type(0)


@part
def _to_currents(alpha, g_v, g_i):
    """Add the gradient by the membrane g_v (N,) to that of its currents; then its decay."""
    synapses = g_i.size // g_v.size
    if synapses == 1:
        for n in range(g_v.size):
            g_i[n] += g_v[n]
            g_v[n] *= alpha[n]
    elif synapses == 2:
        for n in range(g_v.size):
            g_i[2 * n] += g_v[n]
            g_i[2 * n + 1] += g_v[n]
            g_v[n] *= alpha[n]
    else:
        for n in range(g_v.size):
            for k in range(n * synapses, (n + 1) * synapses):
                g_i[k] += g_v[n]
            g_v[n] *= alpha[n]


@part
def _decay_to_input(beta, g_i, to):
    """Decay the gradient by the currents g_i (M,), which is then also that by the input."""
    for k in range(g_i.size):
        g_i[k] *= beta[k]
        to[k] = g_i[k]


@part
def _adjoint_step(by_spikes, slope, theta, alpha, beta, g_v, g_i, to):
    """Do a whole step of neurons with one synapse where only the gradient by x is wanted."""
    for n in range(g_v.size):
        g = g_v[n] + (by_spikes[n] - g_v[n] * theta[n]) * slope[n]
        by_x = (g_i[n] + g) * beta[n]
        g_v[n] = g * alpha[n]
        g_i[n] = by_x
        to[n] = by_x


@part
def _exponential_adjoint_step(by_spikes, v, theta, limit, window, alpha, beta, g_v, g_i, to):
    """Do `slopes` of PeriodicExponential and `_adjoint_step` at once."""
    rate, one = v.dtype.type(LOG2_E) / window, v.dtype.type(1)
    for n in range(g_v.size):
        slope = exponential_slope(v[n], theta[n], one / theta[n], limit, rate)
        g = g_v[n] + (by_spikes[n] - g_v[n] * theta[n]) * slope
        by_x = (g_i[n] + g) * beta[n]
        g_v[n] = g * alpha[n]
        g_i[n] = by_x
        to[n] = by_x


@part
def _delta_adjoint_step(by_spikes, slope, theta, alpha, g_v, to):
    """Do a whole step of neurons with delta synapses where only the gradient by x is wanted."""
    for n in range(g_v.size):
        g = g_v[n] + (by_spikes[n] - g_v[n] * theta[n]) * slope[n]
        g_v[n] = g * alpha[n]
        to[n] = g


@kernel
def backward(flush, surrogate, neurons, trace, by_outputs, by_inputs, g_v, g_i, room, span):
    """Compute the gradients by the inputs of `forward` over the steps of the span, last step first.

    g_v (B, N) and g_i (B, M) are the gradients by the state after the last step, and become those
    by the state before the first. The trace holds one sample per sample of the span. room (2, N)
    is to work in.
    """
    alpha, beta, _, theta, limit, window = neurons
    trace_v, v_before, i_before = trace
    by_spikes, by_v, by_i, slope = by_outputs
    to_x, to_alpha, to_beta, to_bias, to_theta = by_inputs
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    others = by_v.size + by_i.size + to_theta.size + to_bias.size + to_alpha.size + to_beta.size
    simple = flush and surrogate != HANDED_IN and others == 0 and beta.size <= alpha.size
    g_spike, steep = room[0], room[1]
    b0, b1, t0, t1 = span
    mode = start_flushing(flush)
    usual = simple and beta.size > 0 and surrogate == PERIODIC_EXPONENTIAL
    for b in range(b0, b1):
        if usual:
            for t in range(t1 - 1, t0 - 1, -1):
                row, to = theta[b * each_b, t * each_t], to_x[b, t]
                _exponential_adjoint_step(
                    by_spikes[b, t], trace_v[b - b0, t], row, limit, window, alpha, beta, g_v[b],
                    g_i[b], to,
                )  # fmt: skip
            continue
        for t in range(t1 - 1, t0 - 1, -1):
            v, row, by_s = trace_v[b - b0, t], theta[b * each_b, t * each_t], by_spikes[b, t]
            if simple:
                slopes(surrogate, v, row, limit, window, steep)
                if beta.size:
                    _adjoint_step(by_s, steep, row, alpha, beta, g_v[b], g_i[b], to_x[b, t])
                else:
                    _delta_adjoint_step(by_s, steep, row, alpha, g_v[b], to_x[b, t])
                continue
            if by_v.size:
                add(by_v[b, t], g_v[b])
            if to_theta.size:
                _add_by_reset(v, row, limit, g_v[b], to_theta[b, t * each_t])
            if surrogate == STEP_PWL:  # divides by theta, as rockpool does
                through_step_pwl(by_s, v, row, window, g_v[b], g_spike)
            elif surrogate == HANDED_IN:
                _through_slope(by_s, slope[b, t], row, g_v[b], g_spike)
            else:
                slopes(surrogate, v, row, limit, window, steep)
                _through_slope(by_s, steep, row, g_v[b], g_spike)
            if to_theta.size:
                _add_by_surrogate(v, row, g_spike, to_theta[b, t * each_t])
            if to_bias.size:
                add(g_v[b], to_bias[b])
            if to_alpha.size:
                _add_product(g_v[b], v_before[b - b0, t], to_alpha[b])
            if not beta.size:
                _clear(g_i[b])
            _to_currents(alpha, g_v[b], g_i[b])
            if by_i.size:
                add(by_i[b, t], g_i[b])
            if to_beta.size:
                _add_product(g_i[b], i_before[b - b0, t], to_beta[b])
            if beta.size:
                _decay_to_input(beta, g_i[b], to_x[b, t])
            else:
                copy(g_i[b], to_x[b, t])
    set_mode(mode)


@kernel
def replay_and_backward(
    flush, surrogate, drive, neurons, v, i, trace, by_outputs, by_inputs, g_v, g_i, room, span
):
    """Do `replay` and `backward` sample by sample, with a trace (1, T, ...) that stays in cache."""
    b0, b1, t0, t1 = span
    for b in range(b0, b1):
        one = b, b + 1, t0, t1
        replay(flush, drive, neurons, v, i, room[0], trace, one)
        backward(flush, surrogate, neurons, trace, by_outputs, by_inputs, g_v, g_i, room, one)
