"""How a user's recordings are read: options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Rate = Annotated[float | None, typer.Option(help="Samples a second; from the time column.")]
Columns = Annotated[
    str | None, typer.Option(help="Of acceleration x,y,z between commas; by usual names.")
]
Label = Annotated[
    str | None,
    typer.Option(help="Column of what was done; or `folder`, `file`: their names."),
]
Person = Annotated[
    str | None, typer.Option(help="Column of who wore the sensor; `folder`, `file` or `none`.")
]
Time = Annotated[str | None, typer.Option(help="Column of the time; `none`: there is none.")]
Units = Annotated[
    str | None, typer.Option(help="g, m/s2, mg, or the number that 1 g is; measured at rest.")
]
Channels = Annotated[
    str | None, typer.Option(help="What the front end counts: bands, gravity or both.")
]
Window = Annotated[float | None, typer.Option(help="Length of a window in seconds; 2.56.")]
Overlap = Annotated[float | None, typer.Option(help="Share that the next one repeats; 0.5.")]


def files(*, columns: str | None, **settings: Any) -> dict[str, Any]:
    """Return the settings of `training.recording_files.RecordingFiles` that were given."""
    if columns is not None:
        settings["columns"] = tuple(name.strip() for name in columns.split(","))
    return {name: value for name, value in settings.items() if value is not None}


def path_of(data: str) -> str:
    """Return a file or folder as a path that stays right elsewhere; the name of a set as it is."""
    return str(Path(data).resolve()) if Path(data).exists() else data
