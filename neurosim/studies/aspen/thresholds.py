"""ASPEN 1: nets trained at a fixed and at a stochastic threshold, over the runtime threshold."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim import tables
from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import HIGH, TESTED
from neurosim.studies.claims import Finding, Verdict, by_sign, claim
from neurosim.studies.estimates import Estimate, interval, paired
from neurosim.studies.study import Row, Study, Training


def measure(
    net: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Sweep one net on the integer chip and as the float net that was trained."""
    from neurosim.workflows.float_sweep import sweep

    data, network, spec = on_chip.wrist(net, seed, every=every, training=training)
    rows = on_chip.sweep(spec, data.test, thresholds)
    floats = sweep(network, data.test.raster, data.test.labels, thresholds)
    sizes = data.test.raster.shape[1] * np.array(network.shape[1:])
    for row, accuracy, rates in zip(rows, floats.accuracy, floats.rates, strict=True):
        row.update(accuracy_float=float(accuracy), spikes_float=float(rates @ sizes))
    return rows


STUDY = Study(
    name="aspen_thresholds",
    title="Accuracy and spikes against the runtime threshold: fixed and stochastic training",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "seed", "threshold"),
    units={
        **on_chip.UNITS,
        "accuracy_float": "share of test windows",
        "spikes_float": "spikes per window",
    },
    settings={**on_chip.FULL, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={**on_chip.FAST, "thresholds": (0.6, 1.0, 2.4)},
)

COLUMNS = {"accuracy": ".2f", "spikes": ",.0f", "power": ".1f"}
"""What the README shows of each net, and how it is written."""


def markdown(d: xr.Dataset) -> str:
    """Return lowest and highest value over the seeds at each scale, a column for each net."""
    nets, units = ("fixed", "ASPEN"), {"spikes": "spikes / inference", "power": "est. µW"}
    titles = [f"{units.get(name, name)} {net}" for name in COLUMNS for net in nets]
    rows = []
    for scale in d.threshold.values:
        cells = [f"{scale}"]
        for name, form in COLUMNS.items():
            for net in nets:
                values = d[name].sel(threshold=scale, net=net.lower()).values
                cells.append(f"{min(values):{form}} to {max(values):{form}}")
        rows.append(cells)
    return tables.markdown(("threshold scale", *titles), rows)


CLOSE = 0.02
"""Accuracies that differ by less are competitive."""
SPARED = 0.05
"""Smallest share of the spikes that is worth saving."""


@claim(
    "A net trained at a fixed threshold drops catastrophically when it is raised",
    "failure signatures",
    TESTED,
)
def fixed_drops(d: xr.Dataset) -> Finding:
    """Whether fixed nets end below chance."""
    fixed = d.accuracy.sel(net="fixed")
    peak, end = interval(fixed.max("threshold")), interval(fixed.sel(threshold=HIGH))
    text = f"accuracy of fixed nets falls from {peak} at its best to {end} at scale {HIGH}"
    chance = 1 / 7
    return Finding(text, Verdict.HOLDS if end.high < chance else Verdict.UNDECIDED)


@claim("Stochastic thresholds make the loss of accuracy graceful", "key results", TESTED)
def graceful(d: xr.Dataset) -> Finding:
    """Whether ASPEN's nets keep more at the highest threshold."""
    aspen, fixed = d.accuracy.sel(net="aspen"), d.accuracy.sel(net="fixed")
    gain = paired(aspen.sel(threshold=HIGH), fixed.sel(threshold=HIGH))
    steepest = [interval((-a.diff("threshold")).max("threshold")) for a in (aspen, fixed)]
    text = (
        f"at scale {HIGH} {gain} above fixed training; steepest loss in a step of 0.2: "
        f"{steepest[0]} against {steepest[1]}"
    )
    return Finding(text, by_sign(gain))


@claim("Accuracy stays competitive", "key results", TESTED)
def competitive(d: xr.Dataset) -> Finding:
    """Whether the best accuracy is within 0.02 of fixed training's."""
    aspen, fixed = (d.accuracy.sel(net=n) for n in ("aspen", "fixed"))
    best = paired(aspen.max("threshold"), fixed.max("threshold"))
    one = paired(aspen.sel(threshold=1.0), fixed.sel(threshold=1.0))
    text = f"best accuracy {best}, at scale 1 {one} against fixed training"
    return Finding(text, close(best))


def close(difference: Estimate) -> Verdict:
    """Return the verdict on a claim that accuracy is lost by no more than CLOSE."""
    if difference.high < -CLOSE:
        return Verdict.FAILS
    return Verdict.HOLDS if difference.low > -CLOSE else Verdict.UNDECIDED


@claim("Raising the threshold at inference lowers spikes and dynamic power", "mechanism 2", TESTED)
def knob(d: xr.Dataset) -> Finding:
    """How spikes and estimated power fall with the threshold."""
    low, high = (d.sel(threshold=t, net="aspen") for t in (1.0, HIGH))
    ratio = interval(high.spikes / low.spikes)
    power = paired(low.power, high.power)
    text = (
        f"scale 1 to {HIGH} leaves {ratio} of the spikes; estimated power falls by {power:.2f} µW "
        "of some 191 µW, since nearly all of it is idle power"
    )
    falls = bool((d.spikes.diff("threshold") < 0).all())
    return Finding(text, Verdict.REGIME if falls else Verdict.FAILS)


@claim("Training with them gives sparser nets", "mechanism 1", TESTED)
def sparser(d: xr.Dataset) -> Finding:
    """Whether ASPEN's nets fire less at scale 1."""
    at = d.spikes.sel(threshold=1.0)
    change = interval(((at.sel(net="aspen") - at.sel(net="fixed")) / at.sel(net="fixed")).values)
    return Finding(
        f"spikes at scale 1 differ by {change:.1%} from fixed training",
        by_sign(change, positive=False, least=SPARED),
    )


@claim("Too high a threshold silences fixed nets", "failure signatures", TESTED)
def silent(d: xr.Dataset) -> Finding:
    """Compare the share of windows without an output spike."""
    share = {n: interval(d.undecided.sel(net=n, threshold=HIGH)) for n in ("fixed", "aspen")}
    end = d.undecided.sel(threshold=HIGH)
    gap = paired(end.sel(net="fixed"), end.sel(net="aspen"))
    text = (
        f"share of windows without any output spike at scale {HIGH}: {share['fixed']} (fixed), "
        f"{share['aspen']} (ASPEN)"
    )
    return Finding(text, by_sign(gap))


CLAIMS = (
    fixed_drops,
    graceful,
    competitive,
    knob,
    sparser,
    silent,
)
