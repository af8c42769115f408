"""`neurosim energy`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def energy(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    chip: Annotated[
        str | None, typer.Option(help="Whose specifications; the default chip's, or the only one.")
    ] = None,
    lead: Annotated[
        list[int] | None,
        typer.Option(help="Also decide when a class is so many output spikes ahead; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for energy.csv.")] = None,
) -> None:
    """Estimate what deployed nets cost: every published anchor, linearity in spikes, the reach."""
    from neurosim import readout

    readout.at_leads(lead or ())  # refused before a net is run
    from neurosim import store
    from neurosim.report import power
    from neurosim.workflows import power as study
    from neurosim.workflows import stored_models

    with console.status("running the nets at every threshold ..."):
        models = [stored_models.measure_model(run, leads=lead or (), chip=chip) for run in runs]
    console.print(power.estimates(models))
    console.print("Is power linear in spikes?", style="bold")
    console.print(power.linearity(models))
    console.print("What does the threshold save?", style="bold")
    console.print(power.reaches(models))
    if lead:
        console.print("What do both knobs reach, threshold and lead?", style="bold")
        console.print(power.fronts(models))
    if out is not None:
        command = f"neurosim {' '.join(sys.argv[1:])}"
        path = store.write_table(out / "energy.csv", study.rows(models), command=command, digits=6)
        console.print(f"Written: {path}", soft_wrap=True)
