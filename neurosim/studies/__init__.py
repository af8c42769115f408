"""Studies of both papers and of networks: cases, a function case -> rows, results that survive a
kill.

A file holds a STUDY, which `neurosim study NAME` runs, and the CLAIMS that `neurosim claims` judges
by its results.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from neurosim.errors import InputError, nearest

if TYPE_CHECKING:
    from neurosim.studies.study import Study

OTHER = "other_claims"
"""The file of each paper's claims that no study decides."""
PAPERS = {
    "aspen": (
        "thresholds",
        "chip",
        "widths",
        "laws",
        "granularity",
        "switching",
        "theory",
        "latency",
        "leads",
        "robustness",
        "compression",
        "governor",
        "activities",
        "daily",
        "falls",
        "braille",
        OTHER,
    ),
    "ahsar": (
        "scale",
        "start",
        "nets",
        "homeostat",
        "cifar",
        "ood",
        "stability",
        "population",
        "cost",
        "aspen",
        OTHER,
    ),
    "networks": ("published", "thresholds", "homeostasis", "layers"),
}
"""The files of each paper, and those of networks, in the order in which claims are printed."""


def names() -> tuple[str, ...]:
    """Return the names of all studies: `aspen_widths` is that of aspen/widths.py."""
    files = ((paper, file) for paper, own in PAPERS.items() for file in own if file != OTHER)
    return tuple(sorted(f"{paper}_{file}" for paper, file in files))


def get(name: str) -> Study:
    """Return a study by name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in names():
        raise InputError(f"study {name!r} is not known; {nearest(name, names())}")
    study: Study = import_module(f"{__name__}.{name.replace('_', '.', 1)}").STUDY
    return study
