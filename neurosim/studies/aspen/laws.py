"""ASPEN 3: discrete levels against a continuous law, at equal range and at matched variance."""

from __future__ import annotations

from typing import Any

import xarray as xr

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import HIGH, RELEVANT, over_sweep
from neurosim.studies.claims import Finding, Verdict, by_sign, claim
from neurosim.studies.estimates import interval, paired
from neurosim.studies.study import Row, Study

LAWS: dict[str, dict[str, Any]] = {
    "continuous": {},
    "levels": {"threshold_levels": 3},
    "levels matched": {"threshold_levels": 3, "threshold_matched": True},
}
"""U(1, 2); 1, 1.5 and 2 with twice its variance; three levels drawn in to its variance."""


def measure(law: str, thresholds: tuple[float, ...], **net: Any) -> list[Row]:
    """Sweep the net that was trained with one law."""
    return on_chip.swept("aspen", thresholds, threshold=(1.0, 2.0), **LAWS[law], **net)


STUDY = Study(
    name="aspen_laws",
    title="Discrete and continuous thresholds in training",
    measure=measure,
    grid={"law": tuple(LAWS)},
    index=("law", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={**on_chip.SHORT, "thresholds": THRESHOLD_SCALES},
    seeds=8,
    fast={**on_chip.FAST, "thresholds": (1.0, 2.4)},
)


@claim(
    "Discrete levels regularise better than a continuous law",
    "mechanism 3",
    "three levels on U(1, 2), {seed} seeds",
)
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


CLAIMS = (discrete,)
