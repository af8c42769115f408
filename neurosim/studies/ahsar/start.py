"""AHSAR's aim: from thresholds far too low or too high, does it find the productive band?"""

from __future__ import annotations

from typing import Any

from neurosim.studies import images
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

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
    epochs = images.learning_curve(start, seed, every=every, **changes)
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
    index=("net", "start", "control", "seed"),
    units={
        "accuracy": "share of validation images, last epoch",
        "mean_accuracy": "share of validation images, mean over epochs",
        "first_rate": "spikes per neuron and step, first epoch",
        "rate": "spikes per neuron and step, last epoch",
    },
    settings=images.SHORT,
    fast={**images.FAST, "net": ("small-vgg",), "start": (0.5, 1.5)},
)
