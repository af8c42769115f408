"""Gains of accuracy in the form of AHSAR's table 1."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table

from neurosim.studies.claims import pool
from neurosim.studies.estimates import interval

if TYPE_CHECKING:
    import xarray as xr

ROWS = ("learning", "mode", "net")


def table(d: xr.Dataset, inputs: str) -> Table:
    """Return gains of test accuracy against no homeostat, paired over seeds.

    A row for each method of learning, step mode, net and, if there are several, variant; a column
    for each input and number of steps; the last rows are means over all nets, modes and methods.

    Args:
        d: a study's results over ROWS, "steps", "variant", "seed" and `inputs`.
        inputs: the axis of what nets are shown.
    """
    gain = 100 * (d.accuracy - d.accuracy.sel(variant="none", drop=True))
    gain = gain.drop_sel(variant="none")
    columns = [{inputs: s, "steps": t} for s in d[inputs].values for t in d.steps.values]
    out = Table(
        title="Gain of test accuracy by AHSAR (percentage points)",
        caption=_caption(gain),
        box=box.SIMPLE_HEAD,
        padding=0,
    )
    several = ["AHSAR"] if gain.sizes["variant"] > 1 else []
    for name in (*ROWS, *several):
        out.add_column(name)
    for column in columns:
        out.add_column(f"{column[inputs]}\nT = {column['steps']}", justify="right")
    before: tuple[str, ...] = ("",) * len(ROWS)
    for point in product(*(gain[axis].values for axis in ROWS), gain.variant.values):
        at = gain.sel(dict(zip((*ROWS, "variant"), point, strict=True)))
        labels = tuple(map(str, point[:-1]))
        same = [labels[: k + 1] == before[: k + 1] for k in range(len(labels))]
        names = ["" if s else label for s, label in zip(same, labels, strict=True)]
        names += [str(point[-1])] * len(several)
        out.add_row(*names, *(_cell(at.sel(c)) for c in columns))
        before = labels
    out.add_section()
    for variant in gain.variant.values:
        at = gain.sel(variant=variant).mean(ROWS)
        names = ["mean", "", "", *[str(variant)] * len(several)]
        out.add_row(*names, *(_cell(at.sel(c)) for c in columns))
    return out


def _cell(gain: xr.DataArray) -> str:
    """Return the mean gain of one cell, (seed,), marked where its interval excludes 0."""
    estimate = interval(gain)
    return f"{estimate.mean:+.2f}" + ("*" if estimate.above or estimate.below else " ")


def _caption(gain: xr.DataArray) -> str:
    full = pool(gain.sel(variant="full", drop=True))
    error = gain.std("seed", ddof=1) / np.sqrt(gain.sizes["seed"])
    text = f"all: {full:+.2f}"
    if gain.sizes["seed"] < 2:
        return f"{text}; one seed has no interval"
    return (
        f"{text}; * the 95 % interval over seeds excludes 0, without correction for their number; "
        f"standard error of a setting {float(error.median()):.2f} (median)"
    )
