"""Homeostats on real nets inside, at and outside the stability boundary of the theory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, ORANGE, style
from neurosim.figures.intervals import NOTE, band, over_seeds
from neurosim.studies import results
from neurosim.studies.ahsar._judges import SETTLED

TITLE = "The stability boundary of the homeostat, on real nets"
NETS = {"mlp": (BLUE, "o"), "small-vgg": (ORANGE, "s")}


def compute(source: str | Path = "ahsar_stability") -> dict[str, Any]:
    """Return late `swing`, `radius`, and the share `left` of the disagreement, over net and factor.

    Means and intervals of `swing` and `left` are those of their logarithms.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    left = d.disagreement / d.open_disagreement
    return {
        "swing": np.exp(over_seeds(np.log(d.swing.clip(1e-6)))),
        "radius": over_seeds(d.radius),
        "left": np.exp(over_seeds(np.log(left))),
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw late swing and disagreement left against beta over its critical value."""
    with style():
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        swing, left = figure.subplots(1, 2)
        for net in arrays["swing"].net.values:
            colour, marker = NETS[str(net)]
            for axis, name in ((swing, "swing"), (left, "left")):
                found = arrays[name].sel(net=net)
                band(axis, found.factor, found, colour, marker=marker, label=str(net))
        for axis in (swing, left):
            axis.axvline(1, color=BLACK, lw=0.8, ls="--")
            axis.set(xscale="log", xlabel="reaction gain over its critical value", yscale="log")
        swing.axhline(SETTLED, color=BLACK, lw=0.8, ls=":")
        swing.set(title="Does it settle?")
        swing.set_ylabel(f"late change of ln threshold per step\n({NOTE})")
        left.set(title="Disagreement of the layers", ylabel="spread of ln rates, last over first")
        swing.legend(fontsize=8)
    return figure
