"""ASPEN: the governor's days: policies on a battery, in regimes of dynamic power."""

from __future__ import annotations

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training
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
    data = trained.dataset(seed, every)
    models = []
    for name, (preset, hidden) in NETS.items():
        changes = {} if hidden is None else {"hidden": hidden}
        net = trained.wrist_net(preset, seed, every=every, training={**training, **changes})
        models.append(stored_models.measure(name, on_chip.put(net, data), data, thresholds))
    price = governor.price_at(dynamic_share, models[0])
    found = governor.weeks_of(models, price, weeks=weeks, days=days, max_silent=max_silent)
    return [
        {
            "policy": policy,
            "week": week,
            "correct_share": life.correct_share,
            "accuracy": life.accuracy,
            "lifetime": life.lifetime_days,
            "missed": life.failures / found.schedules[week].asked,
            "energy": 1e3 * life.energy_per_correct_j,
            "changes": life.changes,
        }
        for policy in POLICIES
        for week, life in enumerate(found.lives[policy])
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
        "training": trained.FULL,
        "every": 1,
        "thresholds": THRESHOLD_SCALES,
        "weeks": 6,
        "days": 7,
        "max_silent": governor.MAX_SILENT,
    },
    seeds=3,
    fast={
        **trained.FAST,
        "dynamic_share": (0.4,),
        "thresholds": (1.0, 1.4),
        "weeks": 2,
        "days": 1,
        "max_silent": 1.0,
    },
)
