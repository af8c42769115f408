"""What the training loop asks of a task: samples in three parts, and a net that answers them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch

from neurosim.errors import InputError
from neurosim.training.config import TrainConfig
from neurosim.training.recording_files import RecordingFiles

if TYPE_CHECKING:
    from neurosim.data import Dataset, Recordings
    from neurosim.data.images import ImageSet


class Pass(NamedTuple):
    """What a forward pass gave."""

    logits: torch.Tensor
    """(B, classes), with their graph in training."""
    price: torch.Tensor | None
    """What the hidden layers' activity adds to the loss, with its graph, where it costs."""
    spikes: list[float]
    """Spikes of each hidden layer."""
    places: list[int]
    """Its neurons times steps times samples."""
    running: torch.Tensor | None = None
    """Logits of parts of the sample (B, parts, classes), where the loss judges these."""


class Task(Protocol):
    """Samples and the net that learns them."""

    net: Any
    layers: list[str]
    """Names of the hidden spiking layers, whose thresholds are drawn and regulated."""
    steps: int
    """Time steps of a sample."""

    def labels(self, part: str) -> torch.Tensor:
        """Return the classes (n,) of "train", "validation" or "test"."""
        ...

    def inputs(
        self, part: str, chosen: np.ndarray, share: slice, rng: np.random.Generator | None
    ) -> torch.Tensor:
        """Return the chosen samples' share, changed at random in training.

        Args:
            part: "train", "validation" or "test".
            chosen: indices of a batch.
            share: this process's part of the batch; the rest takes its random numbers too.
            rng: None leaves samples as they are.
        """
        ...

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return what is learnt."""
        ...

    def forward(self, inputs: torch.Tensor, *, training: bool) -> Pass:
        """Run the net from rest."""
        ...

    def decide(self, logits: torch.Tensor) -> np.ndarray:
        """Return the classes (B,) that logits say."""
        ...

    def results(self, scales: np.ndarray | None) -> dict[str, Any]:
        """Return what a `Run` keeps of the net, the layers' threshold scales taken in."""
        ...

    def keep(self, folder: Path) -> None:
        """Write into a run's folder what of the samples cannot be had elsewhere."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Return what the weights depend on beside the settings, as JSON values."""
        ...


def task_for(
    settings: TrainConfig, dataset: Dataset | ImageSet | Recordings | None, device: torch.device
) -> Task:
    """Return the task of a configuration.

    Args:
        settings: says which.
        dataset: its samples; the files of `settings.data`, or the task's own, when left out.
        device: where the net lives.

    Raises:
        InputError: the dataset is of another kind, or has nothing to train on.
    """
    from neurosim import data
    from neurosim.data.images import ImageSet
    from neurosim.data.recordings import Recordings

    images = settings.task != "imu"
    if dataset is not None and images != isinstance(dataset, ImageSet):
        wanted = "an ImageSet, such as neurosim.data.digits()" if images else "a Dataset of windows"
        raise InputError(
            f"dataset is a {type(dataset).__name__}; task {settings.task!r} needs {wanted}"
        )
    if isinstance(dataset, ImageSet) or images:
        from neurosim.training.image_task import ImageTask

        if dataset is None and settings.data is not None:
            dataset = settings.data.frames(settings.steps)
        return ImageTask(
            settings, dataset if isinstance(dataset, ImageSet) else data.digits(), device
        )
    from neurosim.training.imu_task import ImuTask

    if isinstance(dataset, Recordings):
        dataset = (settings.data or RecordingFiles.model_validate({"path": ""})).encoded(dataset)
    if dataset is None and settings.data is not None:
        dataset = settings.data.dataset()
    if dataset is not None and dataset.reading is not None:
        for note in dataset.reading.notes:
            logging.getLogger("neurosim").info("%s", note)
    return ImuTask(settings, dataset or data.wrist_imu(), device)


def trained_module(run: Any) -> torch.nn.Module:
    """Return the net of a `Run` as a module that evaluates, at the thresholds it was trained to."""
    if run.network is not None:
        from neurosim.formats.rockpool import module_from_network

        return module_from_network(run.network)
    from neurosim.training.image_task import module_of

    return module_of(run)
