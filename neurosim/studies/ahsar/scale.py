"""AHSAR 1: one constant factor on all thresholds, in training and evaluation."""

from __future__ import annotations

from itertools import pairwise

from neurosim.studies import images
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

TARGET = 0.7
"""Validation accuracy whose first epoch measures the speed of learning."""


def measure(
    net: str, scale: float, learning: str, seed: int, training: Training, every: int
) -> list[Row]:
    """Train one net at one scale."""
    changes = {"method": learning, "homeostat": False, **images.SCALED[net], **training}
    epochs = images.learning_curve(scale, seed, every=every, **changes)
    accuracy = [row["validation_accuracy"] for row in epochs]
    reached = [k for k, value in enumerate(accuracy, 1) if value >= TARGET]
    rises = [after - before for before, after in pairwise(accuracy)]
    return [
        {
            **images.learnt(epochs),
            "epochs_to_target": reached[0] if reached else len(accuracy) + 1,
            "worst_fall": max(0.0, -min(rises, default=0.0)),
        }
    ]


STUDY = Study(
    name="ahsar_scale",
    title="One constant factor on all thresholds: speed, stability, accuracy",
    measure=measure,
    grid={
        "net": tuple(images.SCALED),
        "learning": images.METHODS,
        "scale": tuple(round(0.1 + 0.05 * k, 2) for k in range(39)),
    },
    index=("net", "learning", "scale", "seed"),
    units={
        "accuracy": "share of validation images, last epoch",
        "mean_accuracy": "share of validation images, mean over epochs",
        "epochs_to_target": f"epochs to {TARGET}; one more than trained if never",
        "worst_fall": "largest fall of accuracy in an epoch",
        "rate": "spikes per neuron and step, last epoch",
    },
    settings={**images.SHORT, "training": {"epochs": 4, "batch_size": 32, "threads": 1}},
    fast={**images.FAST, "scale": (0.5, 1.0)},
)
