"""AHSAR's homeostat for the spiking layers of any library: attach, step, detach."""

from importlib import import_module
from typing import Any

import neurosim.snn  # noqa: F401  (says how torch's threads wait, before torch loads)

_NAMES = {
    "GlobalGain": "neurosim.homeostat.global_gain",
    "Homeostat": "neurosim.homeostat.homeostat",
}

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'neurosim.homeostat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
