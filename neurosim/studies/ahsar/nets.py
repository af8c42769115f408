"""AHSAR 2: convolutional nets with and without the homeostat, however they are trained."""

from __future__ import annotations

from functools import partial

import numpy as np

from neurosim.studies import images
from neurosim.studies.gains_table import table
from neurosim.studies.study import Row, Study
from neurosim.studies.trained import Training

TARGETS = {"images": 0.9, "events": 0.6}
"""Validation accuracies whose first epochs measure the speed of learning."""


def epochs_to(target: float, accuracy: list[float]) -> float:
    """Return when a learning curve first reaches a target, in epochs.

    Args:
        target: accuracy.
        accuracy: after each epoch; 0 before the first, and straight between two.

    Returns:
        One more than all epochs if it stays below.
    """
    curve = np.r_[0.0, np.maximum.accumulate(accuracy)]
    if curve[-1] < target:
        return float(len(curve))
    after = int(np.argmax(curve >= target))
    before = curve[after - 1]
    return float(after - 1 + (target - before) / (curve[after] - before))


def measure(
    shown: str,
    net: str,
    learning: str,
    mode: str,
    steps: int,
    variant: str,
    seed: int,
    training: Training,
    every: int,
) -> list[Row]:
    """Train one net, and measure how fast it learnt and what it can do in the end."""
    from neurosim.studies.image_answers import answers

    changes = {**training, **images.SHOWN[shown], **images.VARIANTS[variant]}
    found = images.run(
        seed, every=every, net=net, method=learning, mode=mode, steps=steps, **changes
    )
    accuracy = [row["validation_accuracy"] for row in found.metrics]
    test, labels = images.digits(seed, every).part("test")
    logits, rate = answers(found, test)
    return [
        {
            "accuracy": float(np.mean(logits.argmax(1) == labels)),
            "mean_accuracy": float(np.mean(accuracy)),
            "epochs_to_target": epochs_to(TARGETS[shown], accuracy),
            "rate": rate,
        }
    ]


STUDY = Study(
    name="ahsar_nets",
    title="Small VGG and ResNet with and without AHSAR",
    measure=measure,
    grid={
        "shown": tuple(TARGETS),
        "net": ("small-vgg", "small-resnet"),
        "learning": images.METHODS,
        "mode": ("multi", "single"),
        "steps": (6, 8, 10),
        "variant": ("none", "full"),
    },
    index=("shown", "net", "learning", "mode", "steps", "variant", "seed"),
    units={
        "accuracy": "share of test images, after the last epoch",
        "mean_accuracy": "share of validation images, mean over epochs",
        "epochs_to_target": "epochs until the accuracy is "
        + ", ".join(f"{value} ({shown})" for shown, value in TARGETS.items())
        + "; one more than trained if never",
        "rate": "spikes per neuron and step",
    },
    settings=images.SHORT,
    fast={**images.FAST, "mode": ("multi",), "steps": (3,)},
    show=partial(table, inputs="shown"),
)
