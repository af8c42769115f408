"""What decides over results: versions, the processor, and whether a run can be repeated exactly."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from neurosim import __version__

PACKAGES = ("brian2", "xylosim", "rockpool", "torch", "numpy", "numba")
SWITCHES = ("MKL_CBWR", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NUMBA_CPU_NAME")
"""Environment variables by which libraries choose instructions, and with them the order of sums."""
EXACTLY = "bit for bit on the same processor with the same versions and threads, else statistically"
STATISTICALLY = "statistically: another run of the same seed is another draw"


def versions() -> dict[str, str]:
    """Return the versions of neurosim, Python and the packages that decide over results."""
    names = {"neurosim": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            names[package] = version(package)
        except PackageNotFoundError:
            names[package] = "absent"
    return names


def processor() -> dict[str, str]:
    """Return the processor's name, and the set variables that have libraries add in another order.

    Sums of products are rounded in the order that BLAS and the compiler choose for a processor, and
    spikes follow: the same seed trains another net of the same kind on another processor.
    """
    switched = {name: os.environ[name] for name in SWITCHES if os.environ.get(name)}
    return {"processor": _name(), **switched}


def repeatable(device: str, processes: int) -> str:
    """Say how far training can be repeated: to the last bit or in distribution.

    On the CPU every sum has an order of its own, which threads and versions decide. GPUs and
    processes that share batches add in the order in which parts arrive.

    Args:
        device: "cpu" or a GPU, as torch calls it.
        processes: that share each batch.
    """
    return EXACTLY if device == "cpu" and processes == 1 else STATISTICALLY


def _name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
