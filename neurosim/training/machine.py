"""Which device and how many threads a training run uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from neurosim.errors import UnavailableError
from neurosim.training.config import TrainConfig

MOST_THREADS = 8
"""Layers of some tens of neurons give more threads nothing to do."""
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def device(settings: TrainConfig) -> torch.device:
    """Return the device of a run: image nets take a GPU where there is one, small nets the CPU.

    Raises:
        UnavailableError: a GPU was asked for, and there is none.
    """
    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise UnavailableError("device is 'cuda' and torch finds no GPU; set device = 'auto'")
    wanted = settings.device == "cuda" or (settings.device == "auto" and settings.task != "imu")
    if not (wanted and there):
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def cores() -> int:
    """Return how many cores this process may use, by its affinity and its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = QUOTA.read_text(encoding="ascii").split()
        return max(1, min(count or 1, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no container, or no limit
        return count or 1


@contextmanager
def threads(settings: TrainConfig) -> Iterator[int]:
    """Use the threads of a run: those asked for, or what torch has, within the cores."""
    before = torch.get_num_threads()
    count = settings.threads or min(before, cores(), MOST_THREADS)
    if count != before:
        torch.set_num_threads(count)
    try:
        yield count
    finally:
        if count != before:
            torch.set_num_threads(before)
