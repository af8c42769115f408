"""AHSAR 2: convolutional nets with and without the homeostat, however they are trained."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from neurosim.studies.ahsar import images
from neurosim.studies.ahsar.gains_table import table
from neurosim.studies.ahsar.images import GAIN, against_none
from neurosim.studies.claims import Finding, by_parts, by_pool, claim, pool
from neurosim.studies.estimates import crossing
from neurosim.studies.study import Row, Study, Training

TARGETS = {"images": 0.9, "events": 0.6}
"""Validation accuracies whose first epochs measure the speed of learning."""


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
    changes = {**training, **images.SHOWN[shown], **images.VARIANTS[variant]}
    run = images.run(seed, every=every, net=net, method=learning, mode=mode, steps=steps, **changes)
    accuracy = [row["validation_accuracy"] for row in run.metrics]
    epochs = np.arange(1, len(accuracy) + 1)
    test, labels = images.digits(seed, every).part("test")
    logits, rate = images.answers(run, test)
    return [
        {
            "accuracy": float(np.mean(logits.argmax(1) == labels)),
            "mean_accuracy": float(np.mean(accuracy)),
            "epochs_to_target": crossing(
                TARGETS[shown], accuracy, epochs, never=len(accuracy) + 1.0
            ),
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

TESTED = "digits as {shown}; {net}; {learning}; {mode}-step; T = {steps}; " + images.EPOCHS
SOONER = 0.1
"""Epochs by which a target must be reached sooner to count; the paper gives no number."""


@claim("AHSAR accelerates convergence", "section 5.2", TESTED)
def faster(d: xr.Dataset) -> Finding:
    """Compare epochs to a target, and accuracy on the way, with and without AHSAR."""
    epochs = pool(against_none(d["epochs_to_target"]), ("shown", "net", "learning"))
    mean = pool(against_none(d.mean_accuracy), ("shown", "net", "learning"))
    text = f"epochs to the target {epochs:+.2f}; mean accuracy over epochs {mean.overall:+.4f}"
    verdicts = (by_pool(epochs, positive=False, least=SOONER), by_pool(mean, least=GAIN))
    return Finding(text, by_parts(verdicts))


@claim("AHSAR raises accuracy after a fixed number of epochs", "table 1", TESTED)
def better(d: xr.Dataset) -> Finding:
    """Compare test accuracy after the last epoch with and without AHSAR."""
    gain = pool(against_none(d.accuracy), ("shown", "net", "learning"))
    text = f"test accuracy after the last epoch {gain:+.4f}; reported are +0.003 to +0.024"
    return Finding(text, by_pool(gain, least=GAIN))


CLAIMS = (
    faster,
    better,
)
