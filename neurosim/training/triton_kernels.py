"""Triton kernels of the LIF layer for GPUs: each program takes neurons of a sample through time.

The equations and the order of operations are those of `neurosim.training.kernels`; divisions are
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
from typing import Any

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable

from neurosim.errors import InputError
from neurosim.training import slopes
from neurosim.training.fused import Setting, not_finite
from neurosim.training.surrogates import CODES

MOST_SYNAPSES = 2
"""More are left to the torch loop."""

_PERIODIC, _STEP = tl.constexpr(slopes.PERIODIC_EXPONENTIAL), tl.constexpr(slopes.STEP_PWL)
_SIGMOID, _ATAN = tl.constexpr(slopes.SIGMOID), tl.constexpr(slopes.ATAN)
_TRIANGULAR = tl.constexpr(slopes.TRIANGULAR)
_PI, _ROOT_2_PI = tl.constexpr(math.pi), tl.constexpr(math.sqrt(2 * math.pi))
_SETTINGS: dict[str, Any] = {"enable_fp_fusion": False}


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
def _forward(
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
def _backward(
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


def lif(
    x: torch.Tensor,
    alpha: torch.Tensor,
    beta: torch.Tensor,
    bias: torch.Tensor,
    theta: torch.Tensor,
    setting: Setting,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Evolve a layer without recurrence; arguments and results are those of `fused.lif`."""
    return _LIF.apply(x, alpha, beta, bias, theta, setting)


class _LIF(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        alpha: torch.Tensor,
        beta: torch.Tensor,
        bias: torch.Tensor,
        theta: torch.Tensor,
        setting: Setting,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        samples, steps, currents = x.shape
        neurons = alpha.numel()
        v, i = (
            state.reshape(1, -1).expand(samples, -1).contiguous()
            for state in (setting.vmem, setting.isyn)
        )
        spikes = x.new_empty(samples, steps, neurons)
        trace, none = torch.empty_like(spikes), x.new_empty(0, 0, 0)
        v_after = torch.empty_like(spikes) if setting.record else none
        keep_i = setting.record or ctx.needs_input_grad[2]
        i_after = torch.empty_like(x) if keep_i else none
        end = torch.empty_like(v), torch.empty_like(i)
        noise = none if setting.noise is None else setting.noise.contiguous()
        grid, shape = _grid(samples, neurons, currents, beta)
        _forward[grid](
            x, alpha, beta, bias, theta, noise, v, i, spikes, trace, v_after, i_after, *end,
            *_strides(theta), float(setting.max_spikes), steps, neurons,
            NOISE=setting.noise is not None, KEEP_V=setting.record, KEEP_I=keep_i,
            **shape, **_SETTINGS,
        )  # fmt: skip
        if not bool(torch.isfinite(end[0].sum() + end[1].sum())):
            raise InputError(not_finite(x))
        setting.vmem, setting.isyn = end[0], end[1].reshape(samples, neurons, -1)
        setting.rate = spikes.mean()
        ctx.setting = setting
        ctx.save_for_backward(x, alpha, beta, theta, v, i, trace, i_after)
        ctx.set_materialize_grads(False)
        return spikes, v_after, i_after if setting.record else none

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by_outputs: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        x, alpha, beta, theta, v, i, trace, i_after = ctx.saved_tensors
        setting, needs = ctx.setting, ctx.needs_input_grad
        by_spikes, by_v, by_i = (None if g is None else g.contiguous() for g in by_outputs)
        by_spikes = torch.zeros_like(trace) if by_spikes is None else by_spikes
        recorded, none = setting.record, x.new_empty(0)
        given = [none if g is None or not recorded else g for g in (by_v, by_i)]
        each_t = needs[4] and theta.shape[1] > 1
        to_x, to_alpha, to_beta = torch.empty_like(x), torch.empty_like(v), torch.empty_like(i)
        to_bias = torch.empty_like(v)
        to_theta = torch.empty_like(trace) if each_t else torch.empty_like(v)
        grid, shape = _grid(len(x), alpha.numel(), x.shape[2], beta)
        _backward[grid](
            x, alpha, beta, theta, v, i, trace, i_after, by_spikes, *given,
            to_x, to_alpha, to_beta, to_bias, to_theta, *_strides(theta),
            float(setting.max_spikes), float(setting.window), x.shape[1], alpha.numel(),
            SURROGATE=CODES[setting.surrogate], BY_V=given[0].numel() > 0,
            BY_I=given[1].numel() > 0, TO_ALPHA=needs[1], TO_BETA=needs[2] and beta.numel() > 0,
            TO_THETA=needs[4], EACH_T=each_t, **shape, **_SETTINGS,
        )  # fmt: skip
        if needs[4]:
            to_theta = to_theta.reshape(len(x), -1, alpha.numel())
            to_theta = to_theta.sum(0, keepdim=True) if theta.shape[0] == 1 else to_theta
        return (
            to_x,
            to_alpha.sum(0) if needs[1] else None,
            to_beta.sum(0) if needs[2] and beta.numel() else None,
            to_bias.sum(0) if needs[3] else None,
            to_theta if needs[4] else None,
            None,
        )


def _strides(theta: torch.Tensor) -> tuple[int, int]:
    """Return by how much thresholds (1 or B, 1 or T, N) move on with a sample and a step."""
    return tuple(
        0 if size == 1 else stride
        for size, stride in zip(theta.shape[:2], theta.stride()[:2], strict=True)
    )  # type: ignore[return-value]


def _grid(
    samples: int, neurons: int, currents: int, beta: torch.Tensor
) -> tuple[tuple[int, int], dict[str, Any]]:
    """Return the programs and what all kernels are compiled for."""
    block = min(128, triton.next_power_of_2(neurons))
    settings = {"S": currents // neurons, "DELTA": beta.numel() == 0, "BLOCK": block}
    return (samples, triton.cdiv(neurons, block)), settings
