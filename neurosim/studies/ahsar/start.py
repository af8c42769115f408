"""AHSAR's aim: from thresholds far too low or too high, does it find the productive band?"""

from __future__ import annotations

from typing import Any

import xarray as xr

from neurosim.studies.ahsar import images
from neurosim.studies.claims import Finding, by_pool, claim, pool
from neurosim.studies.study import Row, Study, Training

CONTROLS: dict[str, dict[str, Any]] = {
    "none": {"homeostat": False},
    "AHSAR": {},
    "AHSAR to a rate": {"common_mode": True, "target_rate": 0.2},
}
"""AHSAR centres the layers' log rates, so that its inner loop does not see them fall together; the
third holds them to a rate, of spikes per neuron and step, that somebody chose."""
NETS = ("small-vgg", "small-vgg without BatchNorm")


def measure(
    net: str, start: float, control: str, seed: int, training: Training, every: int
) -> list[Row]:
    """Train one net from thresholds multiplied by `start`."""
    changes = {"method": "rate", **training, **images.SCALED[net], **CONTROLS[control]}
    epochs, _ = images.learn(seed, scale=start, every=every, **changes)
    return [{**images.learnt(epochs), "first_rate": epochs[0]["spikes_per_neuron_and_step"]}]


STUDY = Study(
    name="ahsar_start",
    title="Thresholds that start too low or too high",
    measure=measure,
    grid={
        "net": NETS,
        "start": (0.1, 0.3, 0.6, 1.0, 1.3, 1.6, 2.0),
        "control": tuple(CONTROLS),
    },
    units={
        "accuracy": "share of validation images, last epoch",
        "mean_accuracy": "share of validation images, mean over epochs",
        "first_rate": "spikes per neuron and step, first epoch",
        "rate": "spikes per neuron and step, last epoch",
    },
    settings=images.SHORT,
    fast={**images.FAST, "net": ("small-vgg",), "start": (0.5, 1.5)},
)

BACK = 0.5
"""Of what extreme thresholds cost: what must be made good to speak of a way to the band."""


@claim(
    "AHSAR moves nets from unproductive extremes to the productive band, without a target rate",
    "section 4",
    "{start} factors on the thresholds at the start; {net}; rate-based; " + images.EPOCHS,
)
def rescue(d: xr.Dataset) -> Finding:
    """Ask whether AHSAR makes good what thresholds far too low or too high cost."""
    ends = d["start"].values[[0, -1]]
    speed = {str(c): d.mean_accuracy.sel(control=c, drop=True) for c in d["control"].values}
    deficit = float((speed["none"].sel(start=1.0) - speed["none"].sel(start=ends)).mean())
    gaps = {c: pool((speed[c] - speed["none"]).sel(start=ends), ("net", "start")) for c in speed}
    held = gaps["AHSAR to a rate"].overall
    text = (
        f"mean accuracy over epochs from thresholds times {ends[0]:g} or {ends[1]:g}, which cost "
        f"{deficit:.2f} without AHSAR: with it {gaps['AHSAR']:+.3f}; log rates held to that of a "
        f"chosen rate instead of their mean {held:+.3f}"
    )
    return Finding(text, by_pool(gaps["AHSAR"], least=BACK * deficit))


CLAIMS = (rescue,)
