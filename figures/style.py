"""The one style sheet, and how a figure is written to files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

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
    with mpl.rc_context(fname=str(files("neurosim.figures") / "neurosim.mplstyle")):
        yield


def save(figure: Figure, stem: Path, formats: tuple[str, ...] = ("png", "pdf")) -> list[Path]:
    """Write a figure as `stem.png` and `stem.pdf`, each whole or not at all."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for suffix in formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        partial = path.with_name(f"{path.name}.part")
        # No date in the file: the same numbers give the same bytes.
        dated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(suffix, {})
        with style():
            figure.savefig(partial, format=suffix, metadata=dated)
        os.replace(partial, path)
        paths.append(path)
    return paths
