"""`neurosim equations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def equations(
    name: Annotated[
        str | None, typer.Argument(help="A model or rule; all are listed if left out.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw its response and f-I curve.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF.")] = Path("runs/figures"),
) -> None:
    """List the equations, or print one: equations, parameters, reference."""
    from neurosim import equations as library

    if name is None:
        console.print(library.catalogue())
        return
    console.print(library.describe(name), highlight=False, soft_wrap=True)
    if plot:
        from neurosim import drawing
        from neurosim.figures import equation

        figure = equation.draw(equation.compute(name))
        paths = drawing.save(figure, out / f"equation-{name}")
        console.print(f"drawn: {', '.join(map(str, paths))}", soft_wrap=True)
