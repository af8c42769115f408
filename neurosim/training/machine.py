"""Where a training run computes: its device, its threads, and the processes that share its batches.

    torchrun --nproc-per-node 2 -m neurosim train CONFIG

All processes draw the same random numbers, for whole batches, and each learns from its share; the
loss is that of one process with the whole batch, within rounding. Only BatchNorm differs: each
process normalises by its own share, and running statistics are averaged after every epoch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import joblib
import torch
import torch.distributed as dist

from neurosim.errors import UnavailableError
from neurosim.training.config import TrainConfig

MOST_THREADS = 8
"""Layers of some tens of neurons give more threads nothing to do."""


def device(settings: TrainConfig) -> torch.device:
    """Return the device of a run: image nets take a GPU where there is one, small nets the CPU.

    Raises:
        UnavailableError: a GPU was asked for, and there is none.
    """
    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise UnavailableError("device is 'cuda' and torch finds no GPU; set device = 'auto'")
    on_gpu = settings.device == "cuda" or (settings.device == "auto" and settings.task != "imu")
    if not (on_gpu and there):
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def threads(settings: TrainConfig) -> Iterator[int]:
    """Use the threads of a run: those asked for, or what torch has, within the cores.

    The cores are those that affinity and the container's quota leave to this process.
    """
    before = torch.get_num_threads()
    count = settings.threads or min(before, joblib.cpu_count(), MOST_THREADS)
    if count != before:
        torch.set_num_threads(count)
    try:
        yield count
    finally:
        if count != before:
            torch.set_num_threads(before)


@dataclass(frozen=True)
class Group:
    """The processes that train together, and this one's place among them."""

    rank: int = 0
    size: int = 1

    def share(self, samples: int) -> slice:
        """Return which of a batch's samples are this process's: runs of nearly equal length."""
        return slice(samples * self.rank // self.size, samples * (self.rank + 1) // self.size)

    def add(self, values: Sequence[float], device: torch.device | None = None) -> list[float]:
        """Return the sums of numbers over all processes, in float64."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(total)
        return total.tolist()

    def add_gradients(self, gradients: Sequence[torch.Tensor]) -> None:
        """Sum gradients over all processes, in place and in one message."""
        if self.size == 1 or not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.reshape(gradient.shape))

    def average_buffers(self, net: torch.nn.Module) -> None:
        """Average BatchNorm's running statistics, which each process gathers on its samples."""
        if self.size == 1:
            return
        for module in torch.nn.Module.modules(net):
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                for buffer in (module.running_mean, module.running_var):
                    if buffer is not None:
                        dist.all_reduce(buffer)
                        buffer /= self.size


@contextmanager
def processes(device: torch.device) -> Iterator[Group]:
    """Join the processes that torchrun started, over nccl (CUDA) or gloo; alone, do nothing."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Group()
        return
    ours = not dist.is_initialized()
    if ours:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(dist.get_rank(), dist.get_world_size())
    finally:
        if ours:
            dist.destroy_process_group()
