"""Surrogates: what a spike passes back in place of its derivative, which is zero or infinite.

| class | derivative of the spikes s by the membrane v |
| --- | --- |
| PeriodicExponential | exp(-d theta / w) / theta; rockpool's |
| StepPWL | 1 / theta where v >= theta - w, else 0; rockpool's |
| Sigmoid | f(d / w) / (w theta), f(y) = sig(y) (1 - sig(y)), sig(y) = 1 / (1 + exp(-y)) |
| ATan | the same with f(y) = 1 / (pi (1 + y^2)) |
| Triangular | the same with f(y) = max(0, 1 - abs(y)) |
| Gaussian | the same with f(y) = exp(-y^2 / 2) / sqrt(2 pi) |

d is the distance of v / theta from the nearest of 1, 2, ... max_spikes, where a spike is added, and
w the module's `learning_window`: in units of v for rockpool's, of the threshold for the others,
each of which integrates to one spike. All give the threshold -v / theta times that, beside what
it gets through the reset: spikes depend on v / theta.

Each can be the `spike_generation_fn` of LIF and of rockpool's LIFTorch. Sources: rockpool 3.1,
nn/modules/torch/lif_torch.py; Neftci, Mostafa and Zenke 2019, IEEE Signal Processing Magazine 36,
51, for surrogates; Fang et al. 2021, ICCV, for the arctangent; Esser et al. 2016, PNAS 113, 11441,
for the triangle; Yin, Corradi and Bohte 2021, Nature Machine Intelligence 3, 905, for the Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from neurosim.snn.kernels import slopes
from neurosim.snn.rockpool_modules import PeriodicExponential, StepPWL

Density = Callable[[torch.Tensor], torch.Tensor]


def _surrogate(name: str, density: Density, what: str) -> type[torch.autograd.Function]:
    """Return the spike function whose derivative has the shape f of a density at d / w >= 0."""

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(
            ctx: Any,
            v: torch.Tensor,
            theta: torch.Tensor,
            window: torch.Tensor,
            max_spikes: torch.Tensor,
        ) -> torch.Tensor:
            theta, window, most = (torch.as_tensor(a).to(v) for a in (theta, window, max_spikes))
            ctx.save_for_backward(v, theta)
            ctx.window, ctx.most = window, most
            return torch.minimum(torch.floor(v / theta), most) * (v >= theta)

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            v, theta = ctx.saved_tensors
            ratio = v / theta
            nearest = torch.minimum(torch.floor(ratio + 0.5).clamp(min=1.0), ctx.most)
            d = (ratio - nearest).abs()
            by_v = g * (density(d / ctx.window) / (ctx.window * theta))
            by_theta = (-by_v * ratio).sum_to_size(theta.shape) if ctx.needs_input_grad[1] else None
            return by_v, by_theta, None, None

    Spike.__name__ = Spike.__qualname__ = name  # by which copies and files find it
    Spike.__doc__ = f"The spike whose derivative is that of {what}."
    return Spike


def _logistic(y: torch.Tensor) -> torch.Tensor:
    e = torch.exp(-y)
    return e / (1 + e) ** 2


def _cauchy(y: torch.Tensor) -> torch.Tensor:
    return 1 / (math.pi * (1 + y * y))


def _triangle(y: torch.Tensor) -> torch.Tensor:
    return (1 - y).clamp(min=0.0)


def _normal(y: torch.Tensor) -> torch.Tensor:
    return torch.exp(-y * y / 2) / math.sqrt(2 * math.pi)


Sigmoid = _surrogate("Sigmoid", _logistic, "a logistic function")
ATan = _surrogate("ATan", _cauchy, "an arctangent")
Triangular = _surrogate("Triangular", _triangle, "two parabolas, a triangle")
Gaussian = _surrogate("Gaussian", _normal, "a normal distribution function")

CODES: dict[type[torch.autograd.Function], int] = {
    PeriodicExponential: slopes.PERIODIC_EXPONENTIAL,
    StepPWL: slopes.STEP_PWL,
    Sigmoid: slopes.SIGMOID,
    ATan: slopes.ATAN,
    Triangular: slopes.TRIANGULAR,
    Gaussian: slopes.GAUSSIAN,
}
"""Surrogates that the kernels know."""


def surrogate_of(spike_generation_fn: Callable) -> type[torch.autograd.Function] | None:
    """Return the class behind a rockpool module's `spike_generation_fn` if the kernels know it."""
    function = getattr(spike_generation_fn, "__self__", None)
    return function if function in CODES else None


def slope(
    function: type[torch.autograd.Function],
    v: torch.Tensor,
    theta: torch.Tensor,
    window: torch.Tensor,
    max_spikes: torch.Tensor,
) -> torch.Tensor:
    """Return the derivative of the spikes by v as the surrogate's torch code has it, bit for bit.

    v and the result have shape (samples, time, neurons); theta broadcasts to it.
    """
    v = v.detach().requires_grad_()
    with torch.enable_grad():
        spikes = function.apply(v, theta.detach(), window, max_spikes)
    return torch.autograd.grad(spikes, v, torch.ones_like(spikes))[0]
