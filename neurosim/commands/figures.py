"""`neurosim figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console
from neurosim.errors import InputError


def figures(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of figures; all if left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF files.")] = Path("runs/figures"),
    recompute: Annotated[
        bool,
        typer.Option("--recompute", help="Measure anew what is stored: studies take hours."),
    ] = False,
    ship: Annotated[
        bool, typer.Option("--ship", help="With --recompute: store it in figures/data.")
    ] = False,
    gallery: Annotated[
        bool, typer.Option("--gallery", help="Write figures/pictures, its page, README's tables.")
    ] = False,
) -> None:
    """Draw figures from stored results; those of theory are computed as they are drawn."""
    from neurosim import figures as room

    for name in names or ():
        room.get(name)
    if ship and not recompute:
        raise InputError("--ship stores what --recompute measures; give both")
    if gallery:
        from neurosim.figures import gallery as page

        if recompute:
            raise InputError("--gallery draws what is stored; --recompute --ship first")
        page.write(names or room.names(), console)
        return
    for name in names or room.names():
        try:
            if recompute:
                paths = room.remake(name, out, console, ship=ship)
            else:
                with console.status(f"{name} ..."):
                    paths = room.make(name, out)
        except InputError as error:  # a study or a demo that was not run yet
            if names:
                raise
            console.print(f"{name}: not drawn, {error}", soft_wrap=True)
            continue
        console.print(f"{room.get(name).TITLE}: {', '.join(map(str, paths))}", soft_wrap=True)
