"""Rate-based backpropagation: gradients of spiking nets from one pass that has no time.

Phase 1 runs the T steps without a graph and keeps of each neuron

    r = mean_t s_t,   g = mean_t h_t rho_t,   rho_1 = 1,
    rho_{t+1} = 1 + decay rho_t                                   (soft reset, detached)
              | 1 + decay rho_t (1 - theta h_t)                   (soft reset)
              | 1 + decay rho_t (1 - s_t)                         (hard reset, detached)
              | 1 + decay rho_t (1 - s_t - u_t h_t)               (hard reset)

where h is the surrogate derivative of a spike by the membrane u and rho that of u by a constant
input. Phase 2 is one pass with a graph, in which a neuron with input c has the value r and the
derivative g. Its time and memory do not depend on T.

Source: Yu et al., Advancing Training Efficiency of Deep Spiking Neural Networks through Rate-based
Backpropagation, NeurIPS 2024, arXiv 2410.11488.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from neurosim.errors import InputError
from neurosim.snn import spiking
from neurosim.snn.image_nets import MODES, ImageNet
from neurosim.snn.kernels import delta
from neurosim.snn.spiking import Spiking

Tensor = torch.Tensor
Forward = Callable[[Tensor], Tensor]


def forward(net: nn.Module, x: Tensor, *, mode: str | None = None) -> Tensor:
    """Return the readout (B, classes), the mean over time, with rate-based gradients.

        loss = torch.nn.functional.cross_entropy(rate_based.forward(net, images), labels)
        loss.backward()

    Where gradients are off there is no phase 2. Draws of `ThresholdSampler` and scales of
    `Homeostat` act as in any other forward pass; `mean_rate` of each layer is that of phase 1.

    Args:
        net: an `ImageNet`, or a module from series to series (B, T, ...) whose only memory is in
            `Spiking` layers, each in one place, and that draws nothing at random in a pass.
        x: what the net takes: (B, T, ...), or images (B, C, H, W) for an `ImageNet`.
        mode: "multi": layer by layer in phase 1, BatchNorm with statistics over all steps, memory
            of one layer's series; "single": step by step, BatchNorm with statistics of each step,
            memory independent of T. That of the net, or "multi", when left out.

    Raises:
        InputError: the mode or the net does not fit.
    """
    run: Forward = net.evolve if isinstance(net, ImageNet) else net
    series = net.series(x) if isinstance(net, ImageNet) else x
    mode = mode or getattr(net, "mode", "multi")
    if mode not in MODES:
        raise InputError(f"mode is {mode!r}; give 'multi' or 'single'")
    observers: dict[nn.Module, _LayerRates | _NormStatistics] = {
        layer: _LayerRates(layer, mode) for layer in spiking.layers(net)
    }
    if not observers:
        raise InputError(f"net {type(net).__name__} holds no Spiking layer")
    observers |= {norm: _NormStatistics(norm) for norm in _training_norms(net)}
    outputs = _observe(run, series, mode, observers)
    if not torch.is_grad_enabled():
        return outputs
    estimates = {module: observer.estimate() for module, observer in observers.items()}
    with spiking.replaced(estimates):
        return run(series.mean(1, keepdim=True)).squeeze(1)


@torch.no_grad()
def _observe(run: Forward, series: Tensor, mode: str, observers: dict[nn.Module, Any]) -> Tensor:
    """Do phase 1; return the mean output over time."""
    parts = [series] if mode == "multi" else series.split(1, 1)
    with spiking.replaced({module: observer.observe for module, observer in observers.items()}):
        totals = [run(part).sum(1) for part in parts]
    return torch.stack(totals).sum(0) / series.shape[1]


def _training_norms(net: nn.Module) -> list[BatchNorm]:
    """Return the BatchNorms that take their statistics from the batch."""
    return [
        module
        for module in nn.Module.modules(net)
        if isinstance(module, BatchNorm) and (module.training or module.running_mean is None)
    ]


@dataclass
class _LayerRates:
    """What phase 1 observes of a spiking layer: sums for its rate and its derivative."""

    layer: Spiking
    mode: str
    v: Tensor | None = None
    """(B, N) membrane."""
    sums: delta.Rates = field(init=False)

    def observe(self, c: Tensor) -> Tensor:
        """Stand in for the layer's forward pass; go on from the last call."""
        layer, flat, single = self.layer, self.layer.flat(c), self.mode == "single"
        if self.v is None:
            self.v = flat.new_zeros(len(flat), flat.shape[2])
            self.sums = delta.Rates.start(self.v)
        elif not single:
            raise InputError(
                "a Spiking layer is called twice in a pass; give each place one of its own"
            )
        t = self.sums.steps
        theta = layer.theta(flat, t if single else None)
        spikes, self.v, rate = delta.collect(flat, self.v, theta, layer.rule, self.sums)
        layer.keep(rate, t)
        return spikes.reshape(c.shape)

    def estimate(self) -> Forward:
        """Return the layer's forward pass of phase 2, (B, 1, ...) to (B, 1, ...)."""
        steps = self.sums.steps
        rate, gate = self.sums.rate / steps, self.sums.gate / steps
        del self.sums, self.v

        def forward(c: Tensor) -> Tensor:
            rates: Tensor = _Rate.apply(c, rate.reshape(c.shape), gate.reshape(c.shape))
            return rates

        return forward


@dataclass
class _NormStatistics:
    """What phase 1 observes of a BatchNorm in training: statistics of a batch, or of each step."""

    norm: Any
    passes: int = 0
    scale: Tensor | float = 0.0
    """(C,) sum of 1 / deviation over the passes."""
    shift: Tensor | float = 0.0
    """(C,) sum of mean / deviation."""

    def observe(self, x: Tensor) -> Tensor:
        """Stand in for the forward pass of training (B, C, ...), running statistics included."""
        norm = self.norm
        y, mean, scale = torch.native_batch_norm(
            x, norm.weight, norm.bias, norm.running_mean, norm.running_var, True,
            self._momentum(), norm.eps,
        )  # fmt: skip
        self.passes += 1
        self.scale, self.shift = self.scale + scale, self.shift + mean * scale
        return y

    def estimate(self) -> Forward:
        """Return the forward pass of phase 2.

        Its input is the mean over time. The mean over a batch and over time is then the mean over
        the batch, and how both it and the variance move when inputs move for all of time is known
        from the batch alone: those are the derivatives, the values are from phase 1.
        """
        norm, scale = self.norm, self.scale / self.passes
        mean = self.shift / self.passes / scale

        def forward(x: Tensor) -> Tensor:
            shape = (1, -1, *[1] * (x.ndim - 2))
            over = [k for k in range(x.ndim) if k != 1]
            variance, centre = torch.var_mean(x, over, correction=0)
            weight = scale - scale**3 / 2 * (variance - variance.detach())
            if norm.weight is not None:
                weight = weight * norm.weight
            y = (x - (mean + centre - centre.detach()).reshape(shape)) * weight.reshape(shape)
            return y if norm.bias is None else y + norm.bias.reshape(shape)

        return forward

    def _momentum(self) -> float:
        """Count the batch; return the weight of it in the running statistics."""
        norm = self.norm
        if norm.num_batches_tracked is None:
            return 0.0
        norm.num_batches_tracked.add_(1)
        if norm.momentum is None:  # torch's word for the plain mean of all batches
            return 1 / float(norm.num_batches_tracked)
        return float(norm.momentum)


class _Rate(torch.autograd.Function):
    """The value rate with the derivative gate by c."""

    @staticmethod
    def forward(ctx: Any, c: Tensor, rate: Tensor, gate: Tensor) -> Tensor:
        ctx.save_for_backward(gate)
        return rate.view_as(rate)

    @staticmethod
    def backward(ctx: Any, by_rate: Tensor) -> tuple[Tensor | None, ...]:
        return by_rate * ctx.saved_tensors[0], None, None


def agreement(net: ImageNet, x: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the cosines between both gradients of the cross-entropy of a batch.

    They are near 1 where gradients from above hardly change over the steps and do not go with the
    spikes that they multiply: in shallow nets, and the more the longer T. The net stays as it is.

    Args:
        net: weights, and T for images.
        x: images (B, C, H, W) or series (B, T, C, H, W).
        labels: (B,) classes.

    Returns:
        The cosine of each parameter by name, and of all together as "all".
    """
    both = [
        _gradients(net, lambda one: one(x).mean(1), labels),
        _gradients(net, lambda one: forward(one, x), labels),
    ]
    cosines = {name: _cosine(both[0][name], both[1][name]) for name, _ in net.named_parameters()}
    cosines["all"] = _cosine(*(torch.cat(list(gradients.values())) for gradients in both))
    return cosines


def _gradients(
    net: ImageNet, logits: Callable[[ImageNet], Tensor], labels: Tensor
) -> dict[str, Tensor]:
    """Return the gradient of each parameter as a row."""
    one = copy.deepcopy(net)
    one.zero_grad()
    functional.cross_entropy(logits(one), labels).backward()
    zero = torch.zeros(1)
    return {
        name: zero.expand(p.numel()) if p.grad is None else p.grad.flatten()
        for name, p in one.named_parameters()
    }


def _cosine(a: Tensor, b: Tensor) -> float:
    return torch.cosine_similarity(a, b, dim=0).item()
