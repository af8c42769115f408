"""ASPEN 1 on the sets that ASPEN was evaluated on: official files, or UCI-HAR cut anew from HAPT.

`neurosim data list` says where UCI-HAR, KU-HAR and UniMiB-SHAR belong, and how HAPT, the raw
recordings of UCI-HAR's people, is got; `--only data=uci-har` runs one of them. Nobody is in two
parts: seed 0 takes each set's own split, the others draw as many people. KU-HAR does not say who
moved: consecutive blocks stand for people, and those of a part stay neighbours, so that at most a
few people at the joints are in two parts.

The front end's bands begin at 1 Hz: sitting, standing and laying look nearly alike to it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr

from neurosim.data import Dataset, Split, activity_sets, by_subject, ku_har
from neurosim.data.recordings import Recordings
from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import trained
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import HIGH, RELEVANT, TESTED
from neurosim.studies.aspen.thresholds import close
from neurosim.studies.claims import Finding, Verdict, by_sign, claim
from neurosim.studies.estimates import paired
from neurosim.studies.study import Row, Study, Training

OFFICIAL = ("uci-har", "ku-har", "unimib-shar")
SETS = ("uci-har-from-hapt", *OFFICIAL)
"""The first are UCI-HAR's windows cut anew from the raw recordings of its people."""
LEFT_OUT = ("walk-backward", "walk-circle")
"""Of KU-HAR's 18 classes, for a chip of 16 outputs: two ways of walking."""


@lru_cache(maxsize=len(SETS))
def recordings(name: str, official: bool) -> tuple[Recordings, Split]:
    """Return a set and its default split; `official` checks how many windows there are."""
    whole, split = activity_sets.read(name, rows=-1 if official else None)
    if name == "ku-har":
        whole = whole.only([c for c in ku_har.CLASSES if c not in LEFT_OUT])
    return whole, split


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
    whole, default = recordings(name, official)
    return activity_sets.encode_set(name, whole, split(name, default, seed))


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


STUDY = Study(
    name="aspen_activities",
    title="ASPEN's own data sets: UCI-HAR, KU-HAR, UniMiB-SHAR",
    measure=measure,
    grid={"data": SETS, "net": ("fixed", "aspen")},
    index=("data", "net", "seed", "threshold"),
    units=on_chip.UNITS,
    settings={"training": {}, "thresholds": THRESHOLD_SCALES, "official": True},
    seeds=5,
    fast={
        "training": on_chip.FAST["training"],
        "seeds": 2,
        "thresholds": (0.6, 1.0, 2.4),
        "official": False,
    },
    user_files=("data", {name: name for name in SETS}),
)


@claim(
    "It holds on UCI-HAR, KU-HAR and UniMiB-SHAR",
    "method summary",
    "on {data}: official files, or UCI-HAR cut anew from HAPT; " + TESTED,
)
def own_sets(d: xr.Dataset) -> Finding:
    """Judge on each set whether the loss is graceful and accuracy competitive."""
    texts, verdicts = [], []
    for name in d["data"].values:
        aspen, fixed = (d.accuracy.sel(data=name, net=n) for n in ("aspen", "fixed"))
        gain = paired(aspen.sel(threshold=HIGH), fixed.sel(threshold=HIGH))
        best = paired(aspen.max("threshold"), fixed.max("threshold"))
        texts.append(f"{name} {gain:+.3f}, {best:+.3f}")
        both = {by_sign(gain, least=RELEVANT), close(best)}
        undecided = Verdict.UNDECIDED if Verdict.UNDECIDED in both else Verdict.HOLDS
        verdicts.append(Verdict.FAILS if Verdict.FAILS in both else undecided)
    text = f"accuracy at scale {HIGH}, and at its best, against fixed training: " + "; ".join(texts)
    if Verdict.HOLDS in verdicts:
        everywhere = set(verdicts) == {Verdict.HOLDS} and len(verdicts) >= len(OFFICIAL)
        return Finding(text, Verdict.HOLDS if everywhere else Verdict.REGIME)
    return Finding(text, Verdict.FAILS if Verdict.FAILS in verdicts else Verdict.UNDECIDED)


CLAIMS = (own_sets,)
