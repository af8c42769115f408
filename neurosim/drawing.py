"""The one style sheet, and how a figure is written: to files, or into a page as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim import store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, BLACK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)


@contextmanager
def style() -> Iterator[None]:
    """Draw in neurosim's style, with no display needed, and leave global settings as they were."""
    import matplotlib as mpl

    with mpl.rc_context(fname=str(files("neurosim") / "neurosim.mplstyle")):
        yield


def save(figure: Figure, stem: Path, formats: tuple[str, ...] = ("png", "pdf")) -> list[Path]:
    """Write a figure as `stem.png` and `stem.pdf`, each whole or not at all."""
    paths = []
    for suffix in formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        # No date in the file: the same numbers give the same bytes.
        dated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(suffix, {})
        with style(), store.writing(path) as file:
            figure.savefig(file, format=suffix, metadata=dated)
        paths.append(path)
    return paths


def svg(figure: Figure) -> str:
    """Return a figure as an inline SVG element."""
    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
