"""Numba kernels of the leaky integrate-and-fire layer: a whole (batch, time, neuron) array a call.

Step order and rounding are those of rockpool's LIFTorch, operation by operation, so that spikes
and gradients can be compared to the last bit (no fast-math, hence no fused multiply-add):

    i = (i + x [+ recurrent]) * beta
    v = v * alpha + sum over synapses of i [+ noise] + bias
    s = min(floor(v / theta), limit) where v >= theta, else 0
    v = v - s * theta

Loops over neurons are innermost, and parts take arrays that share no memory: LLVM then vectorises.
A layer with one synapse per neuron and no noise or recurrence does a step in one loop, others do it
in several. Arrays that a call does not need have no elements. Kernels work on samples b0..b1 and
steps t0..t1 of their arguments, the span, so that threads can share a batch and a recurrent net can
go step by step.

Shapes: B samples, T steps, N neurons, S synapses per neuron, M = N * S currents (synapse fastest).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.snn.kernels.floats import kernel, part, reduction, set_mode, start_flushing


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
    """(M,) synaptic decay per step; empty: delta synapses, whose current is the step's input."""
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


@part
def add(row, to):
    """Add a row to another."""
    for k in range(to.size):
        to[k] += row[k]


@part
def copy(row, to):
    """Copy a row."""
    for k in range(to.size):
        to[k] = row[k]


@part
def _add_and_decay(x, beta, i):
    """Add input to the currents i (M,), which then decay."""
    for k in range(i.size):
        i[k] = (i[k] + x[k]) * beta[k]


@part
def _step(x, alpha, beta, bias, theta, limit, i, v, s):
    """Do a whole step of neurons with one synapse: write spikes s (N,)."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        current = (i[n] + x[n]) * beta[n]
        i[n] = current
        u = v[n] * alpha[n] + current + bias[n]
        spikes = min(np.floor(u / theta[n]), limit)
        spikes = spikes if u >= theta[n] else zero
        s[n] = spikes
        v[n] = u - spikes * theta[n]


@part
def _replayed_step(x, alpha, beta, bias, theta, limit, i, v, trace):
    """Do a whole step of neurons with one synapse: write the membrane at the decision."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        current = (i[n] + x[n]) * beta[n]
        i[n] = current
        u = v[n] * alpha[n] + current + bias[n]
        trace[n] = u
        spikes = min(np.floor(u / theta[n]), limit)
        spikes = spikes if u >= theta[n] else zero
        v[n] = u - spikes * theta[n]


@part
def _delta_step(x, alpha, bias, theta, limit, v, s):
    """Do a whole step of neurons with delta synapses."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        u = v[n] * alpha[n] + x[n] + bias[n]
        spikes = min(np.floor(u / theta[n]), limit)
        spikes = spikes if u >= theta[n] else zero
        s[n] = spikes
        v[n] = u - spikes * theta[n]


@part
def _replayed_delta_step(x, alpha, bias, theta, limit, v, trace):
    """Do a whole step of neurons with delta synapses: write the membrane at the decision."""
    zero = v.dtype.type(0)
    for n in range(v.size):
        u = v[n] * alpha[n] + x[n] + bias[n]
        trace[n] = u
        spikes = min(np.floor(u / theta[n]), limit)
        spikes = spikes if u >= theta[n] else zero
        v[n] = u - spikes * theta[n]


@reduction
def _total(spikes):
    """Return the sum of spikes (T * N,); whole numbers, which no order of adding changes."""
    total = spikes.dtype.type(0)
    for k in range(spikes.size):
        total += spikes[k]
    return total


@part
def _currents(x, recurrent, b, t, beta, i):
    """Bring the currents i (M,) of sample b to step t."""
    if not beta.size:
        copy(x[b, t], i)
        if recurrent.size:
            add(recurrent[b, t], i)
    elif recurrent.size:
        add(x[b, t], i)
        _add_and_decay(recurrent[b, t], beta, i)
    else:
        _add_and_decay(x[b, t], beta, i)


@part
def _integrate(v, i, alpha, bias, u):
    """Write into u (N,) the decayed membrane v (N,) plus the currents of its synapses plus bias."""
    synapses = i.size // v.size
    if synapses == 1:
        for n in range(v.size):
            u[n] = v[n] * alpha[n] + i[n] + bias[n]
    elif synapses == 2:
        for n in range(v.size):
            u[n] = v[n] * alpha[n] + (i[2 * n] + i[2 * n + 1]) + bias[n]
    else:
        for n in range(v.size):
            total = i[n * synapses]
            for k in range(n * synapses + 1, (n + 1) * synapses):
                total += i[k]
            u[n] = v[n] * alpha[n] + total + bias[n]


@part
def _fire(u, theta, limit, s, v):
    """Write the spikes s (N,) of membrane u (N,), and into v (N,) what the reset leaves."""
    zero = u.dtype.type(0)
    for n in range(u.size):
        count = min(np.floor(u[n] / theta[n]), limit)
        count = count if u[n] >= theta[n] else zero
        s[n] = count
        v[n] = u[n] - count * theta[n]


@kernel
def forward(flush, drive, neurons, v, i, u, spikes, flat, count, v_after, i_after, span):
    """Advance v (B, N) and i (B, M) over the steps and write the spikes (B, T, N).

    flat (B, T * N) is the same memory, whose sums are added to count (B,). Where v_after (B, T, N)
    and i_after (B, T, M) are not empty, the state at the end of every step is written there. flush
    turns subnormal numbers to zero; u (N,) is room to work in.
    """
    x, recurrent, noise = drive
    alpha, beta, bias, theta, limit, _ = neurons
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    alone = not recurrent.size and not noise.size
    simple, delta = alone and beta.size == alpha.size, alone and not beta.size
    b0, b1, t0, t1 = span
    mode = start_flushing(flush)
    for b in range(b0, b1):
        for t in range(t0, t1):
            row, s = theta[b * each_b, t * each_t], spikes[b, t]
            if simple:
                _step(x[b, t], alpha, beta, bias, row, limit, i[b], v[b], s)
            elif delta:
                _delta_step(x[b, t], alpha, bias, row, limit, v[b], s)
                copy(x[b, t], i[b])
            else:
                _currents(x, recurrent, b, t, beta, i[b])
                _integrate(v[b], i[b], alpha, noise[b, t] if noise.size else bias, u)
                if noise.size:
                    add(bias, u)
                _fire(u, row, limit, s, v[b])
            if v_after.size:
                copy(v[b], v_after[b, t])
                copy(i[b], i_after[b, t])
        count[b] += _total(flat[b, t0 * v.shape[1] : t1 * v.shape[1]])
    set_mode(mode)


@kernel
def replay(flush, drive, neurons, v, i, s, trace, span):
    """Fill the trace of samples b0..b1, repeating `forward` from the state v (B, N), i (B, M).

    The trace holds one sample per sample of the span; v and i are advanced, s (N,) is room.
    """
    x, recurrent, noise = drive
    alpha, beta, bias, theta, limit, _ = neurons
    trace_v, v_before, i_before = trace
    each_b, each_t = min(theta.shape[0] - 1, 1), min(theta.shape[1] - 1, 1)
    alone = not recurrent.size and not noise.size
    simple, delta = alone and beta.size == alpha.size, alone and not beta.size
    b0, b1, t0, t1 = span
    mode = start_flushing(flush)
    for b in range(b0, b1):
        if simple and not v_before.size:
            for t in range(t0, t1):
                row, u = theta[b * each_b, t * each_t], trace_v[b - b0, t]
                _replayed_step(x[b, t], alpha, beta, bias, row, limit, i[b], v[b], u)
            continue
        for t in range(t0, t1):
            row, u = theta[b * each_b, t * each_t], trace_v[b - b0, t]
            if v_before.size:
                copy(v[b], v_before[b - b0, t])
            if i_before.size:
                copy(i[b], i_before[b - b0, t])
                add(x[b, t], i_before[b - b0, t])
                if recurrent.size:
                    add(recurrent[b, t], i_before[b - b0, t])
            if simple:
                _replayed_step(x[b, t], alpha, beta, bias, row, limit, i[b], v[b], u)
                continue
            if delta:
                _replayed_delta_step(x[b, t], alpha, bias, row, limit, v[b], u)
                continue
            _currents(x, recurrent, b, t, beta, i[b])
            _integrate(v[b], i[b], alpha, noise[b, t] if noise.size else bias, u)
            if noise.size:
                add(bias, u)
            _fire(u, row, limit, s, v[b])
    set_mode(mode)
