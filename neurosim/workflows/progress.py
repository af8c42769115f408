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
    with Progress(
        *columns,
        console=console,
        disable=console is None,
        speed_estimate_period=3600.0,  # steps may take minutes; rich looks back 30 s
    ) as progress:
        yield progress


def train_with_progress(
    source: str,
    *,
    console: Console | None,
    folder: Path | None = None,
    dataset: Dataset | None = None,
    **changes: Any,
) -> Run:
    """Train with a bar on a console, or silently without one."""
    from neurosim.training import loop

    return loop.train(source, folder=folder, dataset=dataset, progress=console or False, **changes)
