"""Versions that decide over results."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from neurosim import __version__

PACKAGES = ("brian2", "xylosim", "rockpool", "torch", "numpy", "numba")


def versions() -> dict[str, str]:
    """Return the versions of neurosim, Python and the packages that decide over results."""
    names = {"neurosim": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            names[package] = version(package)
        except PackageNotFoundError:
            names[package] = "absent"
    return names
