"""`neurosim sweep`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def sweep(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    scale: Annotated[
        list[float] | None,
        typer.Option(help="Threshold scale; repeatable. 0.6 to 2.4 if left out."),
    ] = None,
    lead: Annotated[
        list[int] | None,
        typer.Option(help="Also decide when a class is so many output spikes ahead; repeatable."),
    ] = None,
    chip: Annotated[
        str | None, typer.Option(help="Whose specification; the default chip's, or the only one.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores.")] = None,
    out: Annotated[Path | None, typer.Option(help="File of the rows, .csv.")] = None,
) -> None:
    """Turn a deployed net's runtime knobs: accuracy, spikes and estimated power on test windows.

    A run that was not deployed yet is swept as it would be deployed.
    """
    from neurosim import readout
    from neurosim.network import THRESHOLD_SCALES

    readout.at_leads(lead or ())  # refused before a net is run
    scales = scale or THRESHOLD_SCALES
    from neurosim import store
    from neurosim.report import sweep as tables
    from neurosim.workflows.sweep import sweep_run

    with console.status("running the net at every threshold ..."):
        rows = sweep_run(run, scales, leads=lead or (), chip=chip, workers=jobs)
    console.print(tables.table(rows))
    if out is not None:
        command = f"neurosim {' '.join(sys.argv[1:])}"
        path = store.write_table(out, rows, command=command, digits=6)
        console.print(f"Written: {path}", soft_wrap=True)
