"""Torch layers and nets of spiking neurons: rockpool's LIF on fused kernels, image nets, SynNets.

torch and rockpool load with the first name taken from here.
"""

import os
from importlib import import_module
from typing import Any

# Waiting OpenMP threads of torch sleep: if they spun, as is their default, they would take the
# cores from the kernels' threads (2.5 times the processor time of a training step on 2 cores).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_MODULES = ("image_nets", "rate_based", "summary", "surrogates", "synnet")
"""Imported by name as they are: `snn.synnet.synnet`, `snn.image_nets.build`."""
_NAMES = {
    "ImageNet": "neurosim.snn.image_nets",
    "LIF": "neurosim.snn.lif",
    "Spiking": "neurosim.snn.spiking",
    "fuse": "neurosim.snn.fusing",
    "reset_state": "neurosim.snn.adapters",
    "set_rates": "neurosim.snn.initial_rates",
}

__all__ = [*_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"neurosim.snn.{name}")
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'neurosim.snn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
