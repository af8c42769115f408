"""Fixed and stochastic training over the runtime threshold, on ASPEN's own data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from neurosim.data import ku_har, uci_har, unimib_shar
from neurosim.drawing import style
from neurosim.figures.aspen_thresholds import LEGEND, curves, panels
from neurosim.studies import results
from neurosim.studies.aspen.activities import LEFT_OUT

TITLE = "Fixed and stochastic training on UCI-HAR, KU-HAR and UniMiB-SHAR"
SETS = {
    "uci-har": ("UCI-HAR", len(uci_har.CLASSES)),
    "ku-har": ("KU-HAR, blocks for people", len(ku_har.CLASSES) - len(LEFT_OUT)),
    "unimib-shar": ("UniMiB-SHAR", len(unimib_shar.CLASSES)),
}
"""Title and number of classes."""


def compute(source: str | Path = "aspen_activities") -> dict[str, Any]:
    """Return what `aspen_thresholds.compute` does, for each set whose results are there.

    Raises:
        InputError: the results are not there.
    """
    d = results.read(source)
    return {name: curves(d.sel(data=name)) for name in d["data"].values}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw accuracy, its paired gain, spikes, and accuracy against spikes: a row a set."""
    with style():
        figure = Figure(figsize=(12.4, 0.3 + 2.8 * len(arrays)), layout="constrained")
        rows = figure.subplots(len(arrays), 4, squeeze=False)
        for axes, (name, found) in zip(rows, arrays.items(), strict=True):
            title, classes = SETS[name]
            panels(axes, found, 1 / classes)
            for axis in axes:
                axis.set_title(title)
        rows[0, 0].legend(**LEGEND)
    return figure
