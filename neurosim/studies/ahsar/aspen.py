"""AHSAR 8: the homeostat and stochastic thresholds together, over the runtime threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies.ahsar import images
from neurosim.studies.ahsar.images import GAIN, TESTED
from neurosim.studies.claims import Finding, by_pool, claim, pool
from neurosim.studies.study import Row, Study, Training

CONTROLS: dict[str, dict[str, Any]] = {
    "fixed": {"homeostat": False},
    "AHSAR": {},
    "ASPEN": {"homeostat": False, "threshold": (1.0, 1.5)},
    "both": {"threshold": (1.0, 1.5)},
}


def measure(
    net: str, control: str, seed: int, training: Training, every: int, thresholds: tuple[float, ...]
) -> list[Row]:
    """Train one net and sweep the factor on all its thresholds."""
    run = images.run(seed, every=every, net=net, **training, **CONTROLS[control])
    test, labels = images.digits(seed, every).part("test")
    rows = []
    for threshold in thresholds:
        logits, rate = images.answers(run, test, threshold)
        accuracy = float(np.mean(logits.argmax(1) == labels))
        rows.append({"threshold": threshold, "accuracy": accuracy, "rate": rate})
    return rows


STUDY = Study(
    name="ahsar_aspen",
    title="AHSAR and ASPEN together",
    measure=measure,
    grid={"net": images.NETS, "control": tuple(CONTROLS)},
    index=("net", "control", "seed", "threshold"),
    units={"accuracy": "share of test images", "rate": "spikes per neuron and step"},
    settings={**images.SHORT, "thresholds": THRESHOLD_SCALES},
    fast={**images.FAST, "thresholds": (1.0, 2.4)},
)


@claim("It combines with stochastic thresholds", "not in the papers", TESTED)
def with_aspen(d: xr.Dataset) -> Finding:
    """Compare the combination with ASPEN alone over raised thresholds."""
    mean = d.accuracy.sel(threshold=slice(0.99, None)).mean("threshold")
    by_control = {str(c): mean.sel(control=c, drop=True) for c in d["control"].values}
    gap = pool(by_control["both"] - by_control["ASPEN"], ("net",))
    alone = pool(by_control["AHSAR"] - by_control["fixed"])
    text = (
        f"mean accuracy over scales 1 to {float(d.threshold.max()):g}: both less ASPEN alone "
        f"{gap:+.3f}; AHSAR less neither {alone.overall:+.3f}; spikes {_more(d, 'both', 'ASPEN')} "
        f"and {_more(d, 'AHSAR', 'fixed')}"
    )
    return Finding(text, by_pool(gap, least=GAIN))


def _more(d: xr.Dataset, first: str, second: str) -> str:
    """Return by how much more spikes one control has than another at scale 1, in percent."""
    rate = d.rate.sel(threshold=1.0).mean(("net", "seed"))
    return f"{float(rate.sel(control=first) / rate.sel(control=second)) - 1:+.0%}"


CLAIMS = (with_aspen,)
