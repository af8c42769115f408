"""ASPEN: the governor's days: policies on a battery, in regimes of dynamic power."""

from __future__ import annotations

import xarray as xr

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.aspen import on_chip
from neurosim.studies.claims import Finding, Verdict, by_sign, claim
from neurosim.studies.estimates import Estimate, paired
from neurosim.studies.study import Row, Study, Training
from neurosim.workflows import governor, stored_models

NETS = {
    "aspen": ("aspen", None),
    "small": ("fixed", (12, 12)),
}
"""Stored nets: preset and hidden layers (None: the preset's); the first is modulated."""

POLICIES = ("fixed", "calibrated", "frugal", "select", "threshold", "switching", "best mix")


def measure(
    dynamic_share: float,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    weeks: int,
    days: int,
    max_silent: float,
) -> list[Row]:
    """Train and deploy the nets of a seed and its subject split; live through weeks."""
    data = on_chip.dataset(seed, every)
    models = []
    for name, (preset, hidden) in NETS.items():
        changes = {} if hidden is None else {"hidden": hidden}
        net = on_chip.wrist_net(preset, seed, every=every, training={**training, **changes})
        models.append(stored_models.measure(name, on_chip.put(net, data), data, thresholds))
    price = governor.price_at(dynamic_share, models[0])
    lived = governor.weeks_of(models, price, weeks=weeks, days=days, max_silent=max_silent)
    return [
        {
            "policy": policy,
            "week": week,
            "correct_share": life.correct_share,
            "accuracy": life.accuracy,
            "lifetime": life.lifetime_days,
            "missed": life.failures / lived.schedules[week].asked,
            "energy": 1e3 * life.energy_per_correct_j,
            "changes": life.changes,
        }
        for policy in POLICIES
        for week, life in enumerate(lived.lives[policy])
    ]


STUDY = Study(
    name="aspen_governor",
    title="A governor of threshold and model on a battery",
    measure=measure,
    grid={"dynamic_share": (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)},
    index=("dynamic_share", "policy", "seed", "week"),
    units={
        "correct_share": "share of decisions asked for",
        "accuracy": "share of decisions made",
        "lifetime": "days until the battery is empty",
        "missed": "share of decisions asked for",
        "energy": "mJ per correct decision (estimated)",
        "changes": "changes of setting a week",
    },
    settings={
        **on_chip.FULL,
        "thresholds": THRESHOLD_SCALES,
        "weeks": 6,
        "days": 7,
        "max_silent": governor.MAX_SILENT,
    },
    seeds=3,
    fast={
        **on_chip.FAST,
        "dynamic_share": (0.4,),
        "thresholds": (1.0, 1.4),
        "weeks": 2,
        "days": 1,
        "max_silent": 1.0,
    },
)

XYLO_SHARE = 0.02
"""Of a Xylo IMU's power at work that is dynamic, as published."""


@claim(
    "Setting the threshold by the energy left controls energy against accuracy",
    "critical path 4 to 5",
    "weeks at 80 % of the energy needed; Xylo IMU: 2 % dynamic",
)
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


CLAIMS = (adaptation,)
