"""What AHSAR adds to a training step: parameters, states, and a share of its time."""

from __future__ import annotations

import time

import numpy as np

from neurosim.studies import images
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training


def measure(
    net: str, learning: str, seed: int, training: Training, every: int, batches: int
) -> list[Row]:
    """Train one net for some batches, and time the homeostat apart from the rest.

    The rest includes the layers' mean rates, which the training loop reports anyway.
    """
    import torch

    from neurosim.training import machine
    from neurosim.training.tasks import task_for
    from neurosim.training.thresholds import homeostat_for

    settings = images.settings(seed, net=net, method=learning, **training)
    task = task_for(settings, images.digits(seed, every), machine.device(settings))
    parameters = sum(p.numel() for p in task.parameters())
    homeostat = homeostat_for(task, settings, settings.batch_size)
    assert homeostat is not None, "the settings have one"
    optimiser = torch.optim.Adam(task.parameters(), settings.learning_rate)
    chosen = np.arange(settings.batch_size)
    inputs, labels = task.inputs("train", chosen, slice(None), None), task.labels("train")[chosen]
    seconds = []
    for _ in range(batches):
        begin = time.perf_counter()
        result = task.forward(inputs, training=True)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(result.logits, labels).backward()
        optimiser.step()
        learnt = time.perf_counter()
        homeostat.step(np.divide(result.spikes, result.places).tolist())
        seconds.append((time.perf_counter() - learnt, learnt - begin))
    own, rest = np.median(seconds, axis=0)
    added = sum(p.numel() for p in task.parameters()) - parameters
    return [
        {
            "share": float(own / rest),
            "parameters": parameters,
            "added_parameters": added,
            "states": len(homeostat.units),
        }
    ]


STUDY = Study(
    name="ahsar_cost",
    title="What AHSAR adds to a training step",
    measure=measure,
    grid={"net": images.NETS, "learning": images.METHODS},
    index=("net", "learning", "seed"),
    units={
        "share": "time of the homeostat over that of the rest of a training step",
        "parameters": "trainable numbers",
        "added_parameters": "trainable numbers",
        "states": "one a controlled block",
    },
    settings={"training": {"batch_size": 128, "threads": 1}, "every": 1, "batches": 40},
    fast={**images.FAST, "batches": 5},
)
