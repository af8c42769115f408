"""Training step against the number of steps T: rate-based backpropagation and that through time.

small-vgg on 3x16x16 images, batch 32, BatchNorm, SGD, one thread. Rows are measured in turn, round
after round, in CPU time; the least counts. "graph" is the part with gradients, phase 2 and its
backward pass, which is all that T would matter for on a machine that runs phase 1 elsewhere. Peak
memory is what a step adds to a fresh process (Linux).

A second table has the cosine between both gradients, of all weights together, on fresh nets and
uniform noise 2x8x8, batch 16: the least of three seeds.

    python benchmarks/rate_based.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from measure import added_peak, in_fresh_process, in_turn, ratio

from neurosim.snn import image_nets, rate_based
from neurosim.snn.rate_based import agreement
from neurosim.snn.spiking import Spiking

SHAPE, BATCH, CLASSES, ROUNDS = (3, 16, 16), 32, 10, 3
STEPS = (4, 16, 64)
ROWS = {
    "through time": "multi",
    "rate-based, multi-step": "multi",
    "rate-based, single-step": "single",
}


def step_of(row: str, steps: int, parts: list[float]) -> Callable[[], None]:
    """Return one training step; it appends the seconds of its part with gradients."""
    net = image_nets.build("small-vgg", shape=SHAPE, classes=CLASSES, steps=steps, mode=ROWS[row])
    optimiser = torch.optim.SGD(net.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(BATCH, *SHAPE, generator=generator)
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)
    marks = []

    def mark(*_: object) -> None:
        marks.append(time.process_time())

    net.readout.register_forward_hook(mark)  # its first calls end phase 1

    def step() -> None:
        marks.clear()
        optimiser.zero_grad()
        start = time.process_time()
        if row == "through time":
            logits = net(images).mean(1)
        else:
            logits = rate_based.forward(net, images)
            start = marks[-2]
        torch.nn.functional.cross_entropy(logits, labels).backward()
        mark()
        optimiser.step()
        parts.append(marks[-1] - start)

    return step


def times(steps: int) -> dict[str, tuple[float, float]]:
    """Return the least seconds of a whole step and of its part with gradients."""
    parts: dict[str, list[float]] = {row: [] for row in ROWS}
    timings = in_turn({row: step_of(row, steps, parts[row]) for row in ROWS}, ROUNDS)
    return {row: (timings[row].least, min(parts[row])) for row in ROWS}


def peak(row: str, steps: int) -> float:
    """Return by how many MB a step raises the peak of this process."""
    torch.set_num_threads(1)
    step_of(row, 2, [])()  # libraries, compiled kernels
    return added_peak(step_of(row, steps, []))


def print_cosines() -> None:
    rules = [(reset, detached) for reset in ("soft", "hard") for detached in (True, False)]
    names = [f"{reset}{', detached' if detached else ''}" for reset, detached in rules]
    print(f"\n{'cosine with BPTT':36}" + "".join(f"{name:>16}" for name in names))
    for name in ("mlp", "small-vgg", "small-resnet"):
        for batch_norm in (False, True):
            for steps in (6, 24):
                row = f"{name}{', BatchNorm' if batch_norm else ''}, T = {steps}"
                cells = [least_cosine(name, steps, batch_norm, *rule) for rule in rules]
                print(f"{row:36}" + "".join(f"{cell:16.4f}" for cell in cells))


def least_cosine(name: str, steps: int, batch_norm: bool, reset: str, detached: bool) -> float:
    """Return the least cosine of three seeds."""
    cosines = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        images = torch.rand(16, 2, 8, 8, generator=generator)
        labels = torch.randint(10, (16,), generator=generator)
        net = image_nets.build(
            name, shape=(2, 8, 8), classes=10, steps=steps, batch_norm=batch_norm, seed=seed,
            neuron=lambda: Spiking(reset=reset, detached=detached),
        )  # fmt: skip
        cosines.append(agreement(net, images, labels)["all"])
    return min(cosines)


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'':4} {'':24} {'ms':>8} {'graph ms':>9} {'/ BPTT':>7} {'peak MB':>8}")
    for steps in STEPS:
        seconds = times(steps)
        reference = seconds["through time"][0]
        for row, (whole, graph) in seconds.items():
            if row != "through time":
                ratio(f"{row} to BPTT, T = {steps}", reference / whole)
            print(
                f"{f'T={steps}':4} {row:24} {whole * 1e3:8.0f} {graph * 1e3:9.0f} "
                f"{whole / reference:7.2f} {in_fresh_process(peak, row, steps):8.0f}"
            )
    print_cosines()


if __name__ == "__main__":
    main()
