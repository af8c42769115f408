"""ASPEN 1 on the sets that ASPEN was evaluated on, from the official files of the user's.

`neurosim data list` says where UCI-HAR, KU-HAR and UniMiB-SHAR belong; `--only data=uci-har` runs
one of them. Nobody is in two parts: seed 0 takes each set's own split, the others draw as many
people. KU-HAR does not say who moved: consecutive blocks stand for people, and those of a part stay
neighbours, so that at most a few people at the joints are in two parts.

The front end's bands begin at 1 Hz: sitting, standing and laying look nearly alike to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from neurosim.data import Dataset, Split, activity_sets, by_subject, ku_har
from neurosim.data.recordings import Recordings
from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import on_chip, trained, user_files
from neurosim.studies.study import Case, Row, Study
from neurosim.studies.trained import Training

LEFT_OUT = ("walk-backward", "walk-circle")
"""Of KU-HAR's 18 classes, for a chip of 16 outputs: two ways of walking."""


@lru_cache(maxsize=len(activity_sets.NAMES))
def recordings(name: str, official: bool) -> tuple[Recordings, Split]:
    """Return a set and its default split; `official` checks how many windows there are."""
    found, split = activity_sets.read(name, rows=-1 if official else None)
    if name == "ku-har":
        found = found.only([c for c in ku_har.CLASSES if c not in LEFT_OUT])
    return found, split


def split(name: str, default: Split, seed: int) -> Split:
    """Return the subject split of a seed: the set's own for 0, else with as many other people."""
    if seed == 0:
        return default
    people = np.array(sorted((*default.train, *default.validation, *default.test)))
    if name == "ku-har":
        people = np.roll(people, seed * len(default.test))
    else:
        people = np.random.default_rng(seed).permutation(people)
    rest, test = np.split(people, [-len(default.test)])
    return by_subject(people, test=test, validation=rest[-len(default.validation) :])


@lru_cache(maxsize=1)
def dataset(name: str, seed: int, official: bool) -> Dataset:
    """Return a set in the split of a seed, its front end chosen on the training people."""
    found, default = recordings(name, official)
    return activity_sets.encode_each(found, split(name, default, seed))


def measure(
    data: str,
    net: str,
    seed: int,
    training: Training,
    thresholds: tuple[float, ...],
    official: bool,
) -> list[Row]:
    """Train one net on one set, put it on the chip and sweep it."""
    from neurosim.training import config

    windows = dataset(data, seed, official)
    key = {
        "activities": data,
        "digest": recordings(data, official)[0].digest,
        "split": [windows.split.train, windows.split.validation],
        "front end": windows.front_end.to_dict(),
    }
    run = trained.kept(config.load(net, seed=seed, **training), windows, key)
    return on_chip.sweep(on_chip.put(run.layered, windows), windows.test, thresholds)


def needs(cases: Sequence[Case]) -> None:
    """Look for the files before anything is trained."""
    user_files.look_for(cases, "data", {name: name for name in activity_sets.NAMES})


STUDY = Study(
    name="aspen_activities",
    title="ASPEN's own data sets: UCI-HAR, KU-HAR, UniMiB-SHAR (the official files)",
    measure=measure,
    grid={"data": activity_sets.NAMES, "net": ("fixed", "aspen")},
    index=("data", "net", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={"training": trained.FULL, "thresholds": THRESHOLD_SCALES, "official": True},
    seeds=5,
    fast={
        "training": trained.FAST["training"],
        "seeds": 2,
        "thresholds": (0.6, 1.0, 2.4),
        "official": False,
    },
    needs=needs,
)
