"""Learning with and without AHSAR, and without each of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.experiments.studies import results
from neurosim.figures.intervals import bars, over_seeds
from neurosim.figures.style import BLACK, BLUE, ORANGE, style

TITLE = "AHSAR and its parts: accuracy while learning, against no homeostat"
METHODS = {"bptt": (BLUE, "o", "through time"), "rate": (ORANGE, "s", "rate-based")}


def compute(source: str | Path = "ahsar_homeostat") -> dict[str, Any]:
    """Return the paired `gain` in mean accuracy over epochs, and `final`, in the last epoch's.

    Both over shown, method and variant.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    rest = d.accuracy.sel(variant="none", drop=True)
    gain = (d.accuracy - rest).drop_sel(variant="none")
    return {"gain": over_seeds(gain.mean("epoch")), "final": over_seeds(gain.isel(epoch=-1))}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a column for each input, gains on the way above those at the end."""
    rows = {"gain": "mean over epochs", "final": "last epoch"}
    columns = arrays["gain"].shown.values
    with style():
        figure = Figure(figsize=(3.6 * len(columns), 5.2), layout="constrained")
        panels = figure.subplots(2, len(columns), squeeze=False, sharey="row")
        for line, (name, text) in zip(panels, rows.items(), strict=True):
            for axis, shown in zip(line, columns, strict=True):
                found = arrays[name].sel(shown=shown)
                variants = [str(v) for v in found.variant.values]
                for side, method in zip((-0.1, 0.1), found.learning.values, strict=False):
                    colour, marker, label = METHODS[str(method)]
                    at = [k + side for k in range(len(variants))]
                    one = found.sel(learning=method)
                    bars(axis, at, one, colour, marker=marker, ls="", label=label)
                axis.axhline(0, color=BLACK, lw=0.8, ls=":")
                axis.set_xticks(range(len(variants)), variants, rotation=20, fontsize=8)
                axis.set(title=f"{shown},\n{text}", xlim=(-0.5, len(variants) - 0.5))
                axis.set(xlabel="AHSAR, and what is left out")
            line[0].set_ylabel("gain of validation accuracy\n(paired, 95 % interval)")
        handles = axis.get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2, fontsize=8)
    return figure
