"""Numba kernels of the leaky integrate-and-fire layer: a whole (batch, time, neuron) array a call.

Step order and rounding are those of rockpool's LIFTorch, operation by operation, so that spikes
and gradients can be compared to the last bit (no fast-math, hence no fused multiply-add):

    i = (i + x [+ recurrent]) * beta
    v = v * alpha + sum over synapses of i [+ noise] + bias
    s = min(floor(v / theta), limit) where v >= theta, else 0
    v = v - s * theta

Loops over neurons are innermost and touch few arrays each, which is what lets LLVM vectorise them.
Arrays that a call does not need have no elements. Kernels work on samples b0..b1 and steps t0..t1
of their arguments, so that threads can share a batch and a recurrent net can go step by step.

Shapes: B samples, T steps, N neurons, S synapses per neuron, M = N * S currents (synapse fastest).
"""

from __future__ import annotations

import math
import platform
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

GIVEN, PERIODIC_EXPONENTIAL, STEP_PWL = 0, 1, 2
"""How a spike passes a gradient on: by slopes handed in, or by a surrogate evaluated here."""

# No reference counts (_nrt): they cost more than the arithmetic. Hence kernels allocate nothing.
_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
_PART = {**_OPTIONS, "forceinline": True}


class Drive(NamedTuple):
    """What enters a layer."""

    x: np.ndarray
    """(B, T, M) synaptic input."""
    recurrent: np.ndarray
    """(B, T, M) input from the layer's own spikes of the step before, or empty."""
    noise: np.ndarray
    """(B, T, N) added to the membrane, or empty."""


class Neurons(NamedTuple):
    """Constants of a layer, all of one float type."""

    alpha: np.ndarray
    """(N,) membrane decay per step."""
    beta: np.ndarray
    """(M,) synaptic decay per step."""
    bias: np.ndarray
    """(N,)."""
    theta: np.ndarray
    """(1 or B, 1 or T, N) threshold."""
    limit: np.floating
    """Most spikes in a step."""
    window: np.floating
    """Width of the surrogate."""


class Trace(NamedTuple):
    """What the backward pass reads; filled by `replay`."""

    v: np.ndarray
    """(B, T, N) membrane at the spike decision."""
    v_before: np.ndarray
    """(B, T, N) membrane before its decay, or empty where no parameter is trained."""
    i_before: np.ndarray
    """(B, T, M) current before its decay, or empty."""
    s: np.ndarray
    """(N,) room for the spikes of a step."""


class Given(NamedTuple):
    """Gradients that arrive from above."""

    spikes: np.ndarray
    """(B, T, N)."""
    v: np.ndarray
    """(B, T, N) of the recorded membrane, or empty."""
    i: np.ndarray
    """(B, T, M) of the recorded current, or empty."""
    slope: np.ndarray
    """(B, T, N) derivative of spikes by v, for surrogate GIVEN, or empty."""


class Wanted(NamedTuple):
    """Gradients to compute. All but x are sums over time, one row per sample, or empty."""

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


@intrinsic
def _float_of_bits(typing_context, bits):
    """Read an int32 as the float32 with these bits."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


# Subnormal numbers cost a hundred times the others, and gradients of quiet neurons end up there.
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_WORD = ir.IntType(32) if _X86 else ir.IntType(64)
_INT = types.uint32 if _X86 else types.uint64
# MXCSR: flush to zero, denormals are zero. ARM FPCR: FZ.
_FLUSH = np.uint32(0x8040) if _X86 else np.uint64(1 << 24)


@intrinsic
def _float_mode(typing_context):
    """Return this thread's floating-point control register."""

    def generate(context, builder, signature, arguments):
        if not _X86:
            get = _declare(builder, "llvm.aarch64.get.fpcr", _WORD, [])
            return builder.call(get, [])
        pointer = cgutils.alloca_once(builder, _WORD)
        get = _declare(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [pointer.type])
        builder.call(get, [pointer])
        return builder.load(pointer)

    return _INT(), generate


@intrinsic
def _set_float_mode(typing_context, mode):
    """Write this thread's floating-point control register."""

    def generate(context, builder, signature, arguments):
        if not _X86:
            put = _declare(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [_WORD])
            builder.call(put, arguments)
        else:
            pointer = cgutils.alloca_once_value(builder, arguments[0])
            put = _declare(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [pointer.type])
            builder.call(put, [pointer])
        return context.get_dummy_value()

    return types.void(_INT), generate


def _declare(builder, name, result, arguments):
    """Return LLVM's function of that name."""
    kind = ir.FunctionType(result, arguments)
    return cgutils.get_or_insert_function(builder.module, kind, name)


def exp_of_negative(x):
    """Return exp(x) for x <= 0."""
    return math.exp(x)


@overload(exp_of_negative, inline="always")
def _exp_of_negative(x):
    if x != types.float32:
        return lambda x: math.exp(x)
    # exp(x) = 2^k exp(r) with |r| <= ln(2)/2, Taylor to r^6 / 720: relative error below 3e-7.
    log2_e, half, least = np.float32(1.44269504), np.float32(0.5), np.float32(-87.0)
    ln2_high, ln2_low = np.float32(0.693359375), np.float32(-2.12194440e-4)
    c6, c5, c4, c3 = (np.float32(1 / math.factorial(n)) for n in (6, 5, 4, 3))
    one, exponent_bias, mantissa = np.float32(1.0), np.int32(127), np.int32(23)

    def polynomial(x):
        x = max(x, least)
        k = np.floor(x * log2_e + half)
        r = x - k * ln2_high - k * ln2_low
        p = (((((c6 * r + c5) * r + c4) * r + c3) * r + half) * r + one) * r + one
        return p * _float_of_bits((np.int32(k) + exponent_bias) << mantissa)

    return polynomial


@njit(**_PART)
def _add(row, to):
    """Add a row to another of the same length."""
    for k in range(to.size):
        to[k] += row[k]


@njit(**_PART)
def _copy(row, to):
    """Copy a row."""
    for k in range(to.size):
        to[k] = row[k]


@njit(**_PART)
def _multiply(row, to):
    """Multiply a row by another."""
    for k in range(to.size):
        to[k] *= row[k]


@njit(**_PART)
def _subtract_product(a, b, c, to):
    """Write a - b * c."""
    for k in range(to.size):
        to[k] = a[k] - b[k] * c[k]


@njit(**_PART)
def _integrate(v, i, alpha, beta):
    """Decay i (M,) and v (N,), and add the currents of its synapses to each membrane."""
    synapses = i.size // v.size
    for k in range(i.size):
        i[k] *= beta[k]
    if synapses == 1:
        for n in range(v.size):
            v[n] = v[n] * alpha[n] + i[n]
    elif synapses == 2:
        for n in range(v.size):
            v[n] = v[n] * alpha[n] + (i[2 * n] + i[2 * n + 1])
    else:
        for n in range(v.size):
            total = i[n * synapses]
            for k in range(n * synapses + 1, (n + 1) * synapses):
                total += i[k]
            v[n] = v[n] * alpha[n] + total


@njit(**_PART)
def _count(v, theta, limit, s):
    """Write the spikes s (N,) of membrane v (N,)."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        count = min(np.floor(v[n] / theta[n]), limit)
        s[n] = count if v[n] >= theta[n] else zero


@njit(**_PART)
def _reset(v, theta, s):
    """Take the spikes' thresholds off the membrane."""
    for n in range(v.size):
        v[n] -= s[n] * theta[n]


@njit(**_PART)
def _start(flush):
    """Flush subnormal numbers to zero from here on if asked to; return the mode to go back to."""
    mode = _float_mode()
    if flush:
        _set_float_mode(mode | _FLUSH)
    return mode


@njit(**_OPTIONS)
def forward(flush, drive, neurons, v, i, spikes, v_after, i_after, span):
    """Advance v (B, N) and i (B, M) over the steps and write the spikes (B, T, N).

    Where v_after (B, T, N) and i_after (B, T, M) are not empty, the state at the end of every
    step is written there. span is (b0, b1, t0, t1); flush turns subnormal numbers to zero.
    """
    x, recurrent, noise = drive
    alpha, beta, bias, theta, limit, _ = neurons
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    b0, b1, t0, t1 = span
    mode = _start(flush)
    for b in range(b0, b1):
        for t in range(t0, t1):
            _add(x[b, t], i[b])
            if recurrent.size:
                _add(recurrent[b, t], i[b])
            _integrate(v[b], i[b], alpha, beta)
            if noise.size:
                _add(noise[b, t], v[b])
            _add(bias, v[b])
            _count(v[b], theta[b * each_b, t * each_t], limit, spikes[b, t])
            _reset(v[b], theta[b * each_b, t * each_t], spikes[b, t])
            if v_after.size:
                _copy(v[b], v_after[b, t])
                _copy(i[b], i_after[b, t])
    _set_float_mode(mode)


@njit(**_OPTIONS)
def replay(flush, drive, neurons, v, i, trace, span):
    """Fill the trace of samples b0..b1, repeating `forward` from the state v (B, N), i (B, M).

    The trace holds one sample per sample of the span; v and i are advanced.
    """
    x, recurrent, noise = drive
    alpha, beta, bias, theta, limit, _ = neurons
    trace_v, v_before, i_before, s = trace
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    b0, b1, t0, t1 = span
    mode = _start(flush)
    for b in range(b0, b1):
        for t in range(t0, t1):
            _add(x[b, t], i[b])
            if recurrent.size:
                _add(recurrent[b, t], i[b])
            if v_before.size:
                _copy(v[b], v_before[b - b0, t])
                _copy(i[b], i_before[b - b0, t])
            _integrate(v[b], i[b], alpha, beta)
            if noise.size:
                _add(noise[b, t], v[b])
            _add(bias, v[b])
            _copy(v[b], trace_v[b - b0, t])
            _count(v[b], theta[b * each_b, t * each_t], limit, s)
            _reset(v[b], theta[b * each_b, t * each_t], s)
    _set_float_mode(mode)


@njit(**_PART)
def _through_periodic_exponential(v, theta, limit, window, g):
    """Multiply g (N,) by rockpool's PeriodicExponential: exp(-|d| / window) / theta.

    d is the distance of v from the nearest multiple of theta, from theta itself below it and
    from limit * theta above that.
    """
    half, one, zero = v.dtype.type(0.5), v.dtype.type(1), v.dtype.type(0)
    rate = one / window
    for n in range(v.size):
        per_theta = one / theta[n]
        u = v[n] * per_theta - half
        nearest = min(np.floor(u), limit - one)
        nearest = nearest if u >= half else zero
        d = abs(u - nearest - half) * theta[n]
        g[n] *= exp_of_negative(-d * rate) * per_theta


@njit(**_PART)
def _through_spike(surrogate, v, theta, limit, window, slope, g):
    """Turn the gradient g (N,) by spikes into the gradient by the membrane v (N,), in place."""
    if surrogate == PERIODIC_EXPONENTIAL:
        _through_periodic_exponential(v, theta, limit, window, g)
    elif surrogate == STEP_PWL:
        zero = v.dtype.type(0)
        for n in range(v.size):
            g[n] = g[n] / theta[n] if v[n] >= theta[n] - window else zero
    else:
        for n in range(v.size):
            g[n] *= slope[n]


@njit(**_PART)
def _add_product(a, b, to):
    """Add the products of two rows to a third."""
    for k in range(to.size):
        to[k] += a[k] * b[k]


@njit(**_PART)
def _add_by_threshold(v, theta, s, g_after, g_spike, to):
    """Add the gradient by theta: of the reset, and of the surrogate (-v / theta of that by v)."""
    for n in range(v.size):
        to[n] -= g_after[n] * s[n]
    for n in range(v.size):
        to[n] -= g_spike[n] * v[n] / theta[n]


@njit(**_PART)
def _add_to_currents(g_v, g_i):
    """Add the gradient by the membrane g_v (N,) to that of each of its currents g_i (M,)."""
    synapses = g_i.size // g_v.size
    if synapses == 1:
        for n in range(g_v.size):
            g_i[n] += g_v[n]
    elif synapses == 2:
        for n in range(g_v.size):
            g_i[2 * n] += g_v[n]
            g_i[2 * n + 1] += g_v[n]
    else:
        for n in range(g_v.size):
            for k in range(n * synapses, (n + 1) * synapses):
                g_i[k] += g_v[n]


@njit(**_OPTIONS)
def backward(flush, surrogate, neurons, trace, given, wanted, g_v, g_i, g_spike, span):
    """Compute the wanted gradients of `forward` over the steps of the span, last step first.

    g_v (B, N) and g_i (B, M) are the gradients by the state after the last step, and become those
    by the state before the first. The trace holds one sample per sample of the span. g_spike (N,)
    is room to work in.
    """
    alpha, beta, _, theta, limit, window = neurons
    trace_v, v_before, i_before, s = trace
    by_spikes, by_v, by_i, slopes = given
    to_x, to_alpha, to_beta, to_bias, to_theta = wanted
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    b0, b1, t0, t1 = span
    mode = _start(flush)
    for b in range(b0, b1):
        for t in range(t1 - 1, t0 - 1, -1):
            v, row = trace_v[b - b0, t], theta[b * each_b, t * each_t]
            if by_v.size:
                _add(by_v[b, t], g_v[b])
            _subtract_product(by_spikes[b, t], g_v[b], row, g_spike)
            slope = slopes[b, t] if slopes.size else g_spike
            _through_spike(surrogate, v, row, limit, window, slope, g_spike)
            if to_theta.size:
                _count(v, row, limit, s)
                _add_by_threshold(v, row, s, g_v[b], g_spike, to_theta[b, t * each_t])
            _add(g_spike, g_v[b])
            if to_bias.size:
                _add(g_v[b], to_bias[b])
            if to_alpha.size:
                _add_product(g_v[b], v_before[b - b0, t], to_alpha[b])
            _add_to_currents(g_v[b], g_i[b])
            if by_i.size:
                _add(by_i[b, t], g_i[b])
            if to_beta.size:
                _add_product(g_i[b], i_before[b - b0, t], to_beta[b])
            _multiply(beta, g_i[b])
            _copy(g_i[b], to_x[b, t])
            _multiply(alpha, g_v[b])
    _set_float_mode(mode)


@njit(**_OPTIONS)
def replay_and_backward(
    flush, surrogate, drive, neurons, v, i, trace, given, wanted, g_v, g_i, g_spike, span
):
    """Do `replay` and `backward` sample by sample, with a trace (1, T, ...) that stays in cache."""
    b0, b1, t0, t1 = span
    for b in range(b0, b1):
        one = b, b + 1, t0, t1
        replay(flush, drive, neurons, v, i, trace, one)
        backward(flush, surrogate, neurons, trace, given, wanted, g_v, g_i, g_spike, one)
