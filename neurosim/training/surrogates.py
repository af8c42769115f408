"""Surrogates: what a spike passes back in place of its derivative, which is zero or infinite.

| rockpool's function | derivative of the spikes s by the membrane v |
| --- | --- |
| PeriodicExponential | exp(-d / window) / theta; d is the distance of v from the nearest multiple of theta, from theta itself where v < theta, and from max_spikes * theta above that |
| StepPWL | 1 / theta where v >= theta - window, else 0 |

Both give the threshold -v / theta times that, beside what it gets through the reset.
Source: rockpool 3.1, nn/modules/torch/lif_torch.py.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable

import torch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential, StepPWL

from neurosim.training.kernels_backward import PERIODIC_EXPONENTIAL, STEP_PWL

CODES: dict[type[torch.autograd.Function], int] = {
    PeriodicExponential: PERIODIC_EXPONENTIAL,
    StepPWL: STEP_PWL,
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
    """Return the derivative of the spikes by v as rockpool's own code computes it, bit for bit.

    v and the result have shape (samples, time, neurons); theta broadcasts to it.
    """
    v = v.detach().requires_grad_()
    with torch.enable_grad():
        spikes = function.apply(v, theta.detach(), window, max_spikes)
    return torch.autograd.grad(spikes, v, torch.ones_like(spikes))[0]
