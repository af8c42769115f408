"""What AHSAR's studies share: digits, small nets trained on them, what these answer, and gains."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from neurosim import data
from neurosim.errors import InputError
from neurosim.studies import trained

if TYPE_CHECKING:
    import xarray as xr

    from neurosim.data.images import ImageSet
    from neurosim.homeostat.homeostat import Homeostat
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
EPOCHS = f"{SHORT['training']['epochs']} epochs, {{seed}} seeds, paired"
TESTED = "digits; {net}; " + EPOCHS
"""How claims on nets trained with and without AHSAR are tested."""
GAIN = 0.003
"""Smallest gain of accuracy in the paper's table 1 (BPTT, VGG-13, multi-step, event, T = 10)."""


@lru_cache(maxsize=4)
def digits(seed: int, every: int = 1) -> ImageSet:
    """Return the digits in the split of a seed, every n-th image of each part."""
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


def learn(
    seed: int,
    *,
    scale: float = 1.0,
    every: int = 1,
    note: Callable[[Any], None] = lambda _: None,
    **changes: Any,
) -> tuple[list[Epoch], Homeostat | None]:
    """Train a net that is not kept; return its epochs, and its homeostat if it has one.

    Args:
        seed: of weights, batches and split.
        scale: factor on all thresholds, in training and evaluation. AHSAR's section 3: all else is
            equal, and it decides how fast and how well a net learns. A homeostat starts from there.
        every: train on every n-th image.
        note: is called with the net after each step.
        changes: settings of the run.

    Raises:
        InputError: the scale is not positive.
        NonFiniteLossError: training diverged.
    """
    import torch

    from neurosim.homeostat.gains import HomeostatWarning
    from neurosim.snn import spiking
    from neurosim.training import machine
    from neurosim.training.epochs import Trainer
    from neurosim.training.faults import ActivityWarning
    from neurosim.training.tasks import task_for

    if not scale > 0:
        raise InputError(f"scale is {scale}; a factor on thresholds must be positive")
    chosen = settings(seed, **changes)
    with warnings.catch_warnings(), machine.threads(chosen), torch.random.fork_rng(devices=[]):
        for kind in (ActivityWarning, HomeostatWarning):  # silence is what is studied here
            warnings.simplefilter("ignore", kind)
        torch.manual_seed(seed)
        task = task_for(chosen, digits(seed, every), machine.device(chosen))
        for layer in spiking.layers(task.net):
            layer.threshold = layer.threshold * scale
        trainer = Trainer(task, chosen)
        epochs = list(trainer.epochs(on_batch=lambda *_: note(task.net)))
        return epochs, trainer.homeostat


def learnt(epochs: list[Epoch]) -> Row:
    """Return what a learning curve came to: last and mean accuracy, and the last rate."""
    accuracy = [row["validation_accuracy"] for row in epochs]
    return {
        "accuracy": accuracy[-1],
        "mean_accuracy": sum(accuracy) / len(accuracy),
        "rate": epochs[-1]["spikes_per_neuron_and_step"],
    }


def answers(
    run: Run, images: np.ndarray, scale: float | Sequence[float] = 1.0
) -> tuple[np.ndarray, float]:
    """Return the logits (n, classes), means over time, and the mean spikes per neuron and step.

    Arguments as for `answers_by_layer`.
    """
    logits, rates, sizes = answers_by_layer(run, images, scale)
    return logits, float(np.average(rates, weights=sizes))


def answers_by_layer(
    run: Run, images: np.ndarray, scale: float | Sequence[float] = 1.0
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the logits, the spikes per neuron and step of each layer, and the layers' neurons.

    Args:
        run: of an image net.
        images: (n, channels, height, width) in [0, 1], shown as the run's own were.
        scale: factor on the thresholds that the net was trained to, or one for each layer.
    """
    import torch

    from neurosim.snn import spiking
    from neurosim.training import machine
    from neurosim.training.config import TrainConfig
    from neurosim.training.evaluation import EVALUATION_BATCH
    from neurosim.training.image_task import module_of, shown
    from neurosim.training.thresholds import scaled

    chosen = TrainConfig(**run.config)
    device = machine.device(chosen)
    net = module_of(run).to(device)
    layers = spiking.layers(net)
    series, logits, spikes = shown(chosen, images), [], np.zeros(len(layers))
    factors = np.broadcast_to(scale, len(layers)).tolist()
    with torch.no_grad(), scaled(layers, factors):
        for start in range(0, len(series), EVALUATION_BATCH):
            part = series[start : start + EVALUATION_BATCH].astype(np.float32)
            batch = torch.tensor(part, device=device)
            logits.append(net(batch).mean(dim=1).cpu().numpy())
            rates = [float(layer.mean_rate) for layer in layers if layer.mean_rate is not None]
            spikes += len(batch) * np.array(rates)
    return np.concatenate(logits), spikes / len(series), [layer.size_out for layer in layers]


Values = TypeVar("Values", "xr.DataArray", "xr.Dataset")


def against_none(values: Values, variant: str = "full") -> Values:
    """Return the paired difference of a variant to the net without AHSAR."""
    return values.sel(variant=variant, drop=True) - values.sel(variant="none", drop=True)
