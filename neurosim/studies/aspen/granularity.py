"""ASPEN 4: what shares a draw of the threshold, and when it is renewed."""

from __future__ import annotations

from typing import Any

import xarray as xr

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import HIGH, RELEVANT, over_sweep
from neurosim.studies.claims import Finding, Verdict, claim
from neurosim.studies.estimates import LEVEL, paired
from neurosim.studies.study import Row, Study
from neurosim.training.config import PER, WHEN


def measure(per: str, when: str, thresholds: tuple[float, ...], **net: Any) -> list[Row]:
    """Sweep the net that was trained with thresholds from U(1, 2) so shared and renewed."""
    plain = (per, when) == ("network", "batch")
    grain = {} if plain else {"threshold_per": per, "threshold_when": when}
    return on_chip.swept("aspen", thresholds, threshold=(1.0, 2.0), **grain, **net)


STUDY = Study(
    name="aspen_granularity",
    title="Threshold randomness per network, layer, neuron; per batch, sample, step",
    measure=measure,
    grid={"per": PER, "when": WHEN},
    index=("per", "when", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**on_chip.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=5,
    fast={
        "per": ("network", "neuron"),
        "when": ("batch", "step"),
        **on_chip.FAST,
        "thresholds": (1.0, 2.4),
    },
)


@claim(
    "One draw for each batch is the right grain",
    "method summary",
    "per {per}; each {when}; {seed} seeds",
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


CLAIMS = (granularity,)
