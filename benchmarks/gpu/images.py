"""Convolutional nets on a GPU: images a second with and without the homeostat, and memory.

    PYTHONPATH=benchmarks python benchmarks/gpu/images.py OUT.jsonl [--cpu]

ResNet-18 and VGG-13 on 3x32x32 images of noise, T = 6: forward, backward and SGD, through time and
rate-based. Three steps with AHSAR's homeostat and three without follow each other in changing
order; the cost is the median of the ratios of such pairs.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ledger import Ledger  # noqa: E402

from neurosim.homeostat import Homeostat  # noqa: E402
from neurosim.snn import image_nets, rate_based, spiking  # noqa: E402

STEPS, SHAPE, CLASSES = 6, (3, 32, 32), 10
NETS = ("resnet18", "vgg13")
METHODS = ("through time", "rate-based")
BATCH, PAIRS, WARM_UP = 128, 30, 3
TOGETHER = 3
"""Steps between two waits for the card: what the homeostat reads keeps them from overlapping."""


def step_of(
    name: str, method: str, device: str, batch: int, controlled: bool
) -> tuple[Callable[[], None], torch.nn.Module]:
    """Return one training step, and its net."""
    net = image_nets.build(name, shape=SHAPE, classes=CLASSES, steps=STEPS).to(device)
    optimiser = torch.optim.SGD(net.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, *SHAPE, generator=generator).to(device)
    labels = torch.randint(CLASSES, (batch,), generator=generator).to(device)
    homeostat = Homeostat.attach(net) if controlled else None

    def step() -> None:
        optimiser.zero_grad()
        rate = method == "rate-based"
        logits = rate_based.forward(net, images) if rate else net(images).mean(1)
        torch.nn.functional.cross_entropy(logits, labels).backward()
        optimiser.step()
        if homeostat is not None:
            homeostat.step()

    return step, net


def measure(name: str, method: str, device: str, batch: int, pairs: int) -> dict[str, object]:
    """Return images a second, the cost of the homeostat, and the peak of the card's memory."""
    made = {on: step_of(name, method, device, batch, on) for on in (False, True)}
    on_card = device == "cuda"

    def seconds(on: bool) -> float:
        start = time.perf_counter()
        for _ in range(TOGETHER):
            made[on][0]()
        if on_card:
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / TOGETHER

    for _ in range(WARM_UP):
        for on in made:
            seconds(on)
    if on_card:
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        seconds(False)
        peak = (torch.cuda.max_memory_allocated() - held) / 1e6
    times = np.empty((pairs, 2))
    for number in range(pairs):
        for on in (False, True) if number % 2 else (True, False):
            times[number, int(on)] = seconds(on)
    ratios = times[:, 1] / times[:, 0]
    rates = [float(layer.mean_rate) for layer in spiking.layers(made[True][1])]
    return {
        "batch": batch,
        "images_s": batch / float(np.median(times[:, 0])),
        "images_s_homeostat": batch / float(np.median(times[:, 1])),
        "homeostat_cost": float(np.median(ratios)) - 1,
        "homeostat_cost_quartiles": [float(q) - 1 for q in np.quantile(ratios, [0.25, 0.75])],
        "pairs": pairs,
        "step_peak_MB": peak if on_card else None,
        "rates": [min(rates), max(rates)],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    ledger = Ledger(arguments.out)
    torch.backends.cudnn.benchmark = True
    cases = [(name, method) for name in NETS for method in METHODS]
    if arguments.cpu:
        cases = [("small-resnet", method) for method in METHODS]
    for name, method in cases:
        case = f"{name}, {method}"
        if ledger.has("images", case):
            continue
        try:
            if arguments.cpu:
                result = measure(name, method, "cpu", 8, 3)
            else:
                result = measure(name, method, "cuda", BATCH, PAIRS)
        except Exception as error:
            result = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
        ledger.add("images", case, result)
        if not arguments.cpu:
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
