"""Tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


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
