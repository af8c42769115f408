"""Triton kernels of the LIF layer for GPUs: each program takes neurons of a sample through time.

The equations and the order of operations are those of `neurosim.snn.kernels.forward`; divisions are
rounded to nearest and multiply-adds not contracted, so that spikes are the numba kernels' to the
last bit where the GPU's arithmetic is IEEE's. Work and memory are linear in the steps: the forward
pass keeps the membrane at each decision (and the currents where synaptic decays are trained),
which the backward pass reads from the last step to the first.

These kernels were run in Triton's interpreter only (TRITON_INTERPRET=1), where they equal the
numba kernels; they have not been compiled for, or timed on, a GPU.

Shapes: B samples, T steps, N neurons, S synapses per neuron, M = N * S currents (synapse fastest).
"""

from __future__ import annotations

import math

import triton
import triton.language as tl

from neurosim.snn.kernels import slopes

_PERIODIC, _STEP = tl.constexpr(slopes.PERIODIC_EXPONENTIAL), tl.constexpr(slopes.STEP_PWL)
_SIGMOID, _ATAN = tl.constexpr(slopes.SIGMOID), tl.constexpr(slopes.ATAN)
_TRIANGULAR = tl.constexpr(slopes.TRIANGULAR)
_PI, _ROOT_2_PI = tl.constexpr(math.pi), tl.constexpr(math.sqrt(2 * math.pi))


@triton.jit
def _divide(a, b):
    """Return a / b rounded to nearest, which `/` does not promise in float32."""
    if a.dtype == tl.float64:
        return a / b
    else:
        return tl.div_rn(a, b)


@triton.jit
def _spikes(u, theta, limit):
    """Return the spikes of a membrane."""
    return tl.where(u >= theta, tl.minimum(tl.floor(_divide(u, theta)), limit), 0.0)


@triton.jit
def _slope(u, theta, limit, window, SURROGATE: tl.constexpr):
    """Return the derivative of the spikes by the membrane, as `surrogates` states it."""
    if SURROGATE == _STEP:
        return tl.where(u >= theta - window, _divide(theta * 0 + 1, theta), 0.0)
    else:
        r = _divide(u, theta)
        nearest = tl.minimum(tl.maximum(tl.floor(r + 0.5), 1.0), limit)
        d = tl.abs(r - nearest)
        if SURROGATE == _PERIODIC:
            return tl.exp(-d * theta / window) / theta
        else:
            y = d / window
            if SURROGATE == _SIGMOID:
                e = tl.exp(-y)
                f = e / ((1 + e) * (1 + e))
            elif SURROGATE == _ATAN:
                f = 1 / (_PI * (1 + y * y))
            elif SURROGATE == _TRIANGULAR:
                f = tl.maximum(1 - y, 0.0)
            else:
                f = tl.exp(-y * y / 2) / _ROOT_2_PI
            return f / (window * theta)


@triton.jit
def _current(i, x, b, t, n, mask, beta, k, T, N, S: tl.constexpr, DELTA: tl.constexpr):
    """Return the current of synapse k of each neuron after step t."""
    at = x + ((b * T + t) * N + n) * S + k
    now = tl.load(at, mask=mask, other=0.0)
    if DELTA:
        return now
    else:
        return (i + now) * beta


@triton.jit
def forward(
    x, alpha, beta, bias, theta, noise, start_v, start_i, spikes, trace, v_after, i_after,
    end_v, end_i, theta_b, theta_t, limit, T, N,
    S: tl.constexpr, DELTA: tl.constexpr, NOISE: tl.constexpr, KEEP_V: tl.constexpr,
    KEEP_I: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Evolve BLOCK neurons of a sample."""
    b = tl.program_id(0).to(tl.int64)
    n = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = n < N
    v = tl.load(start_v + b * N + n, mask=mask, other=0.0)
    i0 = tl.load(start_i + (b * N + n) * S, mask=mask, other=0.0)
    i1 = tl.load(start_i + (b * N + n) * S + S - 1, mask=mask, other=0.0)
    decay = tl.load(alpha + n, mask=mask, other=0.0)
    b0, b1 = decay, decay
    if not DELTA:
        b0 = tl.load(beta + n * S, mask=mask, other=0.0)
        b1 = tl.load(beta + n * S + S - 1, mask=mask, other=0.0)
    constant = tl.load(bias + n, mask=mask, other=0.0)
    for t in range(T):
        i0 = _current(i0, x, b, t, n, mask, b0, 0, T, N, S, DELTA)
        total = i0
        if S == 2:
            i1 = _current(i1, x, b, t, n, mask, b1, 1, T, N, S, DELTA)
            total = i0 + i1
        at = (b * T + t) * N + n
        u = v * decay + total
        if NOISE:
            u += tl.load(noise + at, mask=mask, other=0.0)
        u += constant
        threshold = tl.load(theta + b * theta_b + t * theta_t + n, mask=mask, other=1.0)
        s = _spikes(u, threshold, limit)
        v = u - s * threshold
        tl.store(spikes + at, s, mask=mask)
        tl.store(trace + at, u, mask=mask)
        if KEEP_V:
            tl.store(v_after + at, v, mask=mask)
        if KEEP_I:
            tl.store(i_after + at * S, i0, mask=mask)
            if S == 2:
                tl.store(i_after + at * S + 1, i1, mask=mask)
    tl.store(end_v + b * N + n, v, mask=mask)
    tl.store(end_i + (b * N + n) * S, i0, mask=mask)
    if S == 2:
        tl.store(end_i + (b * N + n) * S + 1, i1, mask=mask)


@triton.jit
def _to_synapse(
    g_i, g_v, total, x, i_after, start_i, by_i, to_x, beta, b, t, n, k, mask, T, N,
    S: tl.constexpr, DELTA: tl.constexpr, BY_I: tl.constexpr, TO_BETA: tl.constexpr,
):  # fmt: skip
    """Pass the gradient by the membrane on to synapse k; return that by its current, and total."""
    at = ((b * T + t) * N + n) * S + k
    g = g_v
    if not DELTA:
        g += g_i
    if BY_I:
        g += tl.load(by_i + at, mask=mask, other=0.0)
    if TO_BETA:
        if t > 0:
            before = tl.load(i_after + at - N * S, mask=mask, other=0.0)
        else:
            before = tl.load(start_i + (b * N + n) * S + k, mask=mask, other=0.0)
        total += g * (before + tl.load(x + at, mask=mask, other=0.0))
    if not DELTA:
        g = g * beta
    tl.store(to_x + at, g, mask=mask)
    return g, total


@triton.jit
def backward(
    x, alpha, beta, theta, start_v, start_i, trace, i_after, by_spikes, by_v, by_i,
    to_x, to_alpha, to_beta, to_bias, to_theta, theta_b, theta_t, limit, window, T, N,
    S: tl.constexpr, DELTA: tl.constexpr, SURROGATE: tl.constexpr, BY_V: tl.constexpr,
    BY_I: tl.constexpr, TO_ALPHA: tl.constexpr, TO_BETA: tl.constexpr, TO_THETA: tl.constexpr,
    EACH_T: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Take the gradients of BLOCK neurons of a sample from the last step to the first."""
    b = tl.program_id(0).to(tl.int64)
    n = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = n < N
    decay = tl.load(alpha + n, mask=mask, other=0.0)
    b0, b1 = decay, decay
    if not DELTA:
        b0 = tl.load(beta + n * S, mask=mask, other=0.0)
        b1 = tl.load(beta + n * S + S - 1, mask=mask, other=0.0)
    g_v = decay * 0
    g_i0, g_i1, sum_alpha, sum_bias, sum_theta = g_v, g_v, g_v, g_v, g_v
    sum_beta0, sum_beta1 = g_v, g_v
    for back in range(T):
        t = T - 1 - back
        at = (b * T + t) * N + n
        u = tl.load(trace + at, mask=mask, other=0.0)
        threshold = tl.load(theta + b * theta_b + t * theta_t + n, mask=mask, other=1.0)
        if BY_V:
            g_v += tl.load(by_v + at, mask=mask, other=0.0)
        by_reset = g_v * _spikes(u, threshold, limit)
        g_s = tl.load(by_spikes + at, mask=mask, other=0.0) - g_v * threshold
        g_s = g_s * _slope(u, threshold, limit, window, SURROGATE)
        g_v += g_s
        if TO_THETA:
            by_theta = -by_reset - _divide(g_s * u, threshold)
            if EACH_T:
                tl.store(to_theta + at, by_theta, mask=mask)
            sum_theta += by_theta
        sum_bias += g_v
        if TO_ALPHA:
            if t > 0:
                last = tl.load(trace + at - N, mask=mask, other=0.0)
                row = theta + b * theta_b + (t - 1) * theta_t + n
                edge = tl.load(row, mask=mask, other=1.0)
                last = last - _spikes(last, edge, limit) * edge
            else:
                last = tl.load(start_v + b * N + n, mask=mask, other=0.0)
            sum_alpha += g_v * last
        g_i0, sum_beta0 = _to_synapse(
            g_i0, g_v, sum_beta0, x, i_after, start_i, by_i, to_x, b0, b, t, n, 0, mask, T, N,
            S, DELTA, BY_I, TO_BETA,
        )  # fmt: skip
        if S == 2:
            g_i1, sum_beta1 = _to_synapse(
                g_i1, g_v, sum_beta1, x, i_after, start_i, by_i, to_x, b1, b, t, n, 1, mask, T, N,
                S, DELTA, BY_I, TO_BETA,
            )  # fmt: skip
        g_v = g_v * decay
    tl.store(to_alpha + b * N + n, sum_alpha, mask=mask)
    tl.store(to_bias + b * N + n, sum_bias, mask=mask)
    tl.store(to_beta + (b * N + n) * S, sum_beta0, mask=mask)
    if S == 2:
        tl.store(to_beta + (b * N + n) * S + 1, sum_beta1, mask=mask)
    if TO_THETA and not EACH_T:
        tl.store(to_theta + b * N + n, sum_theta, mask=mask)
