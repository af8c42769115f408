"""Thresholds of a run's hidden layers: drawn at random (ASPEN), regulated (AHSAR), and put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.snn.lif import LIF
from neurosim.snn.spiking import Spiking
from neurosim.training.config import PER, WHEN, Per, TrainConfig, When
from neurosim.xylo.rules import REGISTER_MAX

if TYPE_CHECKING:
    from neurosim.homeostat.homeostat import Homeostat
    from neurosim.training.tasks import Task
    from neurosim.xylo import XyloSpec

Draw = float | np.ndarray
"""Factor on the thresholds of a layer: a number, (N,), (B, 1, 1 or N) or (1, T, 1 or N)."""

Neurons = LIF | Spiking


@dataclass(frozen=True)
class ThresholdSampler:
    """Draws a factor on the thresholds of the hidden layers for every batch of training.

    The mean rate under randomised thresholds differs with the occasion: a draw for each batch or
    sample is quenched, the neuron lives with it; a draw for each step is annealed. Fields are the
    settings of `TrainConfig` whose names start with threshold.

    Raises:
        InputError: a setting is wrong, or a threshold would leave its register, 1..32767.
    """

    threshold: tuple[float, float] = (1.0, 1.5)
    """Lowest and highest factor; uniform between them (ASPEN), or `levels`."""
    levels: int | None = None
    """Draw one of so many equally spaced, equally likely factors, both ends among them."""
    matched: bool = False
    """Move the ends inwards until the levels have the variance of the uniform law."""
    per: Per = "network"
    """"network" (ASPEN), "layer" or "neuron": what shares a draw."""
    when: When = "batch"
    """"batch" (ASPEN), "sample" or "step" of a batch (all samples alike): when it is renewed."""
    register: int | XyloSpec | None = None
    """Draw only what integer threshold registers can express: their value at factor 1, or a spec.

    A factor s becomes floor(register s + 1/2)/register, for a spec neuron by neuron: the thresholds
    of `XyloSpec.with_threshold(s)`, in units of those of `with_threshold(1)`."""
    widen: int = 0
    """Epochs in which the law grows from the point nearest 1 to its full width; 0: full at once."""

    @classmethod
    def of(cls, settings: TrainConfig) -> ThresholdSampler:
        """Return what draws the thresholds of a run."""
        return cls(
            settings.threshold,
            levels=settings.threshold_levels,
            matched=settings.threshold_matched,
            per=settings.threshold_per,
            when=settings.threshold_when,
            register=settings.threshold_register,
            widen=settings.threshold_widen,
        )

    def __post_init__(self) -> None:
        low, high = self.threshold
        if not 0 < low <= high < np.inf:
            raise InputError(f"threshold is {self.threshold}; it needs 0 < low <= high")
        if self.levels is not None and self.levels < 2:
            raise InputError(f"levels is {self.levels}; a law needs at least its 2 ends")
        if self.matched and self.levels is None:
            raise InputError("matched needs levels, whose variance it matches")
        for name, value, known in (("per", self.per, PER), ("when", self.when, WHEN)):
            if value not in known:
                raise InputError(f"{name} is {value!r}; give one of {', '.join(known)}")
        if self.widen < 0:
            raise InputError(f"widen is {self.widen}; it counts epochs, 0 for no curriculum")
        if self.register is not None:
            held = self.register if isinstance(self.register, int) else self.register.threshold
            low, high = self.interval()
            least, most = _rounded(np.min(held) * low), _rounded(np.max(held) * high)
            if least < 1 or most > REGISTER_MAX:
                raise InputError(
                    f"threshold {self.threshold} takes registers to {least:.0f}..{most:.0f}; "
                    f"they hold 1..{REGISTER_MAX}: narrow it"
                )

    def interval(self, epoch: int | None = None) -> tuple[float, float]:
        """Return the ends of the law in an epoch, counted from 1; None is after the curriculum."""
        low, high = self.threshold
        if self.matched and self.levels is not None:
            low, high = matched(self.threshold, self.levels)
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
            InputError: the layers are not those of the specification in `register`.
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
        if self.register is None or isinstance(self.register, int):
            return [self.register] * len(sizes)
        if self.register.layers != tuple(sizes):
            raise InputError(
                f"register: the specification has layers {self.register.layers}, the net "
                f"{tuple(sizes)}; map it from a net of that shape"
            )
        return np.split(self.register.threshold, np.cumsum(sizes)[:-1])

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


def matched(threshold: tuple[float, float], levels: int) -> tuple[float, float]:
    """Return the ends between which so many levels have the variance of the uniform law.

    k equally spaced levels on an interval, its ends among them, have (k + 1)/(k - 1) times the
    variance of the uniform law on it; the interval shrinks about its middle by the root of that.

    Args:
        threshold: lowest and highest factor of the uniform law.
        levels: k.

    Raises:
        InputError: there are fewer than two levels.
    """
    if levels < 2:
        raise InputError(f"levels is {levels}; a law needs at least its 2 ends")
    middle, reach = (threshold[0] + threshold[1]) / 2, (threshold[1] - threshold[0]) / 2
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


def homeostat_for(task: Task, settings: TrainConfig, batch: int) -> Homeostat | None:
    """Return the homeostat of a run, attached to its net, or None.

    Gains are recommended for how the fresh net answers a batch of its training samples. The layers
    sense nothing: the training loop hands in their rates.

    Args:
        task: with a fresh net.
        settings: of the run.
        batch: samples of a batch, of all processes.
    """
    if not settings.homeostat:
        return None
    from neurosim.homeostat.homeostat import Homeostat  # with the theory of its loop

    samples = len(task.labels("train"))
    chosen = np.linspace(0, samples - 1, min(samples, batch)).astype(int)
    homeostat = Homeostat.attach(
        task.net,
        events=task.inputs("train", chosen, slice(None), None),
        relaxation=settings.relaxation,
        diffusion=settings.diffusion,
        gain=settings.global_gain,
        common_mode=settings.common_mode,
        target=settings.target_rate,
        **_homeostat_ticks(task, settings),
    )
    for layer in homeostat.layers:
        layer.sensing = False
    return homeostat


def _homeostat_ticks(task: Task, settings: TrainConfig) -> dict[str, Any]:
    """Return the arguments of `Homeostat.attach` that homeostat_ticks stands for."""
    if settings.homeostat_ticks == "step":
        return {"write": "step", "ticks": task.steps}
    if settings.homeostat_ticks == "block":
        single = [[k] for k in range(len(task.layers))]
        return {"write": "block", "blocks": getattr(task.net, "blocks", single)}
    return {"write": "end"}


def all_factors(draws: Sequence[Draw], homeostat: Homeostat | None) -> list[Draw]:
    """Return by what the thresholds of each layer were multiplied, draw and homeostat together."""
    if homeostat is None:
        return list(draws)
    return [draw * scale for draw, scale in zip(draws, homeostat.scales, strict=True)]
