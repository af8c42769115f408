"""ASPEN 2: how wide the law of the thresholds should be, U(1, 1.2) to U(1, 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import HIGH, RELEVANT, over_sweep
from neurosim.studies.claims import Finding, Verdict, by_sign, claim
from neurosim.studies.estimates import Estimate, interval, paired
from neurosim.studies.study import Row, Study


def measure(high: float, thresholds: tuple[float, ...], **net: Any) -> list[Row]:
    """Sweep the net that was trained at thresholds from U(1, high); 1 is a fixed threshold."""
    if high == 1.0:
        return on_chip.swept("fixed", thresholds, **net)
    return on_chip.swept("aspen", thresholds, threshold=(1.0, high), **net)


STUDY = Study(
    name="aspen_widths",
    title="Accuracy against energy for laws of the threshold from U(1, 1.2) to U(1, 3)",
    measure=measure,
    grid={"high": (1.0, *(round(1.2 + 0.2 * k, 1) for k in range(10)))},
    index=("high", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**on_chip.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={"high": (1.0, 2.0), **on_chip.FAST, "thresholds": (1.0, 2.4)},
)
TESTED = "{high} laws up to U(1, 3), {seed} seeds, short training"

TARGET = 0.5
"""Accuracy whose price in spikes laws are compared by; nearly all nets of the study reach it."""


def spikes_for(net: xr.Dataset, accuracy: float) -> float:
    """Return the fewest spikes at which a swept net has an accuracy; nan if it never has."""
    best = int(net.accuracy.argmax("threshold"))
    falling, spikes = (net[k].values[best:] for k in ("accuracy", "spikes"))
    if falling[0] < accuracy:
        return float("nan")
    falling = np.minimum.accumulate(falling)
    return float(np.interp(-accuracy, -falling, spikes))


@claim("A wider law saves energy and costs peak accuracy", "design tradeoffs", TESTED)
def widths(d: xr.Dataset) -> Finding:
    """Fit the best accuracy against the width; compare the spikes that an accuracy takes."""
    peak = d.accuracy.max("threshold")
    slope = interval(np.polyfit(d.high, peak.transpose("high", "seed"), 1)[0])

    def saving(high: float) -> Estimate:
        """Compare with fixed training."""
        price, rest = (
            np.array([spikes_for(d.sel(high=h, seed=s), TARGET) for s in d.seed.values])
            for h in (high, 1.0)
        )
        return interval(price / rest)

    middle, wide = saving(2.0), saving(3.0)
    text = (
        f"per unit of width the best accuracy changes by {slope}; an accuracy of {TARGET:g} takes "
        f"{middle:.2f} of the spikes of fixed training with U(1, 2), {wide:.2f} with U(1, 3)"
    )
    if slope.below and wide.high < 1:
        return Finding(text, Verdict.HOLDS)
    failed = slope.above or wide.low > 1
    return Finding(text, Verdict.FAILS if failed else Verdict.UNDECIDED)


@claim("The best width is U(1, 1.5) to U(1, 2)", "limitations", TESTED)
def best_width(d: xr.Dataset) -> Finding:
    """Compare the widths claimed with narrower and with wider ones; none is picked as the best."""
    mean = over_sweep(d)
    claimed = mean.sel(high=slice(1.45, 2.05)).mean("high")
    narrower = paired(claimed, mean.sel(high=slice(1.1, 1.45)).mean("high"))
    wider = paired(claimed, mean.sel(high=slice(2.05, None)).mean("high"))
    text = (
        f"mean accuracy over scales 1 to {HIGH}: laws U(1, 1.6) to U(1, 2) are {narrower} above "
        f"narrower ones, {wider} above wider ones; the highest mean has "
        f"U(1, {float(mean.mean('seed').idxmax('high')):g})"
    )
    sides = [by_sign(side, least=RELEVANT) for side in (narrower, wider)]
    if Verdict.FAILS in sides:
        return Finding(text, Verdict.FAILS)
    return Finding(text, Verdict.UNDECIDED if Verdict.UNDECIDED in sides else Verdict.HOLDS)


CLAIMS = (
    widths,
    best_width,
)
