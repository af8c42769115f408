"""ASPEN: nets for single thresholds, switched as energy allows, against one net for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import RELEVANT
from neurosim.studies.claims import Finding, by_sign, claim
from neurosim.studies.estimates import interval
from neurosim.studies.study import Row, Study

NETS = {
    "fixed at 1": (1.0, 1.0),
    "fixed at 1.6": (1.6, 1.6),
    "fixed at 2.2": (2.2, 2.2),
    "U(1, 2)": (1.0, 2.0),
}
"""Each a law of the threshold in training; the first three are what is switched between."""


def measure(net: str, thresholds: tuple[float, ...], **common: Any) -> list[Row]:
    """Sweep one of the nets."""
    preset = "aspen" if net.startswith("U") else "fixed"
    return on_chip.swept(preset, thresholds, threshold=NETS[net], **common)


STUDY = Study(
    name="aspen_switching",
    title="Model switching against a single model",
    measure=measure,
    grid={"net": tuple(NETS)},
    index=("net", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**on_chip.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={**on_chip.FAST, "net": ("fixed at 1.6", "U(1, 2)"), "thresholds": (1.0, 1.8)},
)


def at_spikes(net: xr.Dataset, spikes: np.ndarray) -> np.ndarray:
    """Return the accuracies of a swept net at numbers of spikes, 0 below its fewest."""
    order = np.argsort(net.spikes.values)
    return np.interp(spikes, net.spikes.values[order], net.accuracy.values[order], left=0.0)


@claim(
    "Model switching covers a wider range than a single model",
    "design tradeoffs",
    "three fixed nets against U(1, 2), {seed} seeds",
)
def switching(d: xr.Dataset) -> Finding:
    """Compare at equal spikes: both read off where the single net stands."""
    one, switched = d.sel(net="U(1, 2)"), d.drop_sel(net="U(1, 2)")
    gaps = []
    for seed in d.seed.values:
        at = one.spikes.sel(seed=seed).values
        best = np.max(
            [at_spikes(switched.sel(net=net, seed=seed), at) for net in switched.net.values],
            axis=0,
        )
        gaps.append(best - one.accuracy.sel(seed=seed).values)
    gap = interval(np.mean(gaps, axis=1))
    low = interval(np.array(gaps)[:, -1])
    text = (
        f"at equal spikes the best of three fixed nets is {gap} above a single net trained on "
        f"U(1, 2), on average over its sweep; {low} at its fewest spikes"
    )
    return Finding(text, by_sign(gap, least=RELEVANT))


CLAIMS = (switching,)
