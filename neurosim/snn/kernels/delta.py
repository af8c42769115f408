"""The delta LIF layer on tensors (B, T, N): fused kernels on the CPU, a plain torch loop elsewhere.

    u_t = decay v_{t-1} + c_t,   s_t = H(u_t - theta),   v_t = u_t - theta s_t  (soft reset)
                                                             | u_t (1 - s_t)    (hard reset)

Backward, ds/du is h = a sig (1 - sig), sig = 1 / (1 + exp(-a (u - theta))).
Source: Yu et al., Advancing Training Efficiency of Deep Spiking Neural Networks through Rate-based
Backpropagation, NeurIPS 2024, arXiv 2410.11488, equations 1 to 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from neurosim.errors import InputError
from neurosim.snn.kernels import delta_kernels as kernels
from neurosim.snn.kernels.threads import share

Tensor = torch.Tensor


class Rule(NamedTuple):
    """What all neurons of a layer share."""

    decay: float
    slope: float
    """a of the surrogate."""
    hard: bool
    detached: bool
    """No gradient passes through the spike in the reset."""


@dataclass
class Rates:
    """What rate-based backpropagation keeps of a layer while time runs; all (B, N)."""

    rho: Tensor
    """Derivative of the membrane by a constant input; 1 before the first step."""
    rate: Tensor
    """Sum of the spikes."""
    gate: Tensor
    """Sum of h rho."""
    steps: int = 0

    @classmethod
    def start(cls, like: Tensor) -> Rates:
        """Return the state before the first step, for rows (B, N) of neurons."""
        return cls(torch.ones_like(like), torch.zeros_like(like), torch.zeros_like(like))


def evolve(c: Tensor, v: Tensor | None, theta: Tensor, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
    """Return spikes (B, T, N), membrane (B, N) after the last reset, and the mean of the spikes.

    Args:
        c: (B, T, N) input.
        v: (B, N) membrane at the start; None is rest, and then the kernels return no end.
        theta: (1 or B, 1 or T, 1 or N) threshold; gets no gradient.
        rule: the rest.

    Raises:
        InputError: a membrane is not finite at the end, which one input that was not leads to.
    """
    if not _fits(c):
        return plain(c, v, theta, rule)
    spikes, end, mean = _Delta.apply(c, c.new_empty(0, 0) if v is None else v, theta, rule)
    return spikes, end, mean


def plain(c: Tensor, v: Tensor | None, theta: Tensor, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
    """Do as `evolve`, in a loop of torch operations on any device."""
    v, series = torch.zeros_like(c[:, 0]) if v is None else v, []
    for c_t, theta_t in zip(c.unbind(1), _by_step(theta, c.shape[1]), strict=True):
        u = v * rule.decay + c_t
        s = _Spike.apply(u, theta_t, rule.slope)
        reset = s.detach() if rule.detached else s
        v = u * (1 - reset) if rule.hard else u - reset * theta_t
        series.append(s)
    _check(v, c)
    spikes = torch.stack(series, 1)
    return spikes, v, spikes.detach().mean()


def collect(
    c: Tensor, v: Tensor, theta: Tensor, rule: Rule, rates: Rates
) -> tuple[Tensor, Tensor, Tensor]:
    """Do as `evolve` without gradient, and advance the sums of rate-based backpropagation."""
    rates.steps += c.shape[1]
    if not _fits(c):
        return _collect_plain(c, v, theta, rule, rates)
    spikes, counts = c.new_empty(c.shape), np.empty((2, len(c)), np.int64)
    v = v.detach().clone(memory_format=torch.contiguous_format)
    arrays = [a.numpy() for a in (v, rates.rho, rates.rate, rates.gate, spikes)]
    fixed = _once(c.detach()).numpy(), _rows(theta, c), _typed(rule, c)

    def run(b0: int, b1: int) -> None:
        kernels.rates(*fixed, *arrays, counts, _room(2, c), b0, b1)

    share(run, len(c), c.numel())
    return spikes, v, _mean(counts, c)


def _collect_plain(
    c: Tensor, v: Tensor, theta: Tensor, rule: Rule, rates: Rates
) -> tuple[Tensor, Tensor, Tensor]:
    series = []
    with torch.no_grad():
        for c_t, theta_t in zip(c.unbind(1), _by_step(theta, c.shape[1]), strict=True):
            u = v * rule.decay + c_t
            s, h = (u >= theta_t).to(u), _derivative(u - theta_t, rule.slope)
            v = u * (1 - s) if rule.hard else u - s * theta_t
            rates.rate += s
            rates.gate += h * rates.rho
            kept = 1 - s if rule.hard else torch.ones_like(s)
            if not rule.detached:
                kept = kept - (u if rule.hard else theta_t) * h
            rates.rho = 1 + rates.rho * rule.decay * kept
            series.append(s)
    _check(v, c)
    spikes = torch.stack(series, 1)
    return spikes, v, spikes.mean()


class _Spike(torch.autograd.Function):
    """1 where u >= theta; backward the derivative of a sigmoid."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, theta: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(u, theta)
        ctx.slope = slope
        return (u >= theta).to(u)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_spikes: Tensor) -> tuple[Tensor | None, ...]:
        u, theta = ctx.saved_tensors
        return by_spikes * _derivative(u - theta, ctx.slope), None, None


class _Delta(torch.autograd.Function):
    """The layer as one node of the graph."""

    @staticmethod
    def forward(ctx: Any, c: Tensor, v: Tensor, theta: Tensor, rule: Rule) -> tuple[Tensor, ...]:
        end, once = v.clone(memory_format=torch.contiguous_format), _once(c)
        spikes, counts = c.new_empty(c.shape), np.empty((2, len(c)), np.int64)
        fixed = once.numpy(), _rows(theta, c), _typed(rule, c)
        to = end.numpy(), spikes.numpy(), counts

        def run(b0: int, b1: int) -> None:
            kernels.forward(*fixed, *to, _room(1, c), b0, b1)

        share(run, len(c), c.numel())
        mean = _mean(counts, c)
        ctx.save_for_backward(once, v, theta)
        ctx.rule, ctx.shape = rule, c.shape
        ctx.mark_non_differentiable(mean)
        ctx.set_materialize_grads(False)
        return spikes, end, mean

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, by_spikes: Tensor | None, by_end: Tensor | None, _: None
    ) -> tuple[Tensor | None, ...]:
        c, v, theta = ctx.saved_tensors
        by_spikes = c.new_zeros(ctx.shape) if by_spikes is None else by_spikes.contiguous()
        g_v = torch.zeros_like(v) if by_end is None else by_end.clone()
        g_c, rule = torch.empty_like(by_spikes), _typed(ctx.rule, c)
        fixed = c.numpy(), _rows(theta, c), by_spikes.numpy(), rule, v.contiguous().numpy()
        to = g_v.numpy(), g_c.numpy()

        def run(b0: int, b1: int) -> None:
            kernels.backward(*fixed, *to, _room(ctx.shape[1] + 2, g_c), b0, b1)

        share(run, len(c), g_c.numel())
        return g_c, g_v, None, None


def _once(c: Tensor) -> Tensor:
    """Return an input (B, T, N) for the kernels; (B, 1, N) if one step stands for all."""
    return c[:, :1].contiguous() if c.stride(1) == 0 else c.contiguous()


def _room(rows: int, c: Tensor) -> np.ndarray:
    """Return room for a thread to work in."""
    return np.empty((rows, kernels.block_of(*c.shape[1:])), _scalar(c))


def _fits(c: Tensor) -> bool:
    """Tell whether the kernels can do it."""
    return c.device.type == "cpu" and c.dtype in (torch.float32, torch.float64)


def _derivative(x: Tensor, slope: float) -> Tensor:
    sig = torch.sigmoid(slope * x)
    return slope * sig * (1 - sig)


def _by_step(theta: Tensor, steps: int) -> tuple[Tensor, ...]:
    """Return the threshold of each step."""
    return theta.expand(theta.shape[0], steps, theta.shape[2]).unbind(1)


def _rows(theta: Tensor, c: Tensor) -> np.ndarray:
    """Return the threshold as (1 or B, 1 or T, N) for the kernels."""
    rows: np.ndarray = theta.expand(*theta.shape[:2], c.shape[2]).contiguous().numpy()
    return rows


def _typed(rule: Rule, c: Tensor) -> kernels.Rule:
    scalar = _scalar(c)
    attached = scalar(not rule.detached)
    return kernels.Rule(scalar(rule.decay), scalar(rule.slope), rule.hard, attached)


def _scalar(c: Tensor) -> Any:
    return np.float32 if c.dtype == torch.float32 else np.float64


def _mean(counts: np.ndarray, c: Tensor) -> Tensor:
    """Return the mean of the spikes; refuse membranes that end without a finite value."""
    if (counts[1] < c.shape[2]).any():
        _refuse(c)
    return c.new_tensor(counts[0].sum() / max(c.numel(), 1))


def _check(v: Tensor, c: Tensor) -> None:
    """Refuse a membrane (B, N) that is not finite: spikes alone would hide it."""
    if not bool(torch.isfinite(v).all()):
        _refuse(c)


def _refuse(c: Tensor) -> None:
    where = torch.nonzero(~torch.isfinite(c))
    if not len(where):
        raise InputError("a membrane of a Spiking layer outgrew its float type; lower its input")
    b, t, n = where[0].tolist()
    raise InputError(
        f"input of a Spiking layer is {c[b, t, n].item()} at sample {b}, step {t}, neuron {n}; "
        "look for weights that are not finite, or lower the learning rate"
    )
