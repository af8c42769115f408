"""What shares a draw of the threshold and when it is renewed."""

from __future__ import annotations

import xarray as xr

from neurosim.figures.panels import Hue, Panel, Sheet
from neurosim.studies.aspen.on_chip import over_sweep

TITLE = "Threshold randomness per network, layer, neuron; per batch, sample, step"
BASE = {"per": "network", "when": "batch"}
"""The paper's grain, which the others are compared with."""


def quantities(d: xr.Dataset) -> xr.Dataset:
    """Return accuracy at scale 1, and `gain` and `sparing` against the paper's grain, paired.

    `gain` is of the mean accuracy over scales 1 to 2.4, `sparing` the relative one of spikes at 1.
    """
    mean, at_one = over_sweep(d), d.sel(threshold=1.0, drop=True)
    gain, sparing = mean - mean.sel(BASE), at_one.spikes / at_one.spikes.sel(BASE) - 1
    return at_one.assign(gain=gain, sparing=sparing)


AGAINST = "against network/batch"
SHEET = Sheet(
    "aspen_granularity",
    (
        Panel("accuracy", "test accuracy", "Accuracy at scale 1"),
        Panel("gain", f"{AGAINST}, paired", "Mean accuracy, scales 1 to 2.4", lines=(0,)),
        Panel("sparing", f"{AGAINST}, relative", "Spikes at scale 1", lines=(0,)),
    ),
    kind="points",
    x="per",
    xlabel="what shares a draw",
    ticks={per: per for per in ("network", "layer", "neuron")},
    hue=Hue("when", {when: f"per {when}" for when in ("batch", "sample", "step")}),
    sides=(-0.15, 0, 0.15),
    quantities=quantities,
)
compute, draw = SHEET.compute, SHEET.draw
