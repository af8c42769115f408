"""`neurosim claims`."""

from __future__ import annotations

from typing import Annotated

import typer

from neurosim.commands.terminal import console


def claims(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
    paper: Annotated[str | None, typer.Option(help="aspen, ahsar, networks; else all.")] = None,
) -> None:
    """Print every claim of the two papers and of networks, what was measured, and a verdict."""
    from neurosim.studies import ledger

    entries = ledger.judge_all(paper)
    if markdown:
        print(ledger.markdown(entries))
    else:
        console.print(ledger.table(entries))
