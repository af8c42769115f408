"""How ASPEN's claims on trained nets are judged; `judges_aspen_laws` has those on laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.data.activity_sets import NAMES
from neurosim.studies.aspen._judges_laws import HIGH, RELEVANT
from neurosim.studies.ledger import Finding, Verdict, by_sign
from neurosim.studies.readings import crossing, settling_time
from neurosim.studies.statistics import Estimate, interval, paired

if TYPE_CHECKING:
    import xarray as xr

CLOSE = 0.02
"""Accuracies that differ by less are competitive."""
SPARED = 0.05
"""Smallest share of the spikes that is worth saving."""
LATE_S = 0.1
"""Smallest delay of a decision that a wearer could notice [s]."""


def fixed_drops(d: xr.Dataset) -> Finding:
    """Whether fixed nets end below chance."""
    fixed = d.accuracy.sel(net="fixed")
    peak, end = interval(fixed.max("threshold").values), interval(fixed.sel(threshold=HIGH).values)
    text = f"accuracy of fixed nets falls from {peak} at its best to {end} at scale {HIGH}"
    chance = 1 / 7
    return Finding(text, Verdict.HOLDS if end.high < chance else Verdict.UNDECIDED)


def graceful(d: xr.Dataset) -> Finding:
    """Whether ASPEN's nets keep more at the highest threshold."""
    aspen, fixed = d.accuracy.sel(net="aspen"), d.accuracy.sel(net="fixed")
    gain = paired(aspen.sel(threshold=HIGH), fixed.sel(threshold=HIGH))
    steepest = [interval((-a.diff("threshold")).max("threshold").values) for a in (aspen, fixed)]
    text = (
        f"at scale {HIGH} {gain} above fixed training; steepest loss in a step of 0.2: "
        f"{steepest[0]} against {steepest[1]}"
    )
    return Finding(text, by_sign(gain))


def competitive(d: xr.Dataset) -> Finding:
    """Whether the best accuracy is within 0.02 of fixed training's."""
    aspen, fixed = (d.accuracy.sel(net=n) for n in ("aspen", "fixed"))
    best = paired(aspen.max("threshold"), fixed.max("threshold"))
    one = paired(aspen.sel(threshold=1.0), fixed.sel(threshold=1.0))
    text = f"best accuracy {best}, at scale 1 {one} against fixed training"
    return Finding(text, _close(best))


def _close(difference: Estimate) -> Verdict:
    """Return the verdict on a claim that accuracy is lost by no more than CLOSE."""
    if difference.high < -CLOSE:
        return Verdict.FAILS
    return Verdict.HOLDS if difference.low > -CLOSE else Verdict.UNDECIDED


def own_sets(d: xr.Dataset) -> Finding:
    """Judge on each set whether the loss is graceful and accuracy competitive."""
    texts, verdicts = [], []
    for name in d["data"].values:
        aspen, fixed = (d.accuracy.sel(data=name, net=n) for n in ("aspen", "fixed"))
        gain = paired(aspen.sel(threshold=HIGH), fixed.sel(threshold=HIGH))
        best = paired(aspen.max("threshold"), fixed.max("threshold"))
        texts.append(f"{name} {gain:+.3f}, {best:+.3f}")
        both = {by_sign(gain, least=RELEVANT), _close(best)}
        undecided = Verdict.UNDECIDED if Verdict.UNDECIDED in both else Verdict.HOLDS
        verdicts.append(Verdict.FAILS if Verdict.FAILS in both else undecided)
    text = f"accuracy at scale {HIGH}, and at its best, against fixed training: " + "; ".join(texts)
    if Verdict.HOLDS in verdicts:
        everywhere = set(verdicts) == {Verdict.HOLDS} and len(verdicts) == len(NAMES)
        return Finding(text, Verdict.HOLDS if everywhere else Verdict.REGIME)
    return Finding(text, Verdict.FAILS if Verdict.FAILS in verdicts else Verdict.UNDECIDED)


def knob(d: xr.Dataset) -> Finding:
    """How spikes and estimated power fall with the threshold."""
    low, high = (d.sel(threshold=t, net="aspen") for t in (1.0, HIGH))
    ratio = interval((high.spikes / low.spikes).values)
    power = paired(low.power, high.power)
    text = (
        f"scale 1 to {HIGH} leaves {ratio} of the spikes; estimated power falls by {power:.2f} µW "
        "of some 191 µW, since nearly all of it is idle power"
    )
    falls = bool((d.spikes.diff("threshold") < 0).all())
    return Finding(text, Verdict.REGIME if falls else Verdict.FAILS)


def sparser(d: xr.Dataset) -> Finding:
    """Whether ASPEN's nets fire less at scale 1."""
    at = d.spikes.sel(threshold=1.0)
    change = interval(((at.sel(net="aspen") - at.sel(net="fixed")) / at.sel(net="fixed")).values)
    return Finding(
        f"spikes at scale 1 differ by {change:.1%} from fixed training",
        by_sign(change, positive=False, least=SPARED),
    )


def jensen() -> Finding:
    """Compare a drawn threshold with its mean, in closed form."""
    from neurosim.analysis.thresholds import random_threshold, stationary

    def change(mean: float) -> float:
        """Relative change of the rate when theta = 1.25 becomes U(1, 1.5)."""
        single = float(stationary.exceedance(1.25, mean, 0.3))
        law = random_threshold.Uniform(1.0, 1.5)
        return float(random_threshold.expected_exceedance(law, mean, 0.3)) / single - 1

    sparse, dense = change(0.7), change(1.6)
    text = (
        f"a threshold from U(1, 1.5) instead of its mean changes the rate by {sparse:+.0%} where "
        f"the membrane's mean is below it (0.7), and by {dense:+.1%} where it is above (1.6)"
    )
    ok = sparse > 0 > dense
    return Finding(text, Verdict.REGIME if ok else Verdict.FAILS)


def linear(d: xr.Dataset) -> Finding:
    """How well a line relates estimated power to spikes."""
    from neurosim.energy import price

    within, bins, elasticity = [], [], []
    for net in d.net.values:
        for seed in d.seed.values:
            one = d.sel(net=net, seed=seed)
            within.append(np.corrcoef(one.spikes, one.power)[0, 1] ** 2)
            bins.append(np.corrcoef(one.active_bins, one.power)[0, 1] ** 2)
            dynamic = one.power - 1e6 * (price.anchor("imu").idle_w or 0.0)
            elasticity.append(np.polyfit(np.log(one.spikes), np.log(dynamic), 1)[0])
    text = (
        f"line through power and spikes: R² {min(within):.3f} to {max(within):.3f}, "
        f"d ln(dynamic power)/d ln(spikes) {interval(np.array(elasticity)):.2f} (proportion: 1); "
        f"in active bins R² {min(bins):.4f}; spikes differing between Brian2 and XyloSim: "
        f"{int(d.differing.sum())}"
    )
    return Finding(text, Verdict.HOLDS if min(within) > 0.98 else Verdict.FAILS)


def silent(d: xr.Dataset) -> Finding:
    """Compare the share of windows without an output spike."""
    share = {n: interval(d.undecided.sel(net=n, threshold=HIGH).values) for n in ("fixed", "aspen")}
    end = d.undecided.sel(threshold=HIGH)
    gap = paired(end.sel(net="fixed"), end.sel(net="aspen"))
    text = (
        f"share of windows without any output spike at scale {HIGH}: {share['fixed']} (fixed), "
        f"{share['aspen']} (ASPEN)"
    )
    return Finding(text, by_sign(gap))


def predictable(d: xr.Dataset) -> Finding:
    """Compare predicted with counted spikes, and accuracies."""
    layers = [q for q in d["quantity"].values if q != "accuracy"]
    total = d.sel(quantity=layers).sum("quantity")
    error = total.predicted / total.measured - 1
    spread = float(total.measured.max() / total.measured.min())
    off = interval(
        (d.predicted - d.measured).sel(quantity="accuracy").mean(("threshold", "net")).values
    )
    text = (
        f"total spikes predicted from weights and input rates within {float(error.min()):+.1%} to "
        f"{float(error.max()):+.1%} over a {spread:.0f}-fold range; accuracy overrated by {off}"
    )
    good = float(np.abs(error).max()) < 0.1
    return Finding(text, Verdict.REGIME if good else Verdict.FAILS)


def latency(d: xr.Dataset) -> Finding:
    """Compare the times of first output spikes and final decisions."""
    texts, verdicts = [], []
    for high in (1.4, 1.8, 2.2):
        first, final = (
            paired(times.sel(net="aspen", threshold=high), times.sel(net="aspen", threshold=1.0))
            for times in (crossing(d.decided), settling_time(d))
        )
        texts.append(f"{high:g} {first:+.2f} s, {final:+.2f} s")
        verdicts.append(by_sign(first, least=LATE_S))
    text = "median first spike, settling later than at scale 1 (of 2.56 s): " + "; ".join(texts)
    return Finding(text, verdicts[-1])


def robust(d: xr.Dataset) -> Finding:
    """Compare the losses of accuracy under the strongest corruptions."""
    at = d.accuracy.sel(threshold=1.0, strength=3)
    clean = d.accuracy.sel(threshold=1.0, strength=0, corruption="none")
    loss = clean - at.sel(corruption=[c for c in d.corruption.values if c not in KNOWN])
    gap = loss.sel(net="fixed") - loss.sel(net="aspen")
    each = {
        str(c): paired(loss.sel(net="fixed", corruption=c), loss.sel(net="aspen", corruption=c))
        for c in loss.corruption.values
    }
    overall = interval(gap.mean("corruption").values)
    better = [c for c, e in each.items() if e.above]
    worse = [c for c, e in each.items() if e.below]
    text = (
        f"loss of accuracy under the strongest corruptions, fixed training less ASPEN: {overall}; "
        f"ASPEN loses clearly less under {', '.join(better) or 'none'}, clearly more under "
        f"{', '.join(worse) or 'none'}"
    )
    return Finding(text, by_sign(overall, least=RELEVANT))


KNOWN = ("none", "known people")


def additive(d: xr.Dataset) -> Finding:
    """Compare both trainings after pruning and rounding."""
    at = d.accuracy.sel(threshold=1.8)
    small = {"pruning": 0.5, "bits": 4}
    gain = paired(at.sel(net="aspen", **small), at.sel(net="fixed", **small))
    plain = paired(
        at.sel(net="aspen", pruning=0.0, bits=8), at.sel(net="fixed", pruning=0.0, bits=8)
    )
    text = (
        f"at scale 1.8 ASPEN is {plain} above fixed training as it is, {gain} above it with half "
        "of the weights pruned and 4 bits, without retraining"
    )
    return Finding(text, by_sign(gain, least=RELEVANT))
