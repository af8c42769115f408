"""AHSAR 6: homeostats inside, at and outside the stability boundary, as theory draws it."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from neurosim.analysis.homeostasis.loop import Loop
from neurosim.analysis.homeostasis.stability import is_stable, spectral_radius
from neurosim.studies import images
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

LATE = 0.2
"""Last share of the steps, in which a loop that settles has settled."""


def measure(
    factor: float, net: str, seed: int, training: Training, every: int, steps: int
) -> list[Row]:
    """Run a homeostat on a net whose weights stand still, with a multiple of the critical beta."""
    from neurosim.homeostat.gains import measured_response
    from neurosim.homeostat.homeostat import Homeostat
    from neurosim.training import machine
    from neurosim.training.tasks import task_for

    settings = images.settings(seed, net=net, **training)
    task = task_for(settings, images.digits(seed, every), machine.device(settings))
    chosen = np.arange(settings.batch_size)
    batch = task.inputs("train", chosen, slice(None), None)
    answer = measured_response(task.net, batch)
    loop = Loop(
        beta=1.0,
        gamma=0.05,
        D=0.0125,
        m_r=0.2,
        layers=len(answer.sensitivity),
        sensitivity=tuple(answer.sensitivity),
        coupling=tuple(answer.coupling),
    )
    critical = critical_beta(loop)
    loop = replace(loop, beta=factor * critical)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # attaching warns of what is tried here on purpose
        homeostat = Homeostat.attach(task.net, loop=loop, gain=None)
    for _ in range(steps):
        task.forward(batch, training=True)
        homeostat.step()
    scales = np.log(homeostat.history["scale"])
    late = scales[-int(LATE * steps) :]
    return [
        {
            "radius": spectral_radius(loop, mean=False),
            "swing": float(np.abs(np.diff(late, axis=0)).max()),
            "disagreement": float(np.std(np.log(homeostat.history["rate"][-1]))),
            "open_disagreement": float(np.std(np.log(homeostat.history["rate"][0]))),
            "critical_beta": critical,
        }
    ]


def critical_beta(loop: Loop) -> float:
    """Return the largest stable beta by bisection of its logarithm, nan if none is stable."""
    low, high = 1e-6, 1e6
    if not is_stable(replace(loop, beta=low)):
        return float("nan")
    while high / low > 1.0001:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if is_stable(replace(loop, beta=middle)) else (low, middle)
    return low


STUDY = Study(
    name="ahsar_stability",
    title="Homeostats inside, at and outside the stability boundary",
    measure=measure,
    grid={"net": ("mlp", "small-vgg"), "factor": (0.1, 0.3, 0.6, 0.9, 1.1, 1.5, 3.0)},
    index=("net", "factor", "seed"),
    units={
        "radius": "predicted spectral radius of the loop, its mean left out",
        "swing": "largest change of ln threshold in a late step",
        "disagreement": "standard deviation of ln rate over layers, last step",
        "open_disagreement": "the same before the loop acts",
        "critical_beta": "reaction gain per tick",
    },
    settings={"training": {"threads": 1, "batch_size": 16}, "every": 1, "steps": 150},
    fast={"net": ("mlp",), "factor": (0.3, 3.0), "every": 8, "steps": 60, "seeds": 2},
)
