"""`neurosim predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands import recording_options as options
from neurosim.commands.terminal import console


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run on recordings.")],
    recordings: Annotated[Path, typer.Argument(help="File or folder of new ones.")],
    out: Annotated[Path | None, typer.Option(help="File of the rows, .csv or .json.")] = None,
    chip: Annotated[
        str | None, typer.Option(help="Run the integer net that was deployed for it.")
    ] = None,
    lead: Annotated[
        int | None,
        typer.Option(min=1, help="Decide when the first class is so many spikes ahead."),
    ] = None,
    rate: options.Rate = None,
    columns: options.Columns = None,
    person: options.Person = None,
    time: options.Time = None,
    units: options.Units = None,
) -> None:
    """Label new recordings: a class, a confidence and the spikes of each window.

    They are read as those that the run was trained on; options say where they differ.
    """
    from neurosim.report import own_recordings
    from neurosim.workflows.prediction import check_out, predict_file, write

    check_out(out)
    said = options.files(columns=columns, rate=rate, person=person, time=time, units=units)
    with console.status(f"reading {recordings} ..."):
        rows = predict_file(run, recordings, chip=chip, lead=lead, **said)
    console.print(own_recordings.predicted(rows, every=out is None))
    if out is not None:
        console.print(f"{len(rows):,} windows, saved in {write(out, rows)}")
