"""What shares a draw of the threshold and when it is renewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.drawing import BLACK, BLUE, GREEN, ORANGE, style
from neurosim.figures.intervals import NOTE, bars, over_seeds
from neurosim.studies import results

TITLE = "Threshold randomness per network, layer, neuron; per batch, sample, step"
WHEN = {"batch": (BLUE, "o"), "sample": (ORANGE, "s"), "step": (GREEN, "^")}
PER = ("network", "layer", "neuron")
BASE = {"per": "network", "when": "batch"}
"""The paper's grain, which the others are compared with."""


def compute(source: str | Path = "aspen_granularity") -> dict[str, Any]:
    """Return accuracy at scale 1 (`one`); paired with the paper's grain: `gain` and `sparing`.

    `gain` is of the mean accuracy over scales 1 to 2.4, `sparing` the relative one of spikes at
    scale 1.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source).sel(per=list(PER))
    mean = d.accuracy.sel(threshold=slice(0.99, None)).mean("threshold")
    spikes = d.spikes.sel(threshold=1.0)
    return {
        "one": over_seeds(d.accuracy.sel(threshold=1.0)),
        "gain": over_seeds(mean - mean.sel(BASE)),
        "sparing": over_seeds(spikes / spikes.sel(BASE) - 1),
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a group of bars for each grain in space, one bar for each grain in time."""
    titles = {
        "one": ("Accuracy at scale 1", "test accuracy"),
        "gain": ("Mean accuracy, scales 1 to 2.4", "against network/batch, paired"),
        "sparing": ("Spikes at scale 1", "against network/batch, relative"),
    }
    with style():
        figure = Figure(figsize=(10.8, 3.4), layout="constrained")
        for axis, (name, (title, label)) in zip(figure.subplots(1, 3), titles.items(), strict=True):
            found = arrays[name]
            places = range(found.sizes["per"])
            for k, when in enumerate(found.when.values):
                colour, marker = WHEN[str(when)]
                at = [p + 0.15 * (k - 1) for p in places]
                bars(
                    axis,
                    at,
                    found.sel(when=when),
                    colour,
                    marker=marker,
                    ls="",
                    label=f"per {when}",
                )
            axis.set_xticks(list(places), [str(p) for p in found.per.values])
            axis.set(title=title, ylabel=f"{label}\n({NOTE})", xlabel="what shares a draw")
            if name != "one":
                axis.axhline(0, color=BLACK, lw=0.8, ls=":")
        figure.legend(
            *axis.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=3
        )
    return figure
