"""Train rockpool modules with fused kernels and stochastic thresholds.

torch and rockpool load with the first name taken from here, so that configurations stay light.
"""

import os
from importlib import import_module
from typing import Any

# Waiting OpenMP threads of torch sleep: if they spun, as is their default, they would take the
# cores from the kernels' threads (2.5 times the processor time of a training step on 2 cores).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_MODULES = ("image_nets", "losses", "rate_based", "summary", "surrogates", "synnet")
"""Imported by name as they are: `training.losses.on_counts`, `training.synnet.synnet`."""
_NAMES = {
    "GlobalGain": "neurosim.training.global_gain",
    "Homeostat": "neurosim.training.homeostat",
    "ImageNet": "neurosim.training.image_nets",
    "LIF": "neurosim.training.modules",
    "Spiking": "neurosim.training.spiking",
    "reset_state": "neurosim.training.adapters",
    "ThresholdSampler": "neurosim.training.thresholds",
    "chain_of": "neurosim.training.synnet",
    "set_rates": "neurosim.training.initial_rates",
    "trained_module": "neurosim.training.tasks",
    "sweep": "neurosim.training.threshold_sweep",
    "module_from_network": "neurosim.training.convert",
    "network_from_module": "neurosim.training.convert",
}

__all__ = [*_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"neurosim.training.{name}")
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'neurosim.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
