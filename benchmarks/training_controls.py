"""What thresholds, homeostat and checks cost beside a step: 15-48-48-48-6, batch 128, one thread.

The homeostat at its worst is one whose states have reached their bound, which takes plain numbers
tick by tick. A checkpoint is written every ten seconds at most, and never takes more than 2 %.

python benchmarks/training_controls.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measure import in_turn, ratio

from neurosim.homeostat import Homeostat
from neurosim.snn.layered import layered
from neurosim.training import ThresholdSampler, checkpoint, imu_task

STEPS, SAMPLES, ROUNDS = 100, 128, 40


def training_step(
    net: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    events: torch.Tensor,
    labels: torch.Tensor,
) -> Callable[[], None]:
    """Return a step of the trainer on events (B, T, channels) and labels (B,)."""

    def step() -> None:
        output, _ = imu_task.forward(net, events)
        loss = torch.nn.functional.cross_entropy(0.05 * output.sum(1), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def homeostats(net: torch.nn.Module) -> dict[str, Callable[[], object]]:
    homeostat = Homeostat.attach(net, ticks=STEPS)
    bound = Homeostat.attach(net, ticks=STEPS, windup=1e-9)
    spikes = torch.rand(SAMPLES, STEPS, 48)

    def control() -> None:
        for layer in homeostat.layers:
            layer._sense(layer.module, (), spikes)
        homeostat.step()

    return {
        "homeostat, 100 ticks": control,
        "homeostat, rates handed in": lambda: homeostat.step([0.1, 0.2, 0.15]),
        "homeostat, 100 ticks at its bound": lambda: bound.step([0.1, 0.2, 0.15]),
    }


def checks(
    net: torch.nn.Module, optimiser: torch.optim.Optimizer, folder: Path
) -> dict[str, Callable[[], object]]:
    weights = list(net.parameters().astorch())

    def save() -> None:
        state = {"net": net.state_dict(), "optimiser": optimiser.state_dict()}
        checkpoint.save(folder / "state", state)

    return {
        "gradients finite?": lambda: bool(
            torch.isfinite(torch.nn.utils.get_total_norm([w.grad for w in weights]))
        ),
        "a checkpoint (not every step)": save,
    }


def draws(net: torch.nn.Module, rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    def drawn(sampler: ThresholdSampler) -> None:
        with sampler.drawn(net, SAMPLES, STEPS, rng):
            pass

    samplers = {
        "thresholds: one a batch": ThresholdSampler(),
        "thresholds: a neuron and sample": ThresholdSampler(per="neuron", when="sample"),
        "thresholds: a neuron and step": ThresholdSampler(per="neuron", when="step"),
    }
    return {name: partial(drawn, sampler) for name, sampler in samplers.items()}


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    net = layered(15, 6, weight_gain=1.0, dt=5e-3)
    optimiser = torch.optim.Adam(list(net.parameters().astorch()))
    events = torch.tensor(rng.poisson(0.5, (SAMPLES, STEPS, 15)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(0, 6, SAMPLES))
    step = training_step(net, optimiser, events, labels)
    with tempfile.TemporaryDirectory() as folder:
        parts = {
            "training step": step,
            **homeostats(net),
            **checks(net, optimiser, Path(folder)),
            **draws(net, rng),
        }
        timings = in_turn(parts, ROUNDS, clock=time.perf_counter)
    median = {name: float(np.median(timing.seconds)) for name, timing in timings.items()}
    for name, seconds in median.items():
        share = seconds / median["training step"]
        if name.startswith(("homeostat", "thresholds")):
            ratio(f"{name}, to a training step", 1 / share)
        print(f"{name:34}{1e3 * seconds:9.3f} ms{share:9.2%} of a step")


if __name__ == "__main__":
    main()
