"""AHSAR's tables 1, 2 and 4 at the paper's settings, for those who have the data and a GPU.

CIFAR-10 and CIFAR10-DVS are read from the official files (`neurosim data list` says where they
go). Training is checkpointed: a study that was killed goes on within a run, too.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import xarray as xr

from neurosim.data import cifar10_dvs_files, cifar10_files, corrupt
from neurosim.data.event_frames import Frames
from neurosim.data.images import ImageSet
from neurosim.studies import trained
from neurosim.studies.ahsar import images
from neurosim.studies.ahsar.gains_table import table
from neurosim.studies.ahsar.images import GAIN, against_none
from neurosim.studies.ahsar.ood import detection, entropy
from neurosim.studies.claims import Finding, by_pool, claim, pool
from neurosim.studies.study import Row, Study, Training

SETS = {"event": "cifar10-dvs", "rgb": "cifar10"}
"""By modality."""
NOISE = 0.1
"""Of the images out of distribution: standard deviation, or background events of a pixel and step.
The paper does not name its own."""
VARIANTS = {
    name: images.VARIANTS[name] for name in ("none", "full", "no relaxation", "no diffusion")
}


@lru_cache(maxsize=1)
def _load(modality: str, steps: int, seed: int, official: bool) -> ImageSet:
    """Return CIFAR-10, or CIFAR10-DVS in so many frames; `official` checks how many there are."""
    if modality == "rgb":
        rows = cifar10_files.ROWS if official else None
        return cifar10_files.cifar10(rows=rows, seed=seed)
    count = cifar10_dvs_files.RECORDINGS if official else None
    read = cifar10_dvs_files.cifar10_dvs(steps=steps, recordings=count, seed=seed)
    parts = {part: getattr(read, part) for part in ("train", "validation", "test")}
    return Frames(read.name, read.frames, read.labels, read.classes, **parts)


def _foreign(samples: np.ndarray, modality: str, seed: int) -> np.ndarray:
    """Return samples out of distribution."""
    if modality == "rgb":
        return corrupt.images(samples, "noise", NOISE, seed)
    background = np.random.default_rng(seed).poisson(NOISE, samples.shape)
    return np.minimum(samples + background, 255).astype(np.uint8)


def measure(
    modality: str,
    learning: str,
    mode: str,
    net: str,
    steps: int,
    variant: str,
    seed: int,
    training: Training,
    official: bool,
) -> list[Row]:
    """Train one net and measure it in and out of distribution."""
    data = _load(modality, steps, seed, official)
    settings = images.settings(
        seed, method=learning, mode=mode, net=net, steps=steps, **training, **VARIANTS[variant]
    )
    key = {"images": data.name, "official": official, "steps": steps}
    run = trained.kept(settings, data, key)
    samples, labels = data.part("test")
    inside, rate = images.answers(run, samples)
    outside, _ = images.answers(run, _foreign(samples, modality, seed))
    auroc, fpr = detection(entropy(inside), entropy(outside))
    return [
        {
            "accuracy": float(np.mean(inside.argmax(1) == labels)),
            "accuracy_ood": float(np.mean(outside.argmax(1) == labels)),
            "auroc": auroc,
            "fpr95": fpr,
            "rate": rate,
        }
    ]


STUDY = Study(
    name="ahsar_cifar",
    title="CIFAR-10 and CIFAR10-DVS at the paper's settings (the official files, a GPU)",
    measure=measure,
    grid={
        "modality": ("event", "rgb"),
        "learning": images.METHODS,
        "mode": ("single", "multi"),
        "net": ("resnet18", "vgg13"),
        "steps": (6, 8, 10),
        "variant": tuple(VARIANTS),
    },
    units={
        "accuracy": "share of test samples",
        "accuracy_ood": "share of corrupted test samples",
        "auroc": "area under the ROC curve",
        "fpr95": "share of known samples taken for others",
        "rate": "spikes per neuron and step",
    },
    settings={"training": {"epochs": 50}, "official": True},
    user_files=("modality", SETS),
    fast={
        "training": {"epochs": 1, "batch_size": 16, "threads": 1},
        "official": False,
        "net": ("small-resnet",),
        "mode": ("multi",),
        "learning": ("rate",),
        "steps": (2,),
        "variant": ("none", "full"),
        "seeds": 2,
    },
    show=partial(table, inputs="modality"),
)


@claim(
    "It gains 0.3 to 2 % on CIFAR-10 and CIFAR10-DVS (VGG-13, ResNet-18)",
    "table 1",
    "the official files and a GPU",
)
def cifar(d: xr.Dataset) -> Finding:
    """Compare accuracies on CIFAR-10 and CIFAR10-DVS with and without AHSAR."""
    gain = pool(against_none(d.accuracy), ("modality", "net", "learning"))
    return Finding(f"test accuracy {gain:+.4f}", by_pool(gain, least=GAIN))


CLAIMS = (cifar,)
