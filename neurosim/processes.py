"""Processes that share work: how many, and results in the order of the work."""

from __future__ import annotations

from joblib import Parallel

from neurosim.errors import InputError


def pool(workers: int | None) -> Parallel:
    """Return a pool of processes, all cores when `workers` is None.

    Raises:
        InputError: workers is below 1.
    """
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; give 1 or more, or None for all cores")
    return Parallel(n_jobs=-1 if workers is None else workers, return_as="generator")
