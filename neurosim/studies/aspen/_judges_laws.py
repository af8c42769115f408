"""How claims on ASPEN's laws of the threshold in training are judged; each reads one study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.studies.ledger import Finding, Verdict, by_sign
from neurosim.studies.readings import at_spikes
from neurosim.studies.statistics import LEVEL, Estimate, interval, paired

if TYPE_CHECKING:
    import xarray as xr

RELEVANT = 0.02
"""Smallest difference of accuracy that matters in use: some 20 of 1000 windows."""
ASKED = 0.5
"""Accuracy whose price in spikes laws are compared by; nearly all nets of the study reach it."""
HIGH = 2.4
"""End of ASPEN's open-loop sweep."""


def over_sweep(d: xr.Dataset) -> xr.DataArray:
    """Return accuracies, means over runtime scales from 1 to 2.4."""
    return d.accuracy.sel(threshold=slice(0.99, None)).mean("threshold")


def spikes_for(net: xr.Dataset, accuracy: float) -> float:
    """Return the fewest spikes at which a swept net has an accuracy; nan if it never has."""
    best = int(net.accuracy.argmax("threshold"))
    falling, spikes = (net[k].values[best:] for k in ("accuracy", "spikes"))
    if falling[0] < accuracy:
        return float("nan")
    falling = np.minimum.accumulate(falling)
    return float(np.interp(-accuracy, -falling, spikes))


def widths(d: xr.Dataset) -> Finding:
    """Fit the best accuracy against the width; compare the spikes that an accuracy takes."""
    peak = d.accuracy.max("threshold")
    slope = interval(np.polyfit(d.high, peak.transpose("high", "seed"), 1)[0])

    def saving(high: float) -> Estimate:
        """Compare with fixed training."""
        price, rest = (
            np.array([spikes_for(d.sel(high=h, seed=s), ASKED) for s in d.seed.values])
            for h in (high, 1.0)
        )
        return interval(price / rest)

    middle, wide = saving(2.0), saving(3.0)
    text = (
        f"per unit of width the best accuracy changes by {slope}; an accuracy of {ASKED:g} takes "
        f"{middle:.2f} of the spikes of fixed training with U(1, 2), {wide:.2f} with U(1, 3)"
    )
    if slope.below and wide.high < 1:
        return Finding(text, Verdict.HOLDS)
    failed = slope.above or wide.low > 1
    return Finding(text, Verdict.FAILS if failed else Verdict.UNDECIDED)


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


def discrete(d: xr.Dataset) -> Finding:
    """Compare levels with a continuous law on the same range, and on one of the same variance."""
    mean, spikes = over_sweep(d), d.spikes.sel(threshold=1.0)
    rest = spikes.sel(law="continuous")
    texts, verdicts = [], []
    for law, kind in (("levels", "equal range"), ("levels matched", "matched variance")):
        gain = paired(mean.sel(law=law), mean.sel(law="continuous"))
        less = interval(((spikes.sel(law=law) - rest) / rest).values)
        texts.append(f"{kind} {gain}, spikes {less:.0%}")
        verdicts.append(by_sign(gain, least=RELEVANT))
    same_range, same_variance = verdicts
    if same_range is not Verdict.HOLDS and same_variance is Verdict.HOLDS:
        same_range = Verdict.REGIME
    return Finding(
        f"against continuous, accuracy over scales 1 to {HIGH}: " + "; ".join(texts), same_range
    )


def granularity(d: xr.Dataset) -> Finding:
    """Compare all grains with one draw for network and batch, all intervals together at 95 %."""
    mean = over_sweep(d)
    base = mean.sel(per="network", when="batch")
    others = [(p, w) for p in d.per.values for w in d.when.values if (p, w) != ("network", "batch")]
    level = 1 - (1 - LEVEL) / len(others)
    gaps = {f"{p}/{w}": paired(mean.sel(per=p, when=w), base, level) for p, w in others}
    name, best = max(gaps.items(), key=lambda item: item[1].low)
    clear = sum(gap.above for gap in gaps.values())
    text = (
        f"against one draw for the network and batch, mean accuracy over scales 1 to {HIGH} "
        f"changes by {best} for {name}; clearly better: {clear} of {len(others)} others "
        "(intervals widened for so many)"
    )
    if clear:
        return Finding(text, Verdict.FAILS)
    none_better = all(gap.high < RELEVANT for gap in gaps.values())
    return Finding(text, Verdict.HOLDS if none_better else Verdict.UNDECIDED)


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
