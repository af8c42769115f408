"""The progress display of long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from neurosim.tables import PlainColumn


@contextmanager
def bar(console: Console | None) -> Iterator[Progress]:
    """Open a progress display; without a console it is silent."""
    columns = (
        PlainColumn("{task.description:<12}"),
        BarColumn(bar_width=14),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        PlainColumn("{task.fields[note]}"),
    )
    with Progress(
        *columns,
        console=console,
        disable=console is None,
        speed_estimate_period=3600.0,  # steps may take minutes; rich looks back 30 s
    ) as progress:
        yield progress
