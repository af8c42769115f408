"""`neurosim data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError


def data(
    what: Annotated[str, typer.Argument(help="`list` or `check`.")] = "list",
    name: Annotated[str | None, typer.Argument(help="A data set, after `check`.")] = None,
    place: Annotated[Path | None, typer.Argument(help="Folder of its files.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of all sets; $NEUROSIM_DATA if left out.")
    ] = None,
) -> None:
    """Say which data sets are present and where others belong, or check a set's files."""
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
    else:
        raise InputError(f"data {what}: give `data list`, or `data check NAME [DIR]`")
