"""Spiking: delta LIF neurons of any shape, for convolutional and dense nets of plain torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch

from neurosim.errors import InputError
from neurosim.snn.kernels import delta
from neurosim.snn.threshold_axes import three_axes

RESETS = ("soft", "hard")


class State(NamedTuple):
    """Where a layer stands between two steps."""

    v: torch.Tensor
    """(B, ...) membrane after the reset."""
    t: int
    """Steps done."""


class Spiking(torch.nn.Module):
    """A layer of leaky integrate-and-fire neurons with current straight onto the membrane.

        u_t = decay (u_{t-1} - theta s_{t-1}) + c_t,   s_t = H(u_t - theta),   u_0 = s_0 = 0

    A hard reset puts u to 0 instead. Backward, the derivative of a spike is that of a sigmoid,
    a sig (1 - sig) with sig = 1 / (1 + exp(-a (u - theta))). Every call starts from rest. On the
    CPU in float32 and float64 a call runs in numba kernels; elsewhere in a torch loop. Both are
    linear in the steps.

    For images and dense nets of plain torch. `LIF(synapse=False)` is for rockpool's nets, with what
    these neurons lack: several spikes a step, a leak for each neuron, bias, noise, recurrence and
    other surrogates. With one decay, a bias of 0 and at most one spike its spikes are these to the
    last bit, and with `Sigmoid` of learning_window 1 / (a theta) its gradients are those of
    `detached=False` within rounding. There are two because it cannot reset to zero, and because
    these kernels keep a block of neurons in cache over all steps, which large images need.

    Source: Yu et al., NeurIPS 2024, arXiv 2410.11488, equations 1 to 3, and its decay, threshold
    and slope.

    Args:
        decay: of the membrane in a step, 0..1.
        threshold: theta, a number or a tensor (N,), N the neurons of a sample.
        reset: "soft", by subtraction, or "hard", to zero.
        detached: no gradient passes through the spike in the reset.
        slope: a.

    Raises:
        InputError: a setting is wrong.
    """

    threshold_scale: float | torch.Tensor
    """Factor on the thresholds; neither a parameter nor saved.

    A number, (N,), or three axes that broadcast to samples, steps and neurons (B, T, N)."""
    mean_rate: torch.Tensor | None
    """Spikes per neuron and step of the last call, a detached scalar."""
    size_out: int
    """Neurons of a sample, N; 0 before the first call."""

    def __init__(
        self,
        *,
        decay: float = 0.2,
        threshold: float | torch.Tensor = 1.0,
        reset: str = "soft",
        detached: bool = True,
        slope: float = 4.0,
    ):
        super().__init__()
        if not 0 <= decay <= 1:
            raise InputError(f"decay is {decay}; a membrane keeps a share 0..1 in a step")
        if not slope > 0:
            raise InputError(f"slope is {slope}; that of the surrogate is positive")
        if reset not in RESETS:
            raise InputError(f"reset is {reset!r}; give 'soft' or 'hard'")
        self.rule = delta.Rule(decay, slope, reset == "hard", detached)
        self.threshold, self.threshold_scale = threshold, 1.0
        self.mean_rate, self.size_out = None, 0

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        """Return the spikes (B, T, ...) that the input (B, T, ...) causes from rest.

        Raises:
            InputError: the input has fewer than three axes or is not finite, which spikes alone
                would hide, or a threshold does not fit.
        """
        flat = self.flat(c)
        spikes, _, rate = delta.evolve(flat, None, self.theta(flat), self.rule)
        self.keep(rate)
        return spikes.reshape(c.shape)

    def step(self, c: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Do one step.

        Args:
            c: (B, ...) input of the step.
            state: after the step before; None is rest.

        Returns:
            Spikes (B, ...), and the state, through which gradients pass. `mean_rate` becomes that
            of all steps since rest.
        """
        t = 0 if state is None else state.t
        flat = self.flat(c.unsqueeze(1))
        v = flat.new_zeros(len(flat), flat.shape[2]) if state is None else state.v.flatten(1)
        spikes, v, rate = delta.evolve(flat, v, self.theta(flat, t), self.rule)
        self.keep(rate, t)
        return spikes.reshape(c.shape), State(v.reshape(c.shape), t + 1)

    def flat(self, c: torch.Tensor) -> torch.Tensor:
        """Return an input (B, T, ...) as (B, T, N).

        Raises:
            InputError: the input has no axis of neurons.
        """
        if c.ndim < 3:
            raise InputError(f"input has shape {tuple(c.shape)}; give samples, steps and neurons")
        flat = c.flatten(2)
        self.size_out = flat.shape[2]
        return flat

    def theta(self, flat: torch.Tensor, t: int | None = None) -> torch.Tensor:
        """Return the scaled thresholds (1 or B, 1 or T, 1 or N) for an input (B, T, N).

        Args:
            flat: the input; one step of it where there is a t.
            t: which step it is.
        """
        numbers = (self.threshold, self.threshold_scale)
        if all(isinstance(number, float) for number in numbers):
            # The product in the input's type, as below, but of the processor: a GPU takes longer.
            product = float(torch.tensor(numbers, dtype=flat.dtype).prod())
            if min(numbers) > 0 and 0 < product < float("inf"):
                return flat.new_full((1, 1, 1), product)
        theta = self._factor("threshold", self.threshold, flat, t)
        if not isinstance(self.threshold_scale, float) or self.threshold_scale != 1.0:
            theta = theta * self._factor("threshold_scale", self.threshold_scale, flat, t)
        return theta

    def keep(self, rate: torch.Tensor, t: int = 0) -> None:
        """Take the rate of a call in, spikes per neuron and step (), which follows t steps."""
        if t and self.mean_rate is not None:
            # In place: whoever has read it at an earlier step ends up with the mean of all.
            self.mean_rate += (rate - self.mean_rate) / (t + 1)
        else:
            self.mean_rate = rate

    def extra_repr(self) -> str:
        """Return what torch prints between the brackets."""
        rule = self.rule
        reset = ("hard" if rule.hard else "soft") + ("" if rule.detached else ", not detached")
        return f"decay={rule.decay:g}, {reset} reset, slope={rule.slope:g}"

    def _factor(
        self, name: str, value: float | torch.Tensor, flat: torch.Tensor, t: int | None
    ) -> torch.Tensor:
        """Return a threshold or its scale with three axes; that of step t, if any."""
        if isinstance(value, torch.Tensor):
            value = value.detach()
            if value.ndim == 3 and t is not None and value.shape[1] > 1:
                value = value[:, t : t + 1]
        samples, steps, neurons = flat.shape
        return three_axes(name, value, flat, (samples, steps, neurons))


def layers(net: torch.nn.Module) -> list[Spiking]:
    """Return the spiking layers of a net, in order."""
    return [module for module in torch.nn.Module.modules(net) if isinstance(module, Spiking)]


@contextmanager
def carried(net: torch.nn.Module) -> Iterator[None]:
    """Have the spiking layers of a net go on from call to call, each a step (B, 1, ...)."""
    states: dict[Spiking, State] = {}

    def stepping(layer: Spiking) -> Callable[[torch.Tensor], torch.Tensor]:
        def forward(c: torch.Tensor) -> torch.Tensor:
            spikes, states[layer] = layer.step(c.squeeze(1), states.get(layer))
            return spikes.unsqueeze(1)

        return forward

    with replaced({layer: stepping(layer) for layer in layers(net)}):
        yield


@contextmanager
def replaced(forwards: Mapping[torch.nn.Module, Callable]) -> Iterator[None]:
    """Put other functions in place of the forward methods of modules, hooks untouched."""
    for module, forward in forwards.items():
        module.__dict__["forward"] = forward
    try:
        yield
    finally:
        for module in forwards:
            del module.__dict__["forward"]
