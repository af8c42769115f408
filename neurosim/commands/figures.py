"""`neurosim figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all without.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF files.")] = Path("runs/figures"),
) -> None:
    """Compute and draw figures."""
    from neurosim import figures as gallery

    for name in names or gallery.names():
        gallery.get(name)
    for name in names or gallery.names():
        with console.status(f"{name} ..."):
            paths = gallery.make(name, out)
        console.print(f"{gallery.get(name).TITLE}: {', '.join(map(str, paths))}", soft_wrap=True)
