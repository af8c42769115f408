"""Kernels of the spiking layers, numba for CPUs and Triton for GPUs, as nodes of torch's graph."""

from pathlib import Path


def folder() -> Path:
    """Return where compiled kernels are kept; it may be deleted at any time."""
    import platformdirs

    return platformdirs.user_cache_path("neurosim") / "kernels"
