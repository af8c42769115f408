"""What AHSAR adds to a training step: parameters, states, and a share of its time."""

from __future__ import annotations

import time

import numpy as np
import xarray as xr

from neurosim.studies.ahsar import images
from neurosim.studies.claims import Finding, by_pool, claim, pool
from neurosim.studies.estimates import interval
from neurosim.studies.study import Row, Study, Training


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
    units={
        "share": "time of the homeostat over that of the rest of a training step",
        "parameters": "trainable numbers",
        "added_parameters": "trainable numbers",
        "states": "one a controlled block",
    },
    settings={"training": {"batch_size": 128, "threads": 1}, "every": 1, "batches": 40},
    fast={**images.FAST, "batches": 5},
)

NEGLIGIBLE = 0.01
"""Share of a training step's time below which a cost counts as such; the paper gives no number."""


@claim(
    "Its computational cost is negligible",
    "abstract",
    "{net}; {learning}; times in one run, {seed} seeds",
)
def cost(d: xr.Dataset) -> Finding:
    """Ask what share of a training step the homeostat takes."""
    share = d["share"].mean("learning")
    by_net = {str(n): interval(share.sel(net=n)) for n in d["net"].values}
    text = "its update over the rest of a training step: "
    text += "; ".join(f"{net} {part:.2%}" for net, part in by_net.items())
    return Finding(text, by_pool(pool(share - NEGLIGIBLE, ("net",)), positive=False))


CLAIMS = (cost,)
