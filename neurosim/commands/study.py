"""`neurosim study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def study(
    name: Annotated[str | None, typer.Argument(help="Which; lists them without.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Tiny: to see that it runs.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="Instead of the study's.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Part of the grid, as AXIS=VALUE,VALUE; repeatable.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for all cores.")] = -1,
    dask: Annotated[str | None, typer.Option(help="Scheduler of a Dask cluster.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; runs/studies, or runs/studies-fast.")
    ] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Keep the results with the figures: figures/data.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The list as a Markdown table.")
    ] = False,
) -> None:
    """Run a study of the papers; one that was interrupted goes on where it stopped."""
    from neurosim import figures, studies
    from neurosim.studies import overview, runner

    if name is None:
        if markdown:
            print(overview.markdown())
        else:
            console.print(overview.table())
        return
    runner.run_study(
        studies.get(name),
        out or (runner.FAST if fast else runner.FULL),
        fast=fast,
        seeds=seeds,
        only=only or [],
        jobs=jobs,
        dask=dask,
        ship=ship,
        draw=figures.draw_results,
        console=console,
    )
