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
import xarray as xr

from neurosim.data import Dataset, Split, activity_sets, by_subject, hapt, sisfall, utd_mhad
from neurosim.data.activity_sets import XYLO_IMU_OUTPUTS
from neurosim.data.recordings import Recordings
from neurosim.readout import NEVER
from neurosim.studies import trained
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import RELEVANT
from neurosim.studies.aspen.thresholds import close
from neurosim.studies.claims import Finding, by_parts, by_sign, claim
from neurosim.studies.estimates import Estimate, paired
from neurosim.studies.study import Row, Study, Training
from neurosim.workflows.sweep import threshold_sweep

FOLDS = 8
SETS: dict[str, dict[str, Any]] = {
    "hapt": {"classes": hapt.ACTIVITIES, "channels": "both"},
    "sisfall": {"classes": sisfall.DAILY[:6], "channels": "bands"},
    "utd-mhad": {"classes": utd_mhad.WRIST[:XYLO_IMU_OUTPUTS], "channels": "both"},
}
"""How each set is read. Of SisFall the activities that go on for long: to walk, jog, climb stairs,
each slowly and quickly; of UTD-MHAD as many wrist actions as the chip has outputs."""
OWN: dict[str, dict[str, Any]] = {
    "sisfall": {"every": 2},
    "utd-mhad": {"training": {"epochs": 120}},
}
"""What is changed for a set: of SisFall's windows only so many more are left out; of UTD-MHAD there
are some 500 in all."""
NETS: dict[str, dict[str, Any]] = {
    "fixed": {},
    **{f"to {high:g}": {"threshold": (1.0, high)} for high in (1.2, 1.5, 2.0, 3.0)},
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


@lru_cache(maxsize=len(SETS))
def recordings(data: str) -> Recordings:
    """Return a set, of all classes."""
    return activity_sets.read(data)[0]


@lru_cache(maxsize=1)
def dataset(data: str, seed: int, every: int) -> Dataset:
    """Return a set in the split of a seed, every n-th window of each part."""
    found, read = recordings(data), SETS[data]
    people = tuple(sorted({int(person) for person in found.subjects}))
    chosen, parts = found.only(read["classes"]), split(people, seed)
    whole = activity_sets.encode_set(data, chosen, parts, channels=read["channels"])
    every *= OWN.get(data, {}).get("every", 1)
    return on_chip.thinned(replace(whole, name=data), every)


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
    training = training | OWN.get(data, {}).get("training", {})
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

WAYS = {
    "fixed, by threshold": ("fixed", False, True),
    "fixed, by lead": ("fixed", True, False),
    "fixed, by both": ("fixed", True, True),
    "random, by threshold": ("random", False, True),
    "random, by both": ("random", True, True),
}
"""Training, and which knobs are turned: decisions at a lead, thresholds other than 1."""
BUDGETS = (0.15, 0.2, 0.3, 0.45, 0.7, 1.0)
"""Spikes that may be spent, as shares of what the fixed net spends at scale 1 on whole windows."""
HIGH = 2.0
"""Scale at which training is compared; beyond it fixed nets are silent on every set."""


def at_budgets(d: xr.Dataset) -> xr.DataArray:
    """Return the accuracy that each way reaches within each budget: (way, data, budget, seed).

    The law of training and the operating point of a seed are those of the best mean accuracy among
    the other seeds, whose mean spikes keep to the budget: nothing is chosen on the people whom a
    value is about. It is nan where no point keeps to it.
    """
    values = [[_spent(d.sel(data=data), way) for data in d["data"].values] for way in WAYS.values()]
    axes = {"way": list(WAYS), "data": d["data"].values, "budget": list(BUDGETS), "seed": d.seed}
    return xr.DataArray(np.array(values), axes, tuple(axes))


def _spent(d: xr.Dataset, way: tuple[str, bool, bool]) -> np.ndarray:
    """Return the accuracy of a way on one set, (budget, seed)."""
    training, stops, throttles = way
    whole = float(d.spikes.sel(net="fixed", threshold=1.0, lead=NEVER).mean("seed"))
    laws = [net for net in d.net.values if (net == "fixed") == (training == "fixed")]
    chosen = d.sel(
        net=laws,
        lead=d.lead if stops else [NEVER],
        threshold=d.threshold if throttles else [1.0],
    )
    chosen = chosen[["accuracy", "spikes"]].stack(point=("net", "threshold", "lead"))
    accuracy, spikes = (chosen[name].transpose("seed", "point").values for name in chosen)
    seeds = len(accuracy)
    within = np.full((len(BUDGETS), seeds), np.nan)
    for seed in range(seeds):
        others = np.arange(seeds) != seed
        means, costs = accuracy[others].mean(axis=0), spikes[others].mean(axis=0)
        for k, budget in enumerate(BUDGETS):
            if (costs <= budget * whole).any():
                best = np.argmax(np.where(costs <= budget * whole, means, -1.0))
                within[k, seed] = accuracy[seed, best]
    return within


PEOPLE = "on {data}; each person tested once by a net that never saw them, {seed} parts; paired"


def _on_each(first: xr.DataArray, second: xr.DataArray) -> tuple[str, list[Estimate]]:
    """Return a text of first - second on each set, and the differences; both are (data, seed)."""
    sets = first["data"].values
    found = {name: paired(first.sel(data=name), second.sel(data=name)) for name in sets}
    return "; ".join(f"{name} {one:+.3f}" for name, one in found.items()), list(found.values())


@claim("On daily activities, too, the loss of accuracy is graceful", "key results", PEOPLE)
def graceful(d: xr.Dataset) -> Finding:
    """Compare nets of the paper's law with fixed ones where the threshold is doubled."""
    accuracy = d.accuracy.sel(lead=NEVER, threshold=HIGH)
    text, gains = _on_each(accuracy.sel(net=ASPEN), accuracy.sel(net="fixed"))
    text = f"accuracy at scale {HIGH:g}, trained at U(1, 1.5) less fixed: {text}"
    return Finding(text, by_parts([by_sign(one, least=RELEVANT) for one in gains]))


@claim("On daily activities, too, accuracy stays competitive", "key results", PEOPLE)
def competitive(d: xr.Dataset) -> Finding:
    """Compare accuracies at scale 1."""
    accuracy = d.accuracy.sel(lead=NEVER, threshold=1.0)
    text, losses = _on_each(accuracy.sel(net=ASPEN), accuracy.sel(net="fixed"))
    text = f"accuracy at scale 1, trained at U(1, 1.5) less fixed: {text}"
    return Finding(text, by_parts([close(one) for one in losses]))


BUDGET = 0.3
"""At which ways are compared."""


@claim(
    "To stop at a lead is the stronger knob: within 30 % of the spikes, a fixed net that decides "
    "early is more accurate than nets of random thresholds that are throttled",
    "not in the papers",
    PEOPLE,
)
def stopping(d: xr.Dataset) -> Finding:
    """Compare a fixed net's leads with random thresholds of the best law and scale."""
    return _compared(d, "fixed, by lead", "random, by threshold")


@claim(
    "Random thresholds add to stopping: within 30 % of the spikes both knobs together are more "
    "accurate with them than with fixed training",
    "not in the papers",
    PEOPLE,
)
def both(d: xr.Dataset) -> Finding:
    """Compare trainings, both knobs turned."""
    return _compared(d, "random, by both", "fixed, by both")


def _compared(d: xr.Dataset, first: str, second: str) -> Finding:
    """Compare two ways; one that cannot keep to the budget answers nothing."""
    within = at_budgets(d).sel(budget=BUDGET).fillna(0)
    text, gains = _on_each(within.sel(way=first), within.sel(way=second))
    text = f"accuracy within {BUDGET:.0%} of the fixed net's spikes, {first} less {second}: {text}"
    return Finding(text, by_parts([by_sign(one, least=RELEVANT) for one in gains]))


CLAIMS = (graceful, competitive, stopping, both)
