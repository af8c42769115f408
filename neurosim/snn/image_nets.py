"""Spiking nets for images: VGG-13, ResNet-18, small ones, a perceptron. Average pooling only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from neurosim.errors import InputError
from neurosim.snn import spiking
from neurosim.snn.adapters import adapter_of, reset_state
from neurosim.snn.spiking import Spiking

POOL = "A"
VGG: dict[str, tuple[int | str, ...]] = {
    "vgg13": (64, 64, POOL, 128, 128, POOL, 256, 256, POOL, 512, 512, 512, POOL, 512),
    "small-vgg": (32, 32, POOL, 64, 64, POOL, 64),
}
"""Channels of 3x3 convolutions, and 2x2 average pooling. VGG-13 is that of arXiv 2410.11488."""
RESNET: dict[str, tuple[tuple[int, int], ...]] = {
    "resnet18": ((64, 2), (128, 2), (256, 2), (512, 2)),
    "small-resnet": ((16, 1), (32, 1), (64, 1)),
}
"""Channels and residual blocks of each stage; every stage but the first halves the image."""
MLP = (256, 256)
"""Neurons of the layers of the perceptron."""
NAMES = (*VGG, *RESNET, "mlp")
MODES = ("multi", "single")

Neuron = Callable[[], nn.Module]


class Folded(nn.Sequential):
    """Modules without time, applied to a series (B, T, ...) with the steps folded into the batch.

    BatchNorm among them takes its statistics over all steps and samples. What is one tensor
    expanded to T steps, like a constant input, is computed once.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the series (B, T, ...) of what the modules make of each step."""
        if x.shape[1] > 1 and x.stride(1) == 0:
            once = super().forward(x[:, 0])
            return once.unsqueeze(1).expand(-1, x.shape[1], *once.shape[1:])
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Residual(nn.Module):
    """Two convolutions around a spiking layer, and a short cut; their currents add up.

    The short cut passes on the spikes themselves, or their 1x1 convolution where shapes differ.
    """

    def __init__(self, inner: nn.Module, short_cut: nn.Module, neurons: nn.Module):
        super().__init__()
        self.inner, self.short_cut, self.neurons = inner, short_cut, neurons

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the spikes (B, T, C', H', W') of the block."""
        current: torch.Tensor = self.inner(x) + self.short_cut(x)
        spikes: torch.Tensor = self.neurons(current)
        return spikes


class ImageNet(nn.Module):
    """Stages of spiking layers and a linear readout without spikes.

    `body` holds the stages, `readout` what follows. In "multi" mode each layer runs all steps
    before the next one starts, and BatchNorm has statistics over all of them; in "single" mode
    the net runs step by step, and BatchNorm has statistics for each step. Without BatchNorm, or
    in evaluation, both give the same.
    """

    def __init__(self, body: nn.Sequential, readout: nn.Module, steps: int, mode: str = "multi"):
        super().__init__()
        self.body, self.readout = body, readout
        self.steps, self.mode = steps, mode

    @property
    def blocks(self) -> list[list[int]]:
        """Indices of the spiking layers of each stage: virtual blocks for a homeostat."""
        blocks, first = [], 0
        for stage in self.body:
            count = len(spiking.layers(stage))
            blocks.append(list(range(first, first + count)))
            first += count
        return blocks

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the readout (B, T, classes) of each step, all layers starting from rest.

        Args:
            x: (B, C, H, W), a constant current for `steps` steps, or a series (B, T, C, H, W).

        Raises:
            InputError: the input has neither shape, or the mode is "single" and a layer is not
                `Spiking`: others keep no state of each sample from step to step.
        """
        x = self.series(x)
        reset_state(self)
        if self.mode == "multi":
            return self.evolve(x)
        for module in self.modules():
            if adapter_of(module) is not None and not isinstance(module, Spiking):
                raise InputError(
                    f"mode 'single' steps Spiking layers; the net holds {type(module).__name__}: "
                    "use mode='multi'"
                )
        with spiking.carried(self):
            return torch.cat([self.evolve(step) for step in x.split(1, 1)], 1)

    def evolve(self, x: torch.Tensor) -> torch.Tensor:
        """Return the readout (B, T, classes) of a series, all steps of a layer at once."""
        readout: torch.Tensor = self.readout(self.body(x))
        return readout

    def series(self, x: torch.Tensor) -> torch.Tensor:
        """Return an input as a series (B, T, C, H, W); images (B, C, H, W) are held for T steps.

        Raises:
            InputError: the input has neither shape.
        """
        if x.ndim == 4:
            return x.unsqueeze(1).expand(-1, self.steps, -1, -1, -1)
        if x.ndim != 5:
            raise InputError(
                f"input has shape {tuple(x.shape)}; give (B, C, H, W) or (B, T, C, H, W)"
            )
        return x


def build(
    name: str,
    *,
    shape: tuple[int, int, int],
    classes: int,
    steps: int,
    batch_norm: bool = True,
    seed: int = 0,
    mode: str = "multi",
    neuron: Neuron = Spiking,
) -> ImageNet:
    """Return a net with fresh weights.

    Weights are normal. With BatchNorm the currents have variance 1; without it weights are scaled
    layer by layer until they do, on noise uniform on 0..1 (after Mishkin & Matas, All you need is
    a good init, ICLR 2016), so that a sixth or so of the neurons fire in a step.

    Args:
        name: "vgg13", "resnet18", "small-vgg", "small-resnet" (for images from 4x4) or "mlp".
        shape: channels, height and width (C, H, W) of an image.
        classes: size of the readout.
        steps: how long a constant input is presented, T.
        batch_norm: normalise the currents of every layer.
        seed: of the weights.
        mode: "multi" or "single", see `ImageNet`.
        neuron: makes a layer, `lambda: Spiking(reset="hard")` for instance.

    Raises:
        InputError: no such name, or images too small for it.
    """
    if name not in NAMES:
        raise InputError(f"net {name!r} is unknown; there are {', '.join(NAMES)}")
    if mode not in MODES:
        raise InputError(f"mode is {mode!r}; give 'multi' or 'single'")
    if steps < 1 or classes < 1:
        raise InputError(f"steps is {steps}, classes {classes}; both count from 1")
    least = _least(name)
    if len(shape) != 3 or min(shape[1:]) < least:
        raise InputError(f"shape is {shape}; {name} needs (C, H, W) with images from {least}")
    norm = {True: nn.BatchNorm2d, False: nn.Identity}[batch_norm]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in VGG:
            stages, width = _vgg(VGG[name], shape[0], norm, neuron)
        elif name in RESNET:
            stages, width = _resnet(RESNET[name], shape[0], norm, neuron)
        else:
            pixels = shape[0] * shape[1] * shape[2]
            stages, width = _mlp(pixels, nn.BatchNorm1d if batch_norm else norm, neuron)
        pool = [nn.AdaptiveAvgPool2d(1)] if name != "mlp" else []
        readout = Folded(*pool, nn.Flatten(), nn.Linear(width, classes))
        net = ImageNet(nn.Sequential(*stages), readout, steps, mode)
        _initialise(net, torch.rand(4, min(steps, 3), *shape))
    return net


def _least(name: str) -> int:
    """Return the least height and width of an image that a net can halve as often as it does."""
    if name in VGG:
        return int(2 ** VGG[name].count(POOL))
    return int(2 ** (len(RESNET[name]) - 1)) if name in RESNET else 1


def _vgg(
    plan: Sequence[int | str], channels: int, norm: Any, neuron: Neuron
) -> tuple[list[nn.Module], int]:
    """Return stages that end where the image is pooled, and the channels of the last."""
    stages: list[list[nn.Module]] = [[]]
    for entry in plan:
        if isinstance(entry, str):
            stages[-1].append(Folded(nn.AvgPool2d(2)))
            stages.append([])
            continue
        stages[-1] += [_convolution(channels, entry, norm), neuron()]
        channels = entry
    return list(map(_stage, stages)), channels


def _stage(modules: Sequence[nn.Module]) -> nn.Module:
    return nn.Sequential(*modules)


def _resnet(
    plan: Sequence[tuple[int, int]], channels: int, norm: Any, neuron: Neuron
) -> tuple[list[nn.Module], int]:
    """Return a first layer and residual blocks, each a stage, and the channels of the last."""
    width = plan[0][0]
    stages: list[nn.Module] = [nn.Sequential(_convolution(channels, width, norm), neuron())]
    for k, (wider, blocks) in enumerate(plan):
        for block in range(blocks):
            stride = 2 if k and not block else 1
            inner = nn.Sequential(
                _convolution(width, wider, norm, stride=stride), neuron(),
                _convolution(wider, wider, norm),
            )  # fmt: skip
            same = width == wider and stride == 1
            short_cut = (
                nn.Identity() if same else _convolution(width, wider, norm, kernel=1, stride=stride)
            )
            stages.append(Residual(inner, short_cut, neuron()))
            width = wider
    return stages, width


def _mlp(pixels: int, norm: Any, neuron: Neuron) -> tuple[list[nn.Module], int]:
    """Return dense layers, each a stage, and the width of the last."""
    stages: list[nn.Module] = []
    width = pixels
    for wider in MLP:
        dense = nn.Linear(width, wider, bias=norm is nn.Identity)
        flatten = [] if stages else [nn.Flatten()]
        stages.append(nn.Sequential(Folded(*flatten, dense, norm(wider)), neuron()))
        width = wider
    return stages, width


def _convolution(
    channels: int, wider: int, norm: Any, *, kernel: int = 3, stride: int = 1
) -> Folded:
    """Return a convolution that keeps the image's size or divides it by its stride."""
    convolution = nn.Conv2d(channels, wider, kernel, stride, kernel // 2, bias=norm is nn.Identity)
    return Folded(convolution, norm(wider))


def _initialise(net: ImageNet, events: torch.Tensor) -> None:
    """Draw weights, and run the net once, so that layers know their size."""
    with torch.no_grad(), _unit_variance(net) as weighted:
        for module in weighted:
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        net.eval().evolve(events)
        net.train()
    reset_state(net)


@contextmanager
def _unit_variance(net: ImageNet) -> Iterator[list[Any]]:
    """Have each weighted module of a net's body divide its weights by its output's deviation."""

    def scale(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        deviation = output.std().clamp_min(1e-6)
        module.weight /= deviation
        return output / deviation

    weighted = [m for m in net.body.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [module.register_forward_hook(scale) for module in weighted]
    try:
        yield weighted
    finally:
        for hook in hooks:
            hook.remove()
