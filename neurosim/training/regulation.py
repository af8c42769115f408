"""The homeostat of a training run: attached as the settings say, and its part in the loop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from neurosim.homeostat.homeostat import Homeostat
from neurosim.training.config import TrainConfig
from neurosim.training.tasks import Task
from neurosim.training.thresholds import Draw


def attach(task: Task, settings: TrainConfig, batch: int) -> Homeostat | None:
    """Return the homeostat of a run, attached to its net, or None.

    Gains are recommended for how the fresh net answers a batch of its training samples.

    Args:
        task: with a fresh net.
        settings: of the run.
        batch: samples of a batch, of all processes.
    """
    if not settings.homeostat:
        return None
    samples = len(task.labels("train"))
    chosen = np.linspace(0, samples - 1, min(samples, batch)).astype(int)
    ticks: dict[str, Any] = {"write": "end"}
    if settings.homeostat_ticks == "step":
        ticks = {"write": "step", "ticks": task.steps}
    elif settings.homeostat_ticks == "block":
        single = [[k] for k in range(len(task.layers))]
        ticks = {"write": "block", "blocks": getattr(task.net, "blocks", single)}
    homeostat = Homeostat.attach(
        task.net,
        events=task.inputs("train", chosen, slice(None), None),
        relaxation=settings.relaxation,
        diffusion=settings.diffusion,
        gain=settings.global_gain,
        common_mode=settings.common_mode,
        target=settings.target_rate,
        **ticks,
    )
    for layer in homeostat.layers:  # the loop hands in the rates
        layer.sensing = False
    return homeostat


def evaluating(homeostat: Homeostat | None) -> AbstractContextManager[None]:
    """Use the homeostat's evaluation scales, if there is one."""
    return nullcontext() if homeostat is None else homeostat.evaluating()


def total(draws: Sequence[Draw], homeostat: Homeostat | None) -> list[Draw]:
    """Return by what the thresholds of each layer were multiplied, both causes together."""
    if homeostat is None:
        return list(draws)
    return [draw * scale for draw, scale in zip(draws, homeostat.scales, strict=True)]
