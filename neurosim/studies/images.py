"""Digits and small nets for AHSAR's studies; trained runs are shared between studies."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from neurosim import data
from neurosim.studies import trained

if TYPE_CHECKING:
    from neurosim.data.images import ImageSet
    from neurosim.run import Run
    from neurosim.studies.study import Row
    from neurosim.training.config import TrainConfig
    from neurosim.training.epochs import Epoch

VARIANTS: dict[str, dict[str, Any]] = {
    "none": {"homeostat": False},
    "full": {},
    "no relaxation": {"relaxation": False},
    "no diffusion": {"diffusion": False},
    "no gain": {"global_gain": False},
}
"""Without AHSAR, with it, and with one of its parts left out."""
SHOWN: dict[str, dict[str, Any]] = {
    "images": {},
    "events": {"task": "digits-events"},
}
"""Digits as constant currents, and as synthetic events."""
NETS = ("mlp", "small-vgg", "small-resnet")
"""A perceptron of two spiking layers, and convolutional nets of five and seven."""
SCALED: dict[str, dict[str, Any]] = {
    "mlp": {"net": "mlp"},
    "small-vgg": {"net": "small-vgg"},
    "small-vgg without BatchNorm": {"net": "small-vgg", "batch_norm": False},
}
"""Nets whose thresholds are multiplied by a constant."""
METHODS = ("bptt", "rate")
TICKS = {"single": "step", "multi": "block"}
"""Control ticks of a homeostat, by step mode."""
SHORT: dict[str, Any] = {
    "training": {"epochs": 8, "batch_size": 32, "learning_rate": 3e-3, "threads": 1},
    "every": 1,
}
"""Fewer epochs than the paper's, of smaller batches at a higher peak rate: within 300 steps all
nets come near the accuracy that they end with."""
FAST: dict[str, Any] = {
    "training": {"epochs": 2, "batch_size": 32, "threads": 1},
    "every": 8,
    "seeds": 2,
    "net": ("mlp",),
}


@lru_cache(maxsize=4)
def digits(seed: int, every: int = 1) -> ImageSet:
    """Return the digits in the split of a seed, every so manieth image of each part."""
    whole = data.digits(seed)
    return replace(
        whole,
        train=whole.train[::every],
        validation=whole.validation[::every],
        test=whole.test[::every],
    )


def settings(seed: int, **changes: Any) -> TrainConfig:
    """Return AHSAR's settings (section 5.1) on digits, some of them changed.

    A homeostat ticks as section 4 has it: with the time steps in single-step mode, with the blocks
    of the net in multi-step mode.
    """
    from neurosim.training import config

    if changes.get("homeostat", True):
        changes = {"homeostat_ticks": TICKS[changes.get("mode", "multi")], **changes}
    return config.load("ahsar-digits", seed=seed, **changes)


def run(seed: int, *, every: int = 1, **changes: Any) -> Run:
    """Return the run of these settings and this seed, of weights, batches and split."""
    key = {"images": "digits", "every": every}
    return trained.kept(settings(seed, **changes), digits(seed, every), key)


def learning_curve(start: float, seed: int, *, every: int = 1, **changes: Any) -> list[Epoch]:
    """Return the epochs of a run whose thresholds are all multiplied by `start`; none is kept."""
    from neurosim.homeostat.gains import HomeostatWarning
    from neurosim.studies.constant_scale import train_at
    from neurosim.training.faults import ActivityWarning

    with warnings.catch_warnings():
        for kind in (ActivityWarning, HomeostatWarning):  # silence is what is studied here
            warnings.simplefilter("ignore", kind)
        return train_at(start, settings(seed, **changes), digits(seed, every))


def learnt(epochs: list[Epoch]) -> Row:
    """Return what a learning curve came to: last and mean accuracy, and the last rate."""
    accuracy = [row["validation_accuracy"] for row in epochs]
    return {
        "accuracy": accuracy[-1],
        "mean_accuracy": sum(accuracy) / len(accuracy),
        "rate": epochs[-1]["spikes_per_neuron_and_step"],
    }
