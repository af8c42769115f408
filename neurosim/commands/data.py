"""`neurosim data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands import recording_options as options
from neurosim.commands.terminal import console
from neurosim.errors import InputError


def data(
    what: Annotated[str, typer.Argument(help="`list`, `check` or `look`.")] = "list",
    name: Annotated[
        str | None, typer.Argument(help="A data set, after `check`; your recordings, after `look`.")
    ] = None,
    place: Annotated[Path | None, typer.Argument(help="Folder of its files.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of all sets; $NEUROSIM_DATA if left out.")
    ] = None,
    rate: options.Rate = None,
    columns: options.Columns = None,
    label: options.Label = None,
    person: options.Person = None,
    time: options.Time = None,
    units: options.Units = None,
    channels: options.Channels = None,
    window: options.Window = None,
    overlap: options.Overlap = None,
) -> None:
    """List data sets and how to get them, check a set's files, or look at your own recordings.

    `look` says what is understood of a file before a net is trained on it; the other options are
    its, and those of `neurosim train --data`.
    """
    from neurosim.data import catalogue
    from neurosim.report import data_sets

    if what == "list":
        console.print(data_sets.listing(folder))
    elif what == "check" and name is not None:
        if place is None and folder is not None and catalogue.get(name).signs:
            place = folder / catalogue.get(name).home
        with console.status(f"reading {name} ..."):
            rows = data_sets.check(name, place)
        console.print(data_sets.show(name, rows))
    elif what == "look" and name is not None:
        from neurosim.report import own_recordings
        from neurosim.training.config import checked
        from neurosim.training.recording_files import RecordingFiles
        from neurosim.workflows.look import look

        said = options.files(
            rate=rate,
            columns=columns,
            label=label,
            person=person,
            time=time,
            units=units,
            channels=channels,
            window_s=window,
            overlap=overlap,
        )
        with console.status(f"reading {name} ..."):
            seen = look(checked(RecordingFiles, {"path": name, **said}, "options"))
        console.print(own_recordings.look(seen))
    else:
        raise InputError(
            f"data {what}: give `data list`, `data check NAME [DIR]` or `data look FILE`"
        )
