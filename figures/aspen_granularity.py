"""What shares a draw of the threshold and when it is renewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.experiments.studies import results
from neurosim.figures.intervals import NOTE, bars, over_seeds
from neurosim.figures.style import BLUE, GREEN, ORANGE, style

TITLE = "Threshold randomness per network, layer, neuron; per batch, sample, step"
WHEN = {"batch": (BLUE, "o"), "sample": (ORANGE, "s"), "step": (GREEN, "^")}
RAISED = 1.99
"""Runtime thresholds above this are the second panel's."""


def compute(source: str | Path = "aspen_granularity") -> dict[str, Any]:
    """Return accuracy by grain at scale 1 (`one`) and its mean over raised scales (`raised`).

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    raised = d.accuracy.sel(threshold=slice(RAISED, None)).mean("threshold")
    one = over_seeds(d.accuracy.sel(threshold=1.0))
    return {
        "one": one,
        "raised": over_seeds(raised),
        "spikes": over_seeds(d.spikes.sel(threshold=1.0)),
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw a group of bars for each grain in space, one bar for each grain in time."""
    titles = {
        "one": "Accuracy at scale 1",
        "raised": "Mean accuracy at scales 2 to 2.4",
        "spikes": "Spikes at scale 1",
    }
    with style():
        figure = Figure(figsize=(9.9, 3.1), layout="constrained")
        for axis, (name, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
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
            axis.set_xticks(list(places), [f"per {p}" for p in found.per.values])
            axis.set(title=title, ylabel=f"test accuracy\n({NOTE})", xlabel="what shares a draw")
        axis.set_ylabel(f"spikes per window\n({NOTE})")
        figure.legend(
            *axis.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=3
        )
    return figure
