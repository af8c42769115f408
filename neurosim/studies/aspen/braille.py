"""Braille letters under a robot's fingertip: nets on the audio chip, which has no front end.

Twelve sensors send events of 5 ms straight to the chip's inputs. Published recurrent nets tell the
same seven letters with an accuracy of some .96 (Mueller-Cleve et al. 2022,
doi:10.3389/fnins.2022.951164; cited, not run here); these nets have no recurrent weights.
"""

from __future__ import annotations

from functools import lru_cache

import xarray as xr

from neurosim import data, verify
from neurosim.data import Dataset
from neurosim.network import THRESHOLD_SCALES
from neurosim.readout import NEVER
from neurosim.studies import trained
from neurosim.studies.aspen.on_chip import RELEVANT
from neurosim.studies.claims import Finding, Verdict, by_sign, claim
from neurosim.studies.estimates import interval, paired
from neurosim.studies.study import Row, Study, Training
from neurosim.workflows.run_data import calibration
from neurosim.workflows.sweep import threshold_sweep
from neurosim.xylo import deploy

CHIP = "xylo-audio-3"
PUBLISHED = 0.96
LEADS = (3, 10)


@lru_cache(maxsize=2)
def dataset(seed: int) -> Dataset:
    """Return the samples; which of them test depends on the seed."""
    return data.braille(seed=seed)


def measure(
    net: str, seed: int, training: Training, thresholds: tuple[float, ...], leads: tuple[int, ...]
) -> list[Row]:
    """Train a net, put it on the chip, verify it there and sweep it."""
    from neurosim.training import config

    windows = dataset(seed)
    run = trained.kept(config.load(net, seed=seed, **training), windows, {"braille": seed})
    spec = deploy(run.layered, chip=CHIP, calibration=calibration(windows.train.raster))
    report = verify.verify(spec, windows.test.raster, engines=("brian2", "xylosim"))
    test = windows.test
    rows = threshold_sweep(spec, test.raster, test.labels, thresholds, leads=leads, workers=1)
    return [
        {
            "threshold": row["threshold"],
            "lead": row["lead"],
            "accuracy": row["accuracy"],
            "spikes": row["spikes_per_inference"],
            "used": row["window_used"],
            "identical": float(report.exact),
        }
        for row in rows
    ]


STUDY = Study(
    name="aspen_braille",
    title="Braille letters on the audio chip: accuracy and spikes over both knobs",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "seed", "threshold", "lead"),
    units={
        "accuracy": "share of test samples",
        "spikes": "spikes per sample up to the decision",
        "used": "share of the sample until the decision",
        "identical": "1 where Brian2 and XyloSim agree on every value at scale 1",
    },
    settings={
        "training": {
            "epochs": 30,
            "batch_size": 32,
            "hidden": (100, 100),
            "weight_gain": 1.0,
            "gain_spread": (0.0, 0.0, 0.0),
        },
        "thresholds": THRESHOLD_SCALES,
        "leads": LEADS,
    },
    seeds=5,
    fast={
        "training": {"epochs": 1, "batch_size": 32, "hidden": (16,), "weight_gain": 1.0},
        "thresholds": (1.0, 2.0),
        "leads": (3,),
        "seeds": 1,
    },
    user_files=("net", {"fixed": "braille", "aspen": "braille"}),
)
TESTED = "1,158 samples, {seed} draws of the fifth that tests; Xylo Audio 3 in integers"


@claim(
    "A net without recurrent weights, on the chip, reads Braille letters as well as published "
    "recurrent nets (.96)",
    "not in the papers",
    TESTED,
)
def as_published(d: xr.Dataset) -> Finding:
    """Compare the accuracy at scale 1 with the number published, and say what is identical."""
    own = d.sel(threshold=1.0, lead=NEVER)
    best = interval(own.accuracy.max("net"))
    texts = [f"{net} {interval(own.accuracy.sel(net=net))}" for net in own.net.values]
    same = int(own["identical"].sum())
    text = (
        f"accuracy {', '.join(texts)}; {same} of {own['identical'].size} nets identical in XyloSim"
    )
    if best.high < PUBLISHED - RELEVANT:
        return Finding(text, Verdict.FAILS)
    return Finding(text, Verdict.HOLDS if best.low > PUBLISHED - RELEVANT else Verdict.UNDECIDED)


@claim(
    "Random thresholds keep Braille letters readable where the threshold is doubled",
    "not in the papers",
    TESTED + "; paired",
)
def keeps(d: xr.Dataset) -> Finding:
    """Compare both trainings at scale 2, and at scale 1."""
    at_end = d.accuracy.sel(lead=NEVER)
    gains = [
        paired(*(at_end.sel(net=net, threshold=scale) for net in ("aspen", "fixed")))
        for scale in (2.0, 1.0)
    ]
    text = f"accuracy, random less fixed: at scale 2 {gains[0]:+.3f}, at scale 1 {gains[1]:+.3f}"
    return Finding(text, by_sign(gains[0], least=RELEVANT))


CLAIMS = (as_published, keeps)
