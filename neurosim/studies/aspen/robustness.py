"""ASPEN 8: what a worse or turned sensor does to fixed and to stochastic training.

Recordings are corrupted before the front end, as a sensor would; nobody of the test is known to
the nets, but in "known people", half of the windows that were trained on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from neurosim.data import FrontEnd, corrupt, seglearn
from neurosim.data.windows import Windows, cut, encode_recording
from neurosim.studies.aspen import on_chip
from neurosim.studies.aspen.on_chip import RELEVANT
from neurosim.studies.claims import Finding, by_sign, claim
from neurosim.studies.estimates import interval, paired
from neurosim.studies.study import Row, Study, Training

SEVERITIES = {
    "noise": (0.02, 0.05, 0.1),
    "gain": (0.1, 0.2, 0.4),
    "drift": (0.1, 0.2, 0.4),
    "rotation": (10.0, 20.0, 40.0),
    "dropped": (0.05, 0.1, 0.3),
}
"""At strengths 1, 2 and 3: g, log factor, g, degrees, share of samples; see `data.corrupt`."""


def corrupted(kind: str, strength: int, seed: int, front_end: FrontEnd, every: int) -> Windows:
    """Return the test windows of a seed's split, their recordings corrupted before encoding."""
    whole = seglearn.load()
    chosen = np.flatnonzero(on_chip.split(seed).mask("test", whole.subjects))
    clean = replace(
        whole,
        signals=tuple(whole.signals[k] for k in chosen),
        labels=whole.labels[chosen],
        subjects=whole.subjects[chosen],
        sides=whole.sides[chosen],
    )
    worse = corrupt.recordings(clean, kind, SEVERITIES[kind][strength - 1], seed=seed)
    limit = 0.999 / front_end.scale  # g, where the sensor's 16 bits end
    rasters = [
        cut(encode_recording(np.clip(s[:, :3], -limit, limit), worse.rate_hz, front_end))
        for s in worse.signals
    ]
    counts = [len(raster) for raster in rasters]
    windows = Windows(
        np.concatenate(rasters), np.repeat(worse.labels, counts), np.repeat(worse.subjects, counts)
    )
    return windows.select(np.arange(len(windows)) % every == 0)


def measure(
    net: str,
    seed: int,
    training: Training,
    every: int,
    thresholds: tuple[float, ...],
    strengths: dict[str, tuple[int, ...]],
) -> list[Row]:
    """Measure one net on the test windows, on those it was trained on, and on corrupted ones."""
    data, _, spec = on_chip.wrist(net, seed, every=every, training=training)
    assert isinstance(data.front_end, FrontEnd)  # which the wrist recordings have
    known = data.train.select(np.arange(len(data.train)) % 2 == 0)
    rows = []
    for corruption, levels in (("none", (0,)), ("known people", (0,)), *strengths.items()):
        for strength in levels:
            if strength:
                shown = corrupted(corruption, strength, seed, data.front_end, every)
            else:
                shown = data.test if corruption == "none" else known
            swept = on_chip.sweep(spec, shown, thresholds)
            rows += [{"corruption": corruption, "strength": strength, **row} for row in swept]
    return rows


STUDY = Study(
    name="aspen_robustness",
    title="Sensor noise, gain, drift, rotation, dropped samples, other people",
    measure=measure,
    grid={"net": ("fixed", "aspen")},
    index=("net", "corruption", "seed", "strength", "threshold"),
    units=on_chip.UNITS,
    settings={
        **on_chip.FULL,
        "thresholds": (1.0, 1.6),
        "strengths": dict.fromkeys(SEVERITIES, (2, 3)),
    },
    seeds=5,
    fast={**on_chip.FAST, "thresholds": (1.0,), "strengths": {"rotation": (3,)}},
)

KNOWN = ("none", "known people")


@claim(
    "Stochastic thresholds may help against noise and drift",
    "open question 3",
    "five corruptions before the front end, {seed} seeds",
)
def robust(d: xr.Dataset) -> Finding:
    """Compare the losses of accuracy under the strongest corruptions."""
    at = d.accuracy.sel(threshold=1.0, strength=3)
    clean = d.accuracy.sel(threshold=1.0, strength=0, corruption="none")
    loss = clean - at.sel(corruption=[c for c in d.corruption.values if c not in KNOWN])
    gap = loss.sel(net="fixed") - loss.sel(net="aspen")
    each = {
        str(c): paired(loss.sel(net="fixed", corruption=c), loss.sel(net="aspen", corruption=c))
        for c in loss.corruption.values
    }
    overall = interval(gap.mean("corruption"))
    better = [c for c, e in each.items() if e.above]
    worse = [c for c, e in each.items() if e.below]
    text = (
        f"loss of accuracy under the strongest corruptions, fixed training less ASPEN: {overall}; "
        f"ASPEN loses clearly less under {', '.join(better) or 'none'}, clearly more under "
        f"{', '.join(worse) or 'none'}"
    )
    return Finding(text, by_sign(overall, least=RELEVANT))


CLAIMS = (robust,)
