"""Tables in the form of a study's results, of random numbers: to test what reads them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np

from neurosim import studies
from neurosim.studies import results
from neurosim.studies.aspen.governor import POLICIES
from neurosim.studies.aspen.robustness import SEVERITIES
from neurosim.studies.networks.published import LAYERS

SEEDS = 3
ADDED = {
    "threshold": (1.0, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4),
    "lead": (3.0, 6.0, 10.0, np.inf),
    "time": (0.16, 0.32, 0.48),
    "kind": ("clean", "noise", "rotation", "gain", "MNIST", "uniform"),
    "quantity": ("hidden 1", "hidden 2", "output", "accuracy"),
    "epoch": (1, 2, 3),
    "corruption": ("none", "known people", *SEVERITIES),
    "strength": (0, 3),
    "policy": POLICIES,
    "week": (0, 1),
    "population": ("E", "I", *LAYERS),
}
"""Axes that rows of studies add to the grid."""
OWN = {"networks_homeostasis": {"time": tuple(np.arange(-5, 51) / 5)}}
"""Those that one study has otherwise: times before a change too, at whole bins."""


def write(name: str, folder: Path, rng: np.random.Generator, **fixed: np.ndarray) -> Path:
    """Write NAME.csv with values uniform on 0..1 over the whole grid; return its path.

    Args:
        name: of a study.
        folder: of the table.
        rng: draws the values.
        fixed: columns by name: a function of the row's labels.
    """
    study = studies.get(name)
    axes = {"seed": range(SEEDS), **ADDED, **OWN.get(name, {}), **study.grid}
    rows = []
    for point in product(*(axes[axis] for axis in study.index)):
        row = dict(zip(study.index, point, strict=True))
        row |= {column: float(rng.uniform()) for column in study.units}
        row |= {column: value(row) for column, value in fixed.items() if column in study.units}
        rows.append(row)
    return results.write_table(study, rows, folder, command=f"neurosim study {name}", seconds=1.0)


def keep(path: Path, wanted: Callable[[str], bool], old: str = "", new: str = "") -> None:
    """Leave lines out of a table, or replace a text in it, as its writer would: without a seal."""
    lines = path.read_text(encoding="utf-8").replace(old, new).splitlines(keepends=True)
    kept = [line for line in lines if wanted(line) and not line.startswith("# sha256: ")]
    path.write_text("".join(kept), encoding="utf-8")
