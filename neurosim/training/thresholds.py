"""Thresholds drawn at random in training (ASPEN): drawn from a law, set for a batch, then gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.snn.lif import LIF
from neurosim.snn.spiking import Spiking

if TYPE_CHECKING:
    from neurosim.xylo import XyloSpec

Draw = float | np.ndarray
"""Factor on the thresholds of a layer: a number, (N,), (B, 1, 1 or N) or (1, T, 1 or N)."""

Neurons = LIF | Spiking

PER = ("network", "layer", "neuron")
WHEN = ("batch", "sample", "step")
REGISTER_MAX = 32767


@dataclass(frozen=True)
class ThresholdSampler:
    """Draws a factor on the thresholds of the hidden layers for every batch of training.

    The mean rate under randomised thresholds differs with the occasion: a draw for each batch or
    sample is quenched, the neuron lives with it; a draw for each step is annealed.

    Raises:
        InputError: a setting is wrong, or a threshold would leave its register, 1..32767.
    """

    law: tuple[float, float] = (1.0, 1.5)
    """Lowest and highest factor; uniform between them (ASPEN), or `levels`."""
    levels: int | None = None
    """Draw one of so many equally spaced, equally likely factors, both ends among them."""
    per: str = "network"
    """"network" (ASPEN), "layer" or "neuron": what shares a draw."""
    when: str = "batch"
    """"batch" (ASPEN), "sample" or "step" of a batch (all samples alike): when it is renewed."""
    registers: int | XyloSpec | None = None
    """Draw only what integer threshold registers can express: their value at factor 1, or a spec.

    A factor s becomes floor(register s + 1/2)/register, for a spec neuron by neuron: the thresholds
    of `XyloSpec.with_threshold(s)`, in units of those of `with_threshold(1)`."""
    widen: int = 0
    """Epochs in which the law grows from the point nearest 1 to its full width; 0: full at once."""

    def __post_init__(self) -> None:
        low, high = self.law
        if not 0 < low <= high < np.inf:
            raise InputError(f"law is {self.law}; it needs 0 < low <= high")
        if self.levels is not None and self.levels < 2:
            raise InputError(f"levels is {self.levels}; a law needs at least its 2 ends")
        for name, value, known in (("per", self.per, PER), ("when", self.when, WHEN)):
            if value not in known:
                raise InputError(f"{name} is {value!r}; give one of {', '.join(known)}")
        if self.widen < 0:
            raise InputError(f"widen is {self.widen}; it counts epochs, 0 for no curriculum")
        if self.registers is not None:
            held = self.registers if isinstance(self.registers, int) else self.registers.threshold
            least, most = _rounded(np.min(held) * low), _rounded(np.max(held) * high)
            if least < 1 or most > REGISTER_MAX:
                raise InputError(
                    f"law {self.law} takes threshold registers to {least:.0f}..{most:.0f}; "
                    f"they hold 1..{REGISTER_MAX}: narrow the law"
                )

    def interval(self, epoch: int | None = None) -> tuple[float, float]:
        """Return the ends of the law in an epoch, counted from 1; None is after the curriculum."""
        low, high = self.law
        if epoch is None or epoch >= self.widen:
            return low, high
        start, share = min(max(1.0, low), high), epoch / self.widen
        return start + share * (low - start), start + share * (high - start)

    def draw(
        self,
        sizes: Sequence[int],
        samples: int,
        steps: int,
        rng: np.random.Generator,
        epoch: int | None = None,
    ) -> list[Draw]:
        """Return a draw for each layer.

        Args:
            sizes: neurons of the layers.
            samples: size of the batch, B.
            steps: its steps, T.
            rng: source of randomness; ASPEN's law takes one `rng.uniform(low, high)` from it.
            epoch: from 1, for the curriculum.

        Raises:
            InputError: the layers are not those of the specification in `registers`.
        """
        draws: list[Draw] = []
        value: Draw = 1.0
        for size, register in zip(sizes, self._registers_of(sizes), strict=True):
            if not draws or self.per != "network":
                value = self._values(self._shape(size, samples, steps), rng, epoch)
            draws.append(value if register is None else _expressible(value, register))
        return draws

    @contextmanager
    def drawn(
        self,
        net: torch.nn.Module,
        samples: int,
        steps: int,
        rng: np.random.Generator,
        epoch: int | None = None,
        share: slice = slice(None),
    ) -> Iterator[list[Draw]]:
        """Set fresh draws in the hidden layers of a net while a batch is run; yield them.

        They multiply the scales that the layers have, which come back afterwards.

        Args:
            net: rockpool modules or an image net.
            samples: size of the batch, B.
            steps: its steps, T.
            rng: source of randomness.
            epoch: from 1, for the curriculum.
            share: which samples of the batch the net will see.
        """
        layers = hidden(net)
        draws = self.draw([layer.size_out for layer in layers], samples, steps, rng, epoch)
        if self.when == "sample":
            draws = [draw[share] if isinstance(draw, np.ndarray) else draw for draw in draws]
        with scaled(layers, draws):
            yield draws

    def _registers_of(self, sizes: Sequence[int]) -> Sequence[int | np.ndarray | None]:
        """Return the integer thresholds of layers of those sizes."""
        if self.registers is None or isinstance(self.registers, int):
            return [self.registers] * len(sizes)
        if self.registers.layers != tuple(sizes):
            raise InputError(
                f"registers: the specification has layers {self.registers.layers}, the net "
                f"{tuple(sizes)}; map it from a net of that shape"
            )
        return np.split(self.registers.threshold, np.cumsum(sizes)[:-1])

    def _shape(self, size: int, samples: int, steps: int) -> tuple[int, ...]:
        last = size if self.per == "neuron" else 1
        return {
            "batch": (size,) if self.per == "neuron" else (),
            "sample": (samples, 1, last),
            "step": (1, steps, last),
        }[self.when]

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator, epoch: int | None) -> Draw:
        low, high = self.interval(epoch)
        if self.levels is None:
            return rng.uniform(low, high, shape or None)
        steps = rng.integers(self.levels, size=shape or None)
        return low + (high - low) * steps / (self.levels - 1)


def matched(law: tuple[float, float], levels: int) -> tuple[float, float]:
    """Return the ends between which so many levels have the variance of the uniform law.

    k equally spaced levels on an interval, its ends among them, have (k + 1)/(k - 1) times the
    variance of the uniform law on it; the interval shrinks about its middle by the root of that.

    Raises:
        InputError: there are fewer than two levels.
    """
    if levels < 2:
        raise InputError(f"levels is {levels}; a law needs at least its 2 ends")
    middle, reach = (law[0] + law[1]) / 2, (law[1] - law[0]) / 2
    reach *= ((levels - 1) / (levels + 1)) ** 0.5
    return middle - reach, middle + reach


def hidden(net: torch.nn.Module) -> list[Neurons]:
    """Return the spiking layers of a net in order, without one that is its last module.

    That one's spikes are the readout.
    """
    leaves = [m for m in torch.nn.Module.modules(net) if not m._modules]
    return [module for module in leaves[:-1] if isinstance(module, LIF | Spiking)]


@contextmanager
def scaled(layers: Sequence[Neurons], factors: Sequence[Draw]) -> Iterator[None]:
    """Multiply the threshold scales of layers, one factor each, and put them back."""
    before = [layer.threshold_scale for layer in layers]
    try:
        for layer, scale, factor in zip(layers, before, factors, strict=True):
            _set(layer, scale * _tensor(factor))
        yield
    finally:
        for layer, scale in zip(layers, before, strict=True):
            _set(layer, scale)


def _set(layer: Neurons, scale: float | torch.Tensor) -> None:
    """Set a scale past torch's and rockpool's registries, which take longer than a draw."""
    object.__setattr__(layer, "threshold_scale", scale)


def _expressible(value: Draw, register: int | np.ndarray) -> Draw:
    """Return the factors nearest to a draw that turn integer thresholds into integers."""
    scale = _rounded(register * value) / register
    return scale if np.ndim(scale) else float(scale)


def _rounded(value: Draw) -> Draw:
    """Round half up, as `XyloSpec.with_threshold` does."""
    return np.floor(value + 0.5)


def _tensor(value: Draw) -> float | torch.Tensor:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
