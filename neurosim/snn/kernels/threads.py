"""Share the samples of a batch among torch's number of threads, for kernels that release the GIL.

Plain threads, because OpenMP in numba beside OpenMP in torch forbids fork and oversubscribes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch

SMALLEST_SHARE = 100_000
"""Neuron-steps below which a thread costs more than it gives (some 0.1 ms of work)."""

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def share(work: Callable[[int, int], None], samples: int, neuron_steps: int) -> None:
    """Call work(b0, b1) for ranges that cover 0..samples, at once in several threads.

    Args:
        work: writes to the rows b0..b1 of its arrays and to nothing else.
        samples: number of rows.
        neuron_steps: size of the whole, which decides how many threads are worth it.
    """
    count = min(torch.get_num_threads(), samples, max(1, neuron_steps // SMALLEST_SHARE))
    if count <= 1:
        work(0, samples)
        return
    edges = [samples * k // count for k in range(count + 1)]
    others = [_pool(count - 1).submit(work, a, b) for a, b in pairwise(edges[1:])]
    work(edges[0], edges[1])
    for other in others:
        other.result()


def _pool(threads: int) -> ThreadPoolExecutor:
    """Return this process's pool: threads do not survive a fork."""
    key = os.getpid(), threads
    if key not in _pools:
        _pools[key] = ThreadPoolExecutor(threads, thread_name_prefix="neurosim-kernel")
    return _pools[key]
