"""Train a net and save the run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from neurosim import outside, store
from neurosim.provenance import processor, repeatable, versions
from neurosim.run import PROVENANCE_FILE, SPEC_FILES, Run
from neurosim.training import checkpoint, display, machine
from neurosim.training import config as configuration
from neurosim.training.config import TrainConfig
from neurosim.training.epochs import Epoch, Trainer
from neurosim.training.tasks import folder_of, task_for

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.data.images import ImageSet

MADE = ("network", "weights", "homeostat")
"""Files of an earlier run and its deployment, which a new one must not be mixed with."""


def train(
    source: str | Path | TrainConfig = "aspen",
    *,
    folder: str | Path | None = None,
    dataset: Dataset | ImageSet | None = None,
    resume: bool = False,
    progress: Console | bool | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    write_tensorboard: bool = False,
    checkpoint_seconds: float = checkpoint.SECONDS,
    **changes: object,
) -> Run:
    """Train a net and save the run.

    Ctrl-C and termination end it after the current batch, with a checkpoint; a killed process
    leaves the checkpoint of some seconds before. Both can go on with `resume`, and end with the
    same weights to the last bit as if nothing had happened.

    Args:
        source: a preset (`config.PRESETS`), a TOML file, the folder of a run, or a TrainConfig.
        folder: where the run is saved; `runs/<source>` when left out.
        dataset: samples of the task; the embedded ones when left out.
        resume: go on from the folder's checkpoint. Without one, a finished run of the same
            settings is returned as it is, and any other starts from the beginning.
        progress: show it, on this console; by default where the output is a terminal.
        on_epoch: called with the metrics of each epoch as it ends.
        write_tensorboard: write the metrics for TensorBoard too, in `<folder>/tensorboard`.
        checkpoint_seconds: least time between two checkpoints; 0: one after every batch.
        changes: settings that differ from the source, e.g. `epochs=5`.

    Returns:
        The run, also on disk.

    Raises:
        InputError: a setting or the dataset is wrong, or the checkpoint is of another run.
        NonFiniteLossError: training diverged.
        UnavailableError: a GPU or TensorBoard was asked for, and there is none; another process
            trains in this folder.
        KeyboardInterrupt: the run was interrupted; its checkpoint is saved.
    """
    begin = time.monotonic()
    settings = configuration.load(source, **changes)
    place = Path(folder) if folder is not None else folder_of(source)
    place.mkdir(parents=True, exist_ok=True)  # a place that cannot be written is said now
    with checkpoint.alone(place):
        saved = checkpoint.find(place) if resume else None
        if resume and saved is None and (done := _finished(place, settings)) is not None:
            return done
        device = machine.device(settings)
        with (
            machine.threads(settings) as threads,
            machine.processes(device) as group,
            torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        ):
            torch.manual_seed(settings.seed)
            task = task_for(settings, dataset, device)
            trainer = Trainer(task, settings, group)
            if saved is not None:
                with outside.reading(saved, "checkpoint"):
                    trainer.load_state_dict(checkpoint.load(saved))
            elif group.rank == 0:
                _clear(place, settings)
            saver = checkpoint.Saver(place / checkpoint.NAME, checkpoint_seconds)
            writer = (
                display.tensorboard_writer(place / "tensorboard") if write_tensorboard else None
            )
            console = display.console_for(progress) if group.rank == 0 else None
            with (
                display.training(console, place.name, trainer) as on_batch,
                checkpoint.postponed() as request,
            ):
                for row in trainer.epochs(saver, request, on_batch):
                    if group.rank == 0:
                        store.write_table(place / "metrics.csv", trainer.metrics)
                        if writer is not None:
                            display.write_curves(writer, row)
                    if on_epoch:
                        on_epoch(row)
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
        run.save()
        checkpoint.clear(place)
    return run


def _clear(place: Path, settings: TrainConfig) -> None:
    """Remove what an earlier run left, and say which run this is."""
    checkpoint.clear(place)
    for path in (*(place / f"{made}.safetensors" for made in MADE), *place.glob(SPEC_FILES)):
        path.unlink(missing_ok=True)
    for name in (PROVENANCE_FILE, "front_end.json", "metrics.csv", store.CHECKSUMS):
        (place / name).unlink(missing_ok=True)
    text = json.dumps(settings.model_dump(mode="json"), indent=2)
    store.write_text(place / "config.json", text)


def _finished(place: Path, settings: TrainConfig) -> Run | None:
    """Return a run that is complete and has these settings, or None."""
    if not (place / PROVENANCE_FILE).is_file():
        return None
    if not any((place / f"{made}.safetensors").is_file() for made in MADE[:2]):
        return None
    run = Run.load(place)
    return run if TrainConfig(**run.config) == settings else None
