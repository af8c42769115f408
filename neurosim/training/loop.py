"""Train a net and save the run.

Settings are checked and the progress bar stands before torch, rockpool and the kernels load.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.run import PROVENANCE_FILE, Run
from neurosim.training import checkpoint, display
from neurosim.training import config as configuration
from neurosim.training.config import TrainConfig, folder_of

if TYPE_CHECKING:
    from rich.console import Console

    from neurosim.data import Dataset, Recordings
    from neurosim.data.images import ImageSet
    from neurosim.training.epochs import Epoch

MADE = ("network", "weights", "homeostat")
"""Files of an earlier run and its deployment, which a new one must not be mixed with."""
LEFT = ("front_end.json", "metrics.csv", "data.json", "windows.safetensors", "confusion.json")
"""Other files of an earlier run."""


def train(
    source: str | Path | TrainConfig = "aspen",
    *,
    folder: str | Path | None = None,
    dataset: Dataset | ImageSet | Recordings | None = None,
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
        dataset: samples of the task, or recordings (`data.recordings`, `data.read_recordings`);
            those of the settings' `data`, or the embedded ones, when left out.
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
    if settings.data is not None:
        settings.data.check_place()
    place = Path(folder) if folder is not None else folder_of(source)
    place.mkdir(parents=True, exist_ok=True)  # a place that cannot be written is said now
    with checkpoint.alone(place):
        saved = checkpoint.find(place) if resume else None
        if resume and saved is None and (done := _finished(place, settings)) is not None:
            return done
        # Under torchrun the first process speaks for all.
        console = display.console_for(progress) if os.environ.get("RANK", "0") == "0" else None
        with display.training(console, place.name, settings.epochs) as shown:
            from neurosim.training import fitting

            return fitting.fit(
                settings,
                place,
                dataset=dataset,
                saved=saved,
                saver=checkpoint.Saver(place / checkpoint.NAME, checkpoint_seconds),
                shown=shown,
                on_epoch=on_epoch,
                write_tensorboard=write_tensorboard,
                begin=begin,
            )


def _finished(place: Path, settings: TrainConfig) -> Run | None:
    """Return a run that is complete and has these settings, or None."""
    if not (place / PROVENANCE_FILE).is_file():
        return None
    if not any((place / f"{made}.safetensors").is_file() for made in MADE[:2]):
        return None
    run = Run.load(place)
    return run if TrainConfig(**run.config) == settings else None
