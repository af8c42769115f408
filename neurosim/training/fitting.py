"""A training run from its data to its saved net, with all that is heavy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from neurosim import outside, store
from neurosim.provenance import processor, repeatable, versions
from neurosim.run import PROVENANCE_FILE, SPEC_FILES, Run
from neurosim.training import checkpoint, display, machine
from neurosim.training.config import TrainConfig
from neurosim.training.epochs import Epoch, Trainer
from neurosim.training.loop import LEFT, MADE
from neurosim.training.tasks import task_for

if TYPE_CHECKING:
    from neurosim.data import Dataset, Recordings
    from neurosim.data.images import ImageSet


def fit(
    settings: TrainConfig,
    place: Path,
    *,
    dataset: Dataset | ImageSet | Recordings | None,
    saved: Path | None,
    saver: checkpoint.Saver,
    shown: display.Bar,
    on_epoch: Callable[[Epoch], None] | None,
    write_tensorboard: bool,
    begin: float,
) -> Run:
    """Train and save; see `loop.train`, which checks the settings and opens the display.

    Args:
        settings: of the run.
        place: its folder, which exists.
        dataset: samples; the task's own when None.
        saved: the checkpoint to go on from, or None.
        saver: writes checkpoints.
        shown: the display.
        on_epoch: called with the metrics of each epoch.
        write_tensorboard: write them for TensorBoard too.
        begin: when the run began, by `time.monotonic`.
    """
    device = machine.device(settings)
    with (
        machine.threads(settings) as threads,
        machine.processes(device) as group,
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
    ):
        torch.manual_seed(settings.seed)
        shown.say("reading samples")
        task = task_for(settings, dataset, device)
        trainer = Trainer(task, settings, group)
        if saved is not None:
            with outside.reading(saved, "checkpoint"):
                trainer.load_state_dict(checkpoint.load(saved))
        elif group.rank == 0:
            _clear(place, settings)
        writer = display.tensorboard_writer(place / "tensorboard") if write_tensorboard else None
        shown.begin(trainer)
        with checkpoint.postponed() as request:
            for row in trainer.epochs(saver, request, shown.on_batch):
                if group.rank == 0:
                    store.write_table(place / "metrics.csv", trainer.metrics)
                    if writer is not None:
                        display.write_curves(writer, row)
                if on_epoch:
                    on_epoch(row)
        shown.end()
        return _finish(trainer, place, device, threads, time.monotonic() - begin)


def _finish(
    trainer: Trainer, place: Path, device: torch.device, threads: int, seconds: float
) -> Run:
    """Save a finished run in the place of its checkpoint; seconds: since it began or resumed."""
    task, group = trainer.task, trainer.group
    history = None if trainer.homeostat is None else trainer.homeostat.history
    run = Run(
        folder=place,
        config=trainer.settings.model_dump(mode="json"),
        metrics=tuple(trainer.metrics),
        provenance={
            **task.provenance(),
            "device": str(device),
            "processes": group.size,
            "threads": threads,
            "seconds": round(seconds, 3),
            **processor(),
            "versions": versions(),
            "repeatable": repeatable(str(device), group.size),
        },
        homeostat=history,
        **trainer.results(),
    )
    if group.rank == 0:
        task.keep(place)
        run.save()
        checkpoint.clear(place)
    return run


def _clear(place: Path, settings: TrainConfig) -> None:
    """Remove what an earlier run left, and say which run this is."""
    checkpoint.clear(place)
    for path in (*(place / f"{made}.safetensors" for made in MADE), *place.glob(SPEC_FILES)):
        path.unlink(missing_ok=True)
    for name in (PROVENANCE_FILE, store.CHECKSUMS, *LEFT):
        (place / name).unlink(missing_ok=True)
    text = json.dumps(settings.model_dump(mode="json"), indent=2)
    store.write_text(place / "config.json", text)
