"""Progress of a training run: in a terminal, and as curves for TensorBoard, an optional extra."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


@contextmanager
def training(
    console: Console | None, name: str, trainer: Trainer
) -> Iterator[Callable[[int, int, Sums], None]]:
    """Show a bar with loss, accuracies, spikes per neuron and step, and the time left.

    Yields:
        What to call after every batch, with the epoch, its batches so far and their sums.
    """
    if console is None:
        yield lambda epoch, done, sums: None
        return
    columns = (
        PlainColumn("{task.description:<12}"),
        BarColumn(bar_width=14),
        PlainColumn("{task.fields[epoch]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        PlainColumn("{task.fields[note]}"),
    )
    epochs, batches = trainer.settings.epochs, trainer.batches
    with Progress(*columns, console=console) as progress:
        start = (trainer.epoch - 1) * batches + trainer.done
        label = f"{min(trainer.epoch, epochs)}/{epochs}"
        task = progress.add_task(
            f"train {name}", total=epochs * batches, completed=start, epoch=label, note=""
        )

        def on_batch(epoch: int, done: int, sums: Sums) -> None:
            progress.update(
                task,
                completed=(epoch - 1) * batches + done,
                epoch=f"{epoch}/{epochs}",
                note=_note(trainer, done, sums),
            )

        yield on_batch
        progress.update(task, completed=epochs * batches)


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
