"""How the governor's study judges ASPEN's threshold control by the energy that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.studies.ledger import Finding, Verdict, by_sign
from neurosim.studies.statistics import Estimate, paired

if TYPE_CHECKING:
    import xarray as xr

XYLO_SHARE = 0.02
"""Of a Xylo IMU's power at work that is dynamic, as published."""


def adaptation(d: xr.Dataset) -> Finding:
    """Compare right decisions in a week by Select(E) with scale 1, at shares of dynamic power.

    By each net and split the mean over its weeks; intervals over these.
    """
    right = d.correct_share.mean("week")

    def gain(share: float, policy: str, rest: str) -> Estimate:
        at = right.sel(dynamic_share=share)
        return paired(at.sel(policy=policy), at.sel(policy=rest))

    gains = {share: gain(share, "select", "fixed") for share in (XYLO_SHARE, 0.2, 0.6, 0.95)}
    text = (
        "right decisions, Select(E) less scale 1, at dynamic shares "
        + ", ".join(f"{share:.0%} {each:+.3f}" for share, each in gains.items())
        + f"; less a calibrated constant threshold {gain(0.95, 'select', 'calibrated'):+.3f} at 95%"
    )
    if gains[XYLO_SHARE].above:
        return Finding(text, Verdict.HOLDS)
    pays = any(each.above for each in gains.values())
    return Finding(text, Verdict.REGIME if pays else by_sign(gains[XYLO_SHARE]))
