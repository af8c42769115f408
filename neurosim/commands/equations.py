"""`neurosim equations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.commands.terminal import console


def equations(
    name: Annotated[
        str | None,
        typer.Argument(help="A model or rule, or a Python file with yours; all if left out."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Argument(help="With --plot: the picture to write (png, pdf, svg).")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw its response and f-I curve.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for PNG and PDF.")] = Path("runs/figures"),
) -> None:
    """List the equations, or print one, or those of a file: equations, parameters, reference."""
    from neurosim import equations as library
    from neurosim.errors import InputError

    if name is None:
        console.print(library.catalogue())
        return
    if picture is not None and not plot:
        raise InputError(f"{picture}: a picture is drawn with --plot only")
    own = name.endswith(".py")
    models = list(library.from_file(name).values()) if own else [library.get(name)]
    for model in models:
        console.print(library.describe(model), highlight=False, soft_wrap=True)
    for model in models if plot else ():
        paths = _draw(model, picture, out, several=len(models) > 1)
        console.print(f"drawn: {', '.join(map(str, paths))}", soft_wrap=True)


def _draw(model: Any, picture: Path | None, out: Path, *, several: bool) -> list[Path]:
    """Draw the page of a model, and return the files written."""
    from neurosim import drawing
    from neurosim.errors import InputError
    from neurosim.figures import equation

    label = model.name.replace(" ", "")
    formats: tuple[str, ...] = ("png", "pdf")
    stem = out / f"equation-{label}"
    if picture is not None:
        formats = (picture.suffix.removeprefix("."),)
        if formats[0] not in ("png", "pdf", "svg"):
            raise InputError(f"{picture}: name a picture that ends in .png, .pdf or .svg")
        stem = picture.with_name(picture.stem + (f"-{label}" if several else ""))
    return drawing.save(equation.draw(equation.compute(model)), stem, formats)
