"""The LIF layer on a GPU as one node of torch's graph: Triton kernels forward and backward."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch.autograd.function import once_differentiable

from neurosim.errors import InputError
from neurosim.snn.kernels import triton_kernels
from neurosim.snn.kernels.fused import Setting, not_finite
from neurosim.snn.surrogates import CODES

_SETTINGS: dict[str, Any] = {"enable_fp_fusion": False}
"""Multiply-adds stay two roundings."""


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
        triton_kernels.forward[grid](
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
        by_states = [none if g is None or not recorded else g for g in (by_v, by_i)]
        each_t = needs[4] and theta.shape[1] > 1
        to_x, to_alpha, to_beta = torch.empty_like(x), torch.empty_like(v), torch.empty_like(i)
        to_bias = torch.empty_like(v)
        to_theta = torch.empty_like(trace) if each_t else torch.empty_like(v)
        grid, shape = _grid(len(x), alpha.numel(), x.shape[2], beta)
        triton_kernels.backward[grid](
            x, alpha, beta, theta, v, i, trace, i_after, by_spikes, *by_states,
            to_x, to_alpha, to_beta, to_bias, to_theta, *_strides(theta),
            float(setting.max_spikes), float(setting.window), x.shape[1], alpha.numel(),
            SURROGATE=CODES[setting.surrogate], BY_V=by_states[0].numel() > 0,
            BY_I=by_states[1].numel() > 0, TO_ALPHA=needs[1], TO_BETA=needs[2] and beta.numel() > 0,
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
