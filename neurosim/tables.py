"""What a terminal shows: safe text, tables in one look; tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from neurosim.errors import printable

if TYPE_CHECKING:
    from rich.table import Table


class SafeConsole(Console):
    """A console that shows names and texts from outside as they are.

    Square brackets are no markup, and control characters, which could recolour, clear or retitle a
    terminal, are written out. What is to be coloured is a rich Text.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text to be shown; called by rich for every str."""
        return super().render_str(printable(text), **options)

    def on_broken_pipe(self) -> None:
        """Leave it to the command line: rich would end with status 1, that of engines that differ.

        Raises:
            BrokenPipeError: always; called by rich where it met one.
        """
        raise BrokenPipeError


def terminal(columns: Sequence[str], *, right: Sequence[str] = (), **options: Any) -> Table:
    """Return an empty table for the terminal, in the look that all of them share.

    Args:
        columns: their names.
        right: columns that are aligned to the right.
        options: of rich's Table, such as `title`.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), **options)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def markdown(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> str:
    """Return a table in Markdown; a bar within a cell is escaped.

    Args:
        columns: their names.
        rows: cells, as many as columns.
        right: columns that are aligned to the right.
    """
    rule = ["---:" if column in right else "---" for column in columns]
    lines = (columns, rule, *rows)
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )
