"""Tidy tables that come with the figures: CSV, headed by the command that makes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from neurosim import store
from neurosim.errors import InputError


def stored() -> Path:
    """Return the folder of the results that come with the figures."""
    return Path(str(files("neurosim.figures"))) / "data"


def write(path: Path, rows: Sequence[Mapping[str, object]], *, command: str) -> Path:
    """Write rows of equal keys, whole or not at all; floats with six digits."""
    text = io.StringIO()
    text.write(f"# command: {command}\n")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        short = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(short)
    store.write_text(path, text.getvalue())
    return path


def read(path: Path, *, remedy: str) -> dict[str, np.ndarray]:
    """Return the columns of a table; numbers as float64, else strings.

    Args:
        path: the file.
        remedy: the command that makes it.

    Raises:
        InputError: there is no such table, or it is damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; run `{remedy} --out {path.parent}`")
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("# ")))
    if not rows or any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path}: damaged table; run `{remedy}` again")
    return {name: _column([row[name] for row in rows]) for name in rows[0]}


def _column(values: list[str]) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        return np.array(values)
