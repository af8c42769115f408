"""Learning with and without AHSAR, and without each of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.figures.intervals import bars, over_seeds
from neurosim.studies import results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "AHSAR and its parts: accuracy while learning, against no homeostat"
METHODS = {"bptt": (BLUE, "through time"), "rate": (ORANGE, "rate-based")}
READINGS = {"gain": ("o", "mean over epochs"), "final": ("^", "last epoch")}
VARIANTS = {"full": "full", "no relaxation": "relaxation", "no diffusion": "diffusion"}
VARIANTS |= {"no gain": "gain"}


def compute(source: str | Path = "ahsar_homeostat") -> dict[str, Any]:
    """Return the paired `gain` in mean accuracy over epochs, and `final`, in the last epoch's.

    Both in percentage points over net, shown, learning and variant.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    rest = d.accuracy.sel(variant="none", drop=True)
    gain = 100 * (d.accuracy - rest).drop_sel(variant="none")
    return {"gain": over_seeds(gain.mean("epoch")), "final": over_seeds(gain.isel(epoch=-1))}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a row of panels for each net, a column for each input."""
    nets, columns = (arrays["gain"][axis].values for axis in ("net", "shown"))
    with style():
        size = (3.5 * len(columns) + 0.4, 2.2 * len(nets) + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(nets), len(columns), squeeze=False, sharey=True, sharex=True)
        for line, net in zip(panels, nets, strict=True):
            for axis, shown in zip(line, columns, strict=True):
                _panel(axis, {k: v.sel(net=net, shown=shown) for k, v in arrays.items()})
                axis.set_title(f"{net}: {shown}")
                axis.set_xlabel("left out of AHSAR" if net == nets[-1] else "")
            line[0].set_ylabel("gain of accuracy\n(percentage points)")
        handles = panels[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=8)
        note = "validation accuracy against the net without, paired; 95 % intervals over seeds"
        figure.suptitle(note, fontsize=8, x=0.01, ha="left")
    return figure


def _panel(axis: Axes, found: dict[str, Any]) -> None:
    """Draw the gains of one net and input, by variant."""
    variants = [v for v in VARIANTS if v in found["gain"].variant.values]
    count = found["gain"].sizes["learning"] * len(READINGS)
    sides = iter(np.linspace(-0.08, 0.08, count) * (count - 1))
    for method in found["gain"].learning.values:
        colour, text = METHODS[str(method)]
        for name, (marker, when) in READINGS.items():
            side = next(sides)
            one = found[name].sel(learning=method, variant=variants)
            at = [k + side for k in range(len(variants))]
            label = f"{text}, {when}"
            fill = {"markerfacecolor": "white"} if name == "final" else {}
            bars(axis, at, one, colour, marker=marker, ls="", lw=1, ms=4, label=label, **fill)
    axis.axhline(0, color=BLACK, lw=0.8, ls=":")
    names = ["nothing" if v == "full" else VARIANTS[v] for v in variants]
    axis.set_xticks(range(len(variants)), names)
    axis.set_xlim(-0.5, len(variants) - 0.5)
