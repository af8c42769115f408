"""Wrist nets trained once and shared by all studies, kept under a hash of settings and data."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import __version__
from neurosim.data import WRIST_SPLIT, Split, at_random, wrist_imu
from neurosim.errors import InputError
from neurosim.run import Run
from neurosim.workflows.caches import nets_folder

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.data.images import ImageSet
    from neurosim.network import Network
    from neurosim.training.config import TrainConfig

SUBJECTS = range(1, 11)

Training = dict[str, Any]
"""Settings of `TrainConfig` that a study changes for all its nets alike."""
FULL: Training = {}
"""The demo's nets: 40 epochs."""
SHORT: dict[str, Any] = {"training": {"epochs": 16, "batch_size": 64}, "every": 2}
"""For grids of many nets, all trained alike in a fifth of the time: every second window, so that
none overlap, and half the batch. Less accurate, most so for wide laws."""
FAST = {
    "training": {
        "epochs": 12,
        "batch_size": 8,
        "learning_rate": 0.003,
        "hidden": (16, 16),
        "weight_gain": 0.6,
    },
    "every": 32,
    "seeds": 2,
}
"""What fast studies train: a moment's work, and spikes in all layers."""


def split(seed: int) -> Split:
    """Return the subject split of a seed: the published one for 0, else 3 of 10 drawn to test."""
    return WRIST_SPLIT if seed == 0 else at_random(SUBJECTS, test=3, validation=1, seed=seed)


@lru_cache(maxsize=2)
def dataset(seed: int, every: int = 1) -> Dataset:
    """Return the wrist recordings in the split of a seed, its front end chosen on its training.

    Args:
        seed: of the split.
        every: keep only every so manieth window, for fast runs.
    """
    whole = wrist_imu(split(seed))
    parts = {
        name: (part := getattr(whole, name)).select(np.arange(len(part)) % every == 0)
        for name in ("train", "validation", "test")
    }
    return replace(whole, **parts) if every > 1 else whole


def wrist_net(
    preset: str, seed: int, *, every: int = 1, training: Training | None = None, **changes: Any
) -> Network:
    """Return the net of a preset and seed (weights, batches, draws and subject split).

    Args:
        preset: "fixed" or "aspen".
        seed: of the net and of its split.
        every: train on every so manieth window.
        training: settings that the study changes for all its nets.
        changes: settings that differ from the preset.
    """
    from neurosim.training import config

    settings = config.load(preset, seed=seed, **(training or {}), **changes)
    data = dataset(seed, every)
    key = {
        "split": [data.split.train, data.split.validation],
        "front end": data.front_end.to_dict(),
        **({"every": every} if every > 1 else {}),
    }
    return kept(settings, data, key).layered


def kept(settings: TrainConfig, data: Dataset | ImageSet, key: dict[str, Any]) -> Run:
    """Return a run of these settings, trained now if there is none.

    Args:
        settings: of the run.
        data: its samples.
        key: what tells these samples from others, as JSON values.
    """
    wanted = settings.model_dump(mode="json")
    # What is left at its default is not named: a later setting leaves old nets valid.
    named = settings.model_dump(mode="json", exclude_defaults=True)
    whole = {"settings": named, "seed": settings.seed, "version": __version__, **key}
    name = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:20]
    place = nets_folder() / name
    with _alone(place):
        with contextlib.suppress(InputError):
            run = Run.load(place)
            if all(wanted.get(k) == v for k, v in run.config.items()):
                return run
        from neurosim.training.faults import ActivityWarning
        from neurosim.training.loop import train

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ActivityWarning)  # results say what is undecided
            return train(settings, folder=place, dataset=data, resume=True, progress=False)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process of this machine at a time make a net; the others wait and then read it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
