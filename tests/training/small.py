"""A small task that a small net learns in a second: windows whose class is loud on two channels."""

import numpy as np

from neurosim.data import FrontEnd
from neurosim.data.dataset import Dataset
from neurosim.data.splits import Split
from neurosim.data.windows import Windows

CHANNELS, CLASSES, STEPS = 6, 3, 60
SMALL = {
    "hidden": (12, 10),
    "epochs": 6,
    "batch_size": 32,
    "learning_rate": 1e-2,
    "weight_gain": 1.0,
}


def windows(rng: np.random.Generator, samples: int, subject: int) -> Windows:
    """Each class is loud on two of the six channels."""
    labels = np.arange(samples) % CLASSES
    loud = np.arange(CHANNELS) // 2 == labels[:, None]
    raster = rng.poisson(np.where(loud, 2.0, 0.5)[:, None, :], (samples, STEPS, CHANNELS))
    return Windows(raster.clip(max=15).astype(np.uint8), labels, np.full(samples, subject))


def small_dataset(rng: np.random.Generator) -> Dataset:
    """Return 96 windows to train on, 30 to validate, 30 to test."""
    parts = [windows(rng, samples, subject) for subject, samples in enumerate((96, 30, 30))]
    return Dataset(*parts, FrontEnd(scale=0.5), ("a", "b", "c"), Split((0,), (1,), (2,)))
