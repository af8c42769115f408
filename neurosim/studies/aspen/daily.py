"""ASPEN 1 on daily activities: laws of the threshold against a fixed one, and both runtime knobs.

HAPT are the raw recordings of UCI-HAR's people. Each person is tested once: people are drawn into
FOLDS parts, and the net of a seed is tested on its own part, whom it never saw. A value is the mean
over the people of a part, each counting alike, so that intervals over seeds are intervals over
people, of which none is in two.

Postures make no events in the front end's bands: HAPT is read with channels of gravity beside them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from neurosim.data import Dataset, Split, activities, activity_sets, by_subject
from neurosim.studies import trained
from neurosim.studies.aspen import on_chip
from neurosim.studies.study import Row, Study, Training
from neurosim.workflows.sweep import threshold_sweep

FOLDS = 8
SETS: dict[str, dict[str, Any]] = {
    "hapt": {"channels": "both"},
}
"""How each set is read."""
NETS: dict[str, dict[str, Any]] = {
    "fixed": {},
    **{f"to {high:g}": {"threshold": (1.0, high)} for high in (1.2, 1.5, 2.0, 2.5, 3.0)},
    "5 levels to 2": {
        "threshold": (1.0, 2.0),
        "threshold_levels": 5,
        "threshold_matched": True,
    },
}
"""Laws of the threshold in training: uniform from 1 to so much, or levels of its variance."""
ASPEN = "to 1.5"
"""The paper's usual law."""
THRESHOLDS = (0.6, 1.0, 1.4, 1.8, 2.0, 2.4)
LEADS = (3, 6, 10)
COLUMNS = {
    "accuracy": ("accuracy", "share of test windows"),
    "undecided": ("silent", "share of test windows"),
    "spikes": ("spikes_per_inference", "spikes per window"),
    "used": ("window_used", "share of the window until the decision"),
    "power": ("power_uw", "µW (estimated)"),
}
"""Of the study: the sweep's name and the unit."""


def split(people: tuple[int, ...], seed: int) -> Split:
    """Return the split of a seed: its own part to test, the next one to validate."""
    drawn = np.random.default_rng(0).permutation(people)
    parts = np.array_split(drawn, min(FOLDS, len(people)))
    test, validation = (parts[(seed + k) % len(parts)].tolist() for k in (0, 1))
    return by_subject(people, test=test, validation=validation)


@lru_cache(maxsize=1)
def dataset(data: str, seed: int, every: int) -> Dataset:
    """Return a set in the split of a seed, every n-th window of each part."""
    recordings, _ = activity_sets.read(data)
    people = tuple(sorted({int(person) for person in recordings.subjects}))
    whole = activities(data, split=split(people, seed), **SETS[data])
    parts = {
        name: (part := getattr(whole, name)).select(np.arange(len(part)) % every == 0)
        for name in ("train", "validation", "test")
    }
    return replace(whole, **parts)


def measure(
    data: str,
    net: str,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    leads: tuple[int, ...],
) -> list[Row]:
    """Train a net, put it on the chip and sweep it: means over the people of the test part."""
    from neurosim.training import config

    windows = dataset(data, seed, every)
    key = {
        "activities": data,
        "split": [windows.split.train, windows.split.validation],
        "front end": windows.front_end.to_dict(),
        "every": every,
    }
    settings = config.load("fixed", seed=seed, **training, **NETS[net])
    spec = on_chip.put(trained.kept(settings, windows, key).layered, windows)
    people = np.unique(windows.test.subjects)
    swept = [
        threshold_sweep(spec, own.raster, own.labels, thresholds, leads=leads, workers=1)
        for own in (windows.test.select(windows.test.subjects == person) for person in people)
    ]
    return [
        {
            "threshold": rows[0]["threshold"],
            "lead": rows[0]["lead"],
            **{
                name: float(np.mean([row[source] for row in rows]))
                for name, (source, _) in COLUMNS.items()
            },
        }
        for rows in zip(*swept, strict=True)
    ]


STUDY = Study(
    name="aspen_daily",
    title="ASPEN on daily activities: laws of the threshold, and decisions at a lead",
    measure=measure,
    grid={"data": tuple(SETS), "net": tuple(NETS)},
    index=("data", "net", "seed", "threshold", "lead"),
    units={name: unit for name, (_, unit) in COLUMNS.items()},
    settings={
        **on_chip.SHORT,
        "thresholds": THRESHOLDS,
        "leads": LEADS,
    },
    seeds=FOLDS,
    fast={
        **on_chip.FAST,
        "net": ("fixed", ASPEN),
        "thresholds": (1.0, 2.0),
        "leads": (3,),
    },
    user_files=("data", {name: name for name in SETS}),
)
CLAIMS = ()
