"""`neurosim figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError


def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all without.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF files.")] = Path("runs/figures"),
) -> None:
    """Compute and draw figures."""
    from neurosim import figures as gallery

    for name in names or gallery.names():
        gallery.get(name)
    for name in names or gallery.names():
        try:
            with console.status(f"{name} ..."):
                paths = gallery.make(name, out)
        except InputError as error:  # a study or a demo that was not run yet
            if names:
                raise
            console.print(f"{name}: not drawn, {error}", markup=False, soft_wrap=True)
            continue
        console.print(f"{gallery.get(name).TITLE}: {', '.join(map(str, paths))}", soft_wrap=True)
