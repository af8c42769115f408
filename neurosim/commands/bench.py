"""`neurosim bench`."""

from __future__ import annotations

from typing import Annotated

import typer

from neurosim.commands.terminal import console


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of benchmarks; all if left out.")
    ] = None,
) -> None:
    """Run the benchmarks of a checkout: ratios measured in one run."""
    from neurosim.workflows.machine import run_benchmarks

    run_benchmarks(names or [], console)
