"""Training step of convolutional nets, T = 6, 32x32 images, batch 32: spikes against ReLU.

The yardstick is the same net with ReLU in place of the spiking layers, fed T x batch images.
Forward, backward and SGD in one thread. Nets are measured in turn, round after round, and in CPU
time; the ratio is the median of the rounds' ratios, its range that of the middle half.

    python benchmarks/image_nets.py
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from measure import in_turn, ratio

from neurosim.snn import image_nets, rate_based, spiking

STEPS, BATCH, SHAPE, CLASSES, ROUNDS = 6, 32, (3, 32, 32), 10, 9
ROWS = ("ReLU, T x batch images", "spikes, through time", "spikes, rate-based")


def step_of(name: str, row: str) -> tuple[Callable[[], None], image_nets.ImageNet]:
    """Return one training step of a net, and the net."""
    neuron = torch.nn.ReLU if row == ROWS[0] else spiking.Spiking
    net = image_nets.build(name, shape=SHAPE, classes=CLASSES, steps=STEPS, neuron=neuron)
    optimiser = torch.optim.SGD(net.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(0)
    # A series, of which nothing can be computed once for all steps.
    images = torch.rand(BATCH, STEPS, *SHAPE, generator=generator)
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)

    def step() -> None:
        optimiser.zero_grad()
        logits = rate_based.forward(net, images) if row == ROWS[2] else net(images).mean(1)
        torch.nn.functional.cross_entropy(logits, labels).backward()
        optimiser.step()

    return step, net


def times(name: str) -> dict[str, list[float]]:
    """Return the seconds of every round of each row."""
    timings = in_turn({row: step_of(name, row)[0] for row in ROWS}, ROUNDS)
    return {row: timing.seconds for row, timing in timings.items()}


def main() -> None:
    torch.set_num_threads(1)
    for name in ("small-vgg", "small-resnet"):
        print(f"\n{f'{name}, T = {STEPS}':24} {'ms':>8} {'/ ReLU':>8} {'middle half':>14}")
        seconds = times(name)
        for row, values in seconds.items():
            ratios = np.divide(values, seconds[ROWS[0]])
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
            if row != ROWS[0]:
                ratio(f"{name}, {row}, to ReLU", 1 / middle)
            print(
                f"{row:24} {np.median(values) * 1e3:8.0f} {middle:8.2f} "
                f"{f'{low:.2f} .. {high:.2f}':>14}"
            )
        step, net = step_of(name, ROWS[1])
        step()
        rates = [float(layer.mean_rate) for layer in spiking.layers(net)]
        print(f"spikes per neuron and step: {min(rates):.2f} .. {max(rates):.2f}")


if __name__ == "__main__":
    main()
