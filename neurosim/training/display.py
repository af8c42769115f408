"""Progress of a training run: in a terminal, and as curves for TensorBoard, an optional extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn

from neurosim.errors import UnavailableError
from neurosim.progress import PlainColumn
from neurosim.tables import SafeConsole

if TYPE_CHECKING:
    from neurosim.training.epochs import Sums, Trainer


def console_for(progress: Console | bool | None) -> Console | None:
    """Return where progress is shown: by default on a terminal, otherwise nowhere."""
    if isinstance(progress, Console):
        return progress
    console = SafeConsole()
    return console if progress or (progress is None and console.is_terminal) else None


class Bar:
    """A bar with loss, accuracies, spikes per neuron and step, and the time left.

    Args:
        progress: the display that it is a line of.
        name: of the run.
        epochs: of the run.
    """

    def __init__(self, progress: Progress, name: str, epochs: int):
        self._progress, self._epochs = progress, epochs
        self._task = progress.add_task(
            f"train {name}", total=None, epoch=f"0/{epochs}", note="loading torch"
        )
        self._trainer: Trainer | None = None

    def say(self, note: str) -> None:
        """Show what goes on."""
        self._progress.update(self._task, note=note)

    def begin(self, trainer: Trainer) -> None:
        """Count the batches of a run from now on; it may be one that goes on."""
        self._trainer = trainer
        self._progress.update(
            self._task,
            total=self._epochs * trainer.batches,
            completed=(trainer.epoch - 1) * trainer.batches + trainer.done,
            epoch=f"{min(trainer.epoch, self._epochs)}/{self._epochs}",
            note="first batch",
        )

    def on_batch(self, epoch: int, done: int, sums: Sums) -> None:
        """Show a batch.

        Args:
            epoch: of the batch, from 1.
            done: batches of this epoch so far.
            sums: what they summed to.
        """
        trainer = self._trainer
        if trainer is None or self._progress.disable:
            return
        self._progress.update(
            self._task,
            completed=(epoch - 1) * trainer.batches + done,
            epoch=f"{epoch}/{self._epochs}",
            note=_note(trainer, done, sums),
        )

    def end(self) -> None:
        """Show the run as done, also where it stopped early."""
        if self._trainer is not None:
            self._progress.update(self._task, completed=self._epochs * self._trainer.batches)


@contextmanager
def training(console: Console | None, name: str, epochs: int) -> Iterator[Bar]:
    """Open the display of a run, before torch and the samples are there; silent without a console.

    Args:
        console: where it is shown.
        name: of the run.
        epochs: of the run.
    """
    columns = (
        PlainColumn("{task.description:<12}"),
        BarColumn(bar_width=14),
        PlainColumn("{task.fields[epoch]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        PlainColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=console is None) as progress:
        yield Bar(progress, name, epochs)


def _note(trainer: Trainer, done: int, sums: Sums) -> str:
    """Say how the epoch goes, and what the last validation gave."""
    loss, hits, spikes, places = sums
    samples = len(trainer.labels) * done / trainer.batches
    note = f"loss {loss / samples:.2f} acc {hits / samples:.2f}"
    if trainer.metrics:
        note += f" val {trainer.metrics[-1]['validation_accuracy']:.2f}"
    return f"{note} spk {spikes / places:.2f}"


def tensorboard_writer(folder: Path) -> Any:
    """Return TensorBoard's SummaryWriter of a folder.

    Raises:
        UnavailableError: tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UnavailableError(
            "tensorboard is not installed; run: pip install 'neurosim[tensorboard]'"
        ) from error
    return SummaryWriter(str(folder))


def write_curves(writer: Any, row: dict[str, float]) -> None:
    """Add the metrics of an epoch to TensorBoard's files, one curve each."""
    for name, value in row.items():
        if name != "epoch":
            writer.add_scalar(name, value, int(row["epoch"]))
    writer.flush()
