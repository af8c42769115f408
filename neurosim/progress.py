"""The progress display of long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.text import Text

from neurosim.errors import printable


class PlainColumn(ProgressColumn):
    """A column of a progress bar with a text about the task, such as "{task.description}"."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, task: Task) -> Text:
        """Return the text for a task."""
        return Text(printable(self.text.format(task=task)))


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
