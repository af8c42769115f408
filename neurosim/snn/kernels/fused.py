"""The fused LIF layer as one node of torch's graph: kernels forward, kernels backward."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from neurosim.errors import InputError
from neurosim.snn.kernels import backward as adjoint
from neurosim.snn.kernels import forward as kernels
from neurosim.snn.kernels import slopes
from neurosim.snn.kernels.folding import folded, samples_together
from neurosim.snn.kernels.threads import share
from neurosim.snn.surrogates import CODES, slope


@dataclass
class Setting:
    """What a layer's evolution needs besides tensors that can have gradients.

    State tensors are in and out: they hold the start before, and the end after the forward pass.
    """

    surrogate: type[torch.autograd.Function]
    window: torch.Tensor
    max_spikes: torch.Tensor
    exact: bool
    """Gradients to the last bit of rockpool's, for which torch evaluates the surrogate."""
    record: bool
    noise: torch.Tensor | None
    """(B, T, N), added to the membrane."""
    vmem: torch.Tensor
    """(N,) in, (B, N) out."""
    isyn: torch.Tensor
    """(N, S) in, (B, N, S) out."""
    spikes: torch.Tensor
    """(N,) in."""
    rate: torch.Tensor | None = None
    """Spikes per neuron and step, out; a detached scalar."""


def lif(
    x: torch.Tensor,
    recurrent: torch.Tensor | None,
    alpha: torch.Tensor,
    beta: torch.Tensor,
    bias: torch.Tensor,
    theta: torch.Tensor,
    setting: Setting,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Evolve a layer; all tensors contiguous, on the CPU and of one type, float32 or float64.

    Args:
        x: (B, T, M) synaptic input, M = N * S with the synapses of a neuron adjacent.
        recurrent: (N, M) recurrent weights, or None.
        alpha: (N,) membrane decay per step.
        beta: (M,) synaptic decay per step; empty for delta synapses.
        bias: (N,) added to the membrane each step.
        theta: (1 or B, 1 or T, N) threshold.
        setting: all else; its state is advanced.

    Raises:
        InputError: the state is not finite at the end, which one input that was not leads to.

    Returns:
        Spikes (B, T, N), and the recorded membrane (B, T, N) and currents (B, T, M) at the end of
        each step, which have no elements unless `setting.record`. All three pass gradients on.
    """
    together = 1 if recurrent is not None else samples_together(len(x), alpha.numel())
    if together > 1:
        return folded(_LIF.apply, together, x, alpha, beta, bias, theta, setting)
    spikes, vmem, isyn = _LIF.apply(x, recurrent, alpha, beta, bias, theta, setting)
    return spikes, vmem, isyn


def not_finite(x: torch.Tensor) -> str:
    """Say where the input is not finite, or that the constants are not."""
    where = torch.nonzero(~torch.isfinite(x))
    if not len(where):
        return "the state of a LIF layer is not finite; look for weights, bias or tau that are not"
    b, t, m = where[0].tolist()
    value = x[b, t, m].item()
    return (
        f"input of a LIF layer holds {value} (sample {b}, step {t}, synapse {m}); clean the data, "
        "or lower the learning rate if it was finite before"
    )


class _LIF(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        recurrent: torch.Tensor | None,
        alpha: torch.Tensor,
        beta: torch.Tensor,
        bias: torch.Tensor,
        theta: torch.Tensor,
        setting: Setting,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        samples, steps, currents = x.shape
        neurons = alpha.numel()
        start = setting.vmem, setting.isyn, setting.spikes
        spikes = x.new_empty(samples, steps, neurons)
        none = x.new_empty(0, 0, 0)
        v_after, i_after = (torch.empty_like(a) if setting.record else none for a in (spikes, x))
        feedback = none if recurrent is None else torch.empty_like(x)
        v, i = _spread(start[0], samples), _spread(start[1], samples)
        constants = _constants(alpha, beta, bias, theta, setting)
        drive = _drive(x, feedback, setting.noise)
        flush = not setting.exact
        count = x.new_zeros(samples)
        series = spikes, spikes.reshape(samples, steps * neurons), count, v_after, i_after
        outputs = [a.numpy() for a in series]
        state = v.numpy(), i.numpy()

        def run(b0: int, b1: int, t0: int = 0, t1: int = steps) -> None:
            room = np.empty_like(constants.bias)
            span = b0, b1, t0, t1
            kernels.forward(flush, drive, constants, *state, room, *outputs, span)

        if recurrent is None:
            share(run, samples, spikes.numel())
        else:
            before = _spread(start[2], samples)
            for t in range(steps):
                torch.mm(before, recurrent, out=feedback[:, t])
                run(0, samples, t, t + 1)
                before = spikes[:, t]
        if not math.isfinite(v.sum() + i.sum()):
            raise InputError(not_finite(x))
        setting.rate = count.sum() / max(1, spikes.numel())
        setting.vmem, setting.isyn = v, i.reshape(samples, neurons, currents // neurons)
        ctx.setting, ctx.start = setting, start
        ctx.save_for_backward(
            x, recurrent, alpha, beta, bias, theta, None if recurrent is None else spikes, feedback
        )
        ctx.set_materialize_grads(False)
        return spikes, v_after, i_after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by_outputs: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        return _Backward(ctx, *by_outputs).gradients()


class _Backward:
    """One backward pass of a layer."""

    def __init__(
        self,
        ctx: Any,
        by_spikes: torch.Tensor | None,
        by_v: torch.Tensor | None,
        by_i: torch.Tensor | None,
    ):
        x, self.recurrent, alpha, beta, bias, self.theta, self.spikes, feedback = ctx.saved_tensors
        self.x, self.setting, self.start, self.needs = (
            x,
            ctx.setting,
            ctx.start,
            ctx.needs_input_grad,
        )
        self.samples, self.steps, self.currents = x.shape
        self.neurons = alpha.numel()
        self.shape = (self.samples, self.steps, self.neurons)
        self.by_spikes = x.new_zeros(self.shape) if by_spikes is None else by_spikes.contiguous()
        none = x.new_empty(0, 0, 0)
        recorded = self.setting.record
        self.by_v = none if by_v is None or not recorded else by_v.contiguous()
        self.by_i = none if by_i is None or not recorded else by_i.contiguous()
        self.constants = _constants(alpha, beta, bias, self.theta, self.setting)
        self.drive = _drive(x, feedback, self.setting.noise)
        self.by_inputs = self._room_by_inputs()
        self.flush = not self.setting.exact
        # Gradients by the state after the last step.
        self.g_v = x.new_zeros(self.samples, self.neurons)
        self.g_i = x.new_zeros(self.samples, self.currents)
        self.v, self.i = (_spread(state, self.samples) for state in self.start[:2])

    def gradients(self) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients by all arguments of `_LIF.forward`."""
        code = CODES[self.setting.surrogate]
        if self.recurrent is None and not (self.setting.exact and code != slopes.STEP_PWL):
            share(lambda b0, b1: self._in_cache(code, b0, b1), self.samples, self.by_spikes.numel())
        else:
            self._in_memory(code)
        x, alpha, beta, bias, theta = self.by_inputs
        if theta.numel() and self.theta.shape[0] == 1:
            theta = theta.sum(0, keepdim=True)
        return (
            x,
            self._by_recurrent() if self.needs[1] else None,
            alpha.sum(0) if self.needs[2] else None,
            beta.sum(0) if self.needs[3] else None,
            bias.sum(0) if self.needs[4] else None,
            theta if self.needs[5] else None,
            None,
        )

    def _in_cache(self, code: int, b0: int, b1: int) -> None:
        """Repeat and reverse the forward pass sample by sample."""
        adjoint.replay_and_backward(
            self.flush, code, self.drive, self.constants, self.v.numpy(), self.i.numpy(),
            _arrays(kernels.Trace, self._trace(1)), self._by_outputs(), self._by_input_arrays(),
            self.g_v.numpy(), self.g_i.numpy(), self._room(), (b0, b1, 0, self.steps),
        )  # fmt: skip

    def _in_memory(self, code: int) -> None:
        """Repeat the forward pass into memory, where torch or matrix products can reach it."""
        trace = self._trace(self.samples)
        arrays = _arrays(kernels.Trace, trace)
        everything = (0, self.samples, 0, self.steps)
        state = self.v.numpy(), self.i.numpy()
        kernels.replay(
            self.flush, self.drive, self.constants, *state, self._room()[0], arrays, everything
        )
        steep = None
        if self.setting.exact and code != slopes.STEP_PWL:
            setting = self.setting
            steep = slope(
                setting.surrogate, trace[0], self.theta, setting.window, setting.max_spikes
            )
            code = slopes.HANDED_IN
        if self.recurrent is not None:
            self.by_spikes = self.by_spikes.clone()
        by_outputs, room = self._by_outputs(steep), self._room()
        g_state = self.g_v.numpy(), self.g_i.numpy()

        def run(b0: int, b1: int, t0: int, t1: int) -> None:
            adjoint.backward(
                self.flush, code, self.constants, arrays, by_outputs, self._by_input_arrays(),
                *g_state, room, (b0, b1, t0, t1),
            )  # fmt: skip

        if self.recurrent is None:
            run(*everything)
            return
        for t in range(self.steps - 1, -1, -1):
            run(0, self.samples, t, t + 1)
            if t:
                self.by_spikes[:, t - 1] += self.by_inputs[0][:, t] @ self.recurrent.T

    def _by_recurrent(self) -> torch.Tensor:
        """Return the gradient (N, M) by the recurrent weights."""
        before = torch.empty_like(self.spikes)
        before[:, 0] = self.start[2]
        before[:, 1:] = self.spikes[:, :-1]
        return before.reshape(-1, self.neurons).T @ self.by_inputs[0].reshape(-1, self.currents)

    def _room_by_inputs(self) -> tuple[torch.Tensor, ...]:
        """Return room for the gradients of `adjoint.ByInputs`."""
        new, (alpha, beta, bias, theta) = self.x.new_zeros, self.needs[2:6]
        by_theta = (self.samples, self.theta.shape[1], self.neurons)
        return (
            torch.empty_like(self.x),
            new((self.samples, self.neurons) if alpha else (0, 0)),
            new((self.samples, self.currents) if beta else (0, 0)),
            new((self.samples, self.neurons) if bias else (0, 0)),
            new(by_theta if theta else (0, 0, 0)),
        )

    def _by_input_arrays(self) -> adjoint.ByInputs:
        return _arrays(adjoint.ByInputs, self.by_inputs)

    def _by_outputs(self, steep: torch.Tensor | None = None) -> adjoint.ByOutputs:
        steep = self.x.new_empty(0, 0, 0) if steep is None else steep
        return _arrays(adjoint.ByOutputs, (self.by_spikes, self.by_v, self.by_i, steep))

    def _trace(self, samples: int) -> tuple[torch.Tensor, ...]:
        """Return room for the trace of some samples."""
        shape = (samples, self.steps)
        before = self.needs[2] or self.needs[3]
        decay = before and self.constants.beta.size
        return (
            self.x.new_empty(*shape, self.neurons),
            self.x.new_empty((*shape, self.neurons) if before else (0, 0, 0)),
            self.x.new_empty((*shape, self.currents) if decay else (0, 0, 0)),
        )

    def _room(self) -> np.ndarray:
        return self.x.new_empty(2, self.neurons).numpy()


def _arrays(kind: Any, tensors: tuple[torch.Tensor, ...]) -> Any:
    """Return tensors as a named tuple of the arrays that share their memory."""
    return kind(*(tensor.detach().numpy() for tensor in tensors))


def _constants(
    alpha: torch.Tensor,
    beta: torch.Tensor,
    bias: torch.Tensor,
    theta: torch.Tensor,
    setting: Setting,
) -> kernels.Neurons:
    rows = [a.detach().numpy() for a in (alpha, beta, bias, theta)]
    scalar = rows[0].dtype.type
    limit, window = scalar(setting.max_spikes), scalar(setting.window)
    return kernels.Neurons(rows[0], rows[1], rows[2], rows[3], limit, window)


def _drive(x: torch.Tensor, feedback: torch.Tensor, noise: torch.Tensor | None) -> kernels.Drive:
    noise = x.new_empty(0, 0, 0) if noise is None else noise
    return _arrays(kernels.Drive, (x, feedback, noise))


def _spread(state: torch.Tensor, samples: int) -> torch.Tensor:
    """Return a row (samples, values) of the state for each sample."""
    return state.reshape(1, -1).repeat(samples, 1)
