"""`neurosim bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of benchmarks; all if left out.")
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Add the ratios to the history; name what fell by over 15 %."),
    ] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Write the page of the history; measure nothing.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--history", help="Instead of benchmarks/history.jsonl.")
    ] = None,
) -> None:
    """Run the benchmarks of a checkout: ratios measured in one run."""
    from neurosim.workflows import benchmarks, history, history_page

    if page and (json or names):
        raise InputError("--page measures nothing; leave --json and names out")
    if file is not None and not (json or page):
        raise InputError(f"--history {file}: give --json or --page with it")
    benchmarks.scripts()  # of a checkout
    file = file or history.path()
    if page:
        for path in history_page.write(file, history.read(file)):
            console.print(path, soft_wrap=True)
    elif json:
        history.measure(names or [], file, console)
    else:
        benchmarks.run(names or [], console).check()
