"""What thresholds, homeostat and checks cost beside a step: 15-48-48-48-6, batch 128, one thread.

The homeostat at its worst is one whose states have reached their bound, which takes plain numbers
tick by tick. A checkpoint is written every ten seconds at most, and never takes more than 2 %.

python benchmarks/training_controls.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from neurosim.training import (
    Homeostat,
    ThresholdSampler,
    checkpoint,
    config,
    loop,
    optimisation,
)
from neurosim.training.nets import layered

STEPS, SAMPLES, ROUNDS = 100, 128, 40


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    net = layered(config.TrainConfig(weight_gain=1.0), 15, 6, 5e-3)
    events = torch.tensor(rng.poisson(0.5, (SAMPLES, STEPS, 15)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(0, 6, SAMPLES))
    optimiser = torch.optim.Adam(list(net.parameters().astorch()))

    def step() -> None:
        output, _ = loop.forward(net, events)
        loss = torch.nn.functional.cross_entropy(0.05 * output.sum(1), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def drawn(sampler: ThresholdSampler) -> None:
        with sampler.drawn(net, SAMPLES, STEPS, rng):
            pass

    step()
    homeostat = Homeostat.attach(net, ticks=STEPS)
    bound = Homeostat.attach(net, ticks=STEPS, windup=1e-9)
    weights = list(net.parameters().astorch())
    folder = tempfile.TemporaryDirectory()
    spikes = torch.rand(SAMPLES, STEPS, 48)

    def control() -> None:
        for layer in homeostat.layers:
            layer._sense(layer.module, (), spikes)
        homeostat.step()

    def control_with_rates() -> None:
        homeostat.step([0.1, 0.2, 0.15])

    def control_at_bound() -> None:
        bound.step([0.1, 0.2, 0.15])

    def check() -> None:
        optimisation.clip(optimisation.gradients(weights), None)

    def save() -> None:
        state = {"net": net.state_dict(), "optimiser": optimiser.state_dict()}
        checkpoint.save(Path(folder.name) / "state", state)

    samplers = {
        "thresholds: one a batch": ThresholdSampler(),
        "thresholds: a neuron and sample": ThresholdSampler(per="neuron", when="sample"),
        "thresholds: a neuron and step": ThresholdSampler(per="neuron", when="step"),
    }
    parts = {"training step": step, "homeostat, 100 ticks": control}
    parts["homeostat, rates handed in"] = control_with_rates
    parts["homeostat, 100 ticks at its bound"] = control_at_bound
    parts["gradients finite?"] = check
    parts["a checkpoint (not every step)"] = save
    parts |= {name: (lambda s=s: drawn(s)) for name, s in samplers.items()}
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(ROUNDS):  # in turn, so that all see the same load
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            times[name].append(time.perf_counter() - start)
    best = {name: np.median(series) for name, series in times.items()}
    for name, seconds in best.items():
        share = seconds / best["training step"]
        print(f"{name:34}{1e3 * seconds:9.3f} ms{share:9.2%} of a step")


if __name__ == "__main__":
    main()
