"""Progress bars for long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.run import Run


@contextmanager
def bar(console: Console | None) -> Iterator[Progress]:
    """Open a progress display; without a console it is silent."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=14),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=console is None) as progress:
        yield progress


def train_with_progress(
    source: str,
    *,
    console: Console | None,
    folder: Path | None = None,
    dataset: Dataset | None = None,
    **changes: Any,
) -> Run:
    """Train with a bar that shows loss, accuracies, spikes per neuron and step, time left."""
    from neurosim.training import config, loop

    settings = config.load(source, **changes)
    with bar(console) as progress:
        task = progress.add_task(f"train {Path(source).stem}", total=settings.epochs, note="")

        def on_epoch(epoch: dict[str, float]) -> None:
            note = (
                f"loss {epoch['loss']:.2f} acc {epoch['train_accuracy']:.2f} "
                f"val {epoch['validation_accuracy']:.2f} "
                f"spk {epoch['spikes_per_neuron_and_step']:.2f}"
            )
            progress.update(task, advance=1, note=note)

        folder = folder if folder is not None else Path("runs") / Path(source).stem
        return loop.train(settings, folder=folder, dataset=dataset, on_epoch=on_epoch)
