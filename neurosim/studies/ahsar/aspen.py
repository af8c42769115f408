"""AHSAR 8: the homeostat and stochastic thresholds together, over the runtime threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.network import THRESHOLD_SCALES
from neurosim.studies import images
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

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
    from neurosim.studies.image_answers import answers

    found = images.run(seed, every=every, net=net, **training, **CONTROLS[control])
    test, labels = images.digits(seed, every).part("test")
    rows = []
    for threshold in thresholds:
        logits, rate = answers(found, test, threshold)
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
