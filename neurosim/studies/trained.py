"""Nets trained once and shared by all studies, kept under a hash of settings and data."""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from neurosim import __version__
from neurosim.errors import InputError
from neurosim.run import PROVENANCE_FILE, Run
from neurosim.workflows.caches import nets_folder

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.data.images import ImageSet
    from neurosim.training.config import TrainConfig


def kept(settings: TrainConfig, data: Dataset | ImageSet, key: dict[str, Any]) -> Run:
    """Return a run of these settings, trained now if there is none.

    Args:
        settings: of the run.
        data: its samples.
        key: what tells these samples from others, as JSON values. A net whose provenance names
            other training samples is trained anew.
    """
    whole = settings.model_dump(mode="json")
    # What is left at its default is not named: a later setting leaves old nets valid.
    named = settings.model_dump(mode="json", exclude_defaults=True)
    identity = {"settings": named, "seed": settings.seed, "version": __version__, **key}
    name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]
    place = nets_folder() / name
    place.parent.mkdir(parents=True, exist_ok=True)
    resume = True
    with FileLock(place.with_suffix(".lock")):  # other processes wait, and then read it
        try:
            run = Run.load(place)
            same = all(whole.get(k) == v for k, v in run.config.items())
            if same and run.provenance.get("train_sha256") in (None, data.train_sha256):
                return run
            resume = False  # what lies there was trained on something else
        except InputError as error:  # no run yet, one that was interrupted, or a damaged one
            resume = not (place / PROVENANCE_FILE).is_file()
            if not resume:
                warnings.warn(f"{error}: it is trained anew", stacklevel=2)
        from neurosim.training.faults import ActivityWarning
        from neurosim.training.loop import train

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ActivityWarning)  # results say what is undecided
            return train(settings, folder=place, dataset=data, resume=resume, progress=False)
