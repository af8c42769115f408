"""Train rockpool modules with fused kernels and stochastic thresholds.

torch and rockpool load with the first name taken from here, so that configurations stay light.
"""

from importlib import import_module
from typing import Any

import neurosim.snn  # noqa: F401  (says how torch's threads wait, before torch loads)

_MODULES = {
    "image_nets": "neurosim.snn.image_nets",
    "losses": "neurosim.training.losses",
    "rate_based": "neurosim.snn.rate_based",
    "summary": "neurosim.snn.summary",
    "surrogates": "neurosim.snn.surrogates",
    "synnet": "neurosim.snn.synnet",
}
"""Imported by name as they are: `training.losses.on_counts`, `training.synnet.synnet`."""
_NAMES = {
    "GlobalGain": "neurosim.homeostat.controller",
    "Homeostat": "neurosim.homeostat.homeostat",
    "ImageNet": "neurosim.snn.image_nets",
    "LIF": "neurosim.snn.lif",
    "Spiking": "neurosim.snn.spiking",
    "reset_state": "neurosim.snn.adapters",
    "ThresholdSampler": "neurosim.training.thresholds",
    "chain_of": "neurosim.formats.rockpool",
    "set_rates": "neurosim.snn.initial_rates",
    "trained_module": "neurosim.training.tasks",
    "sweep": "neurosim.workflows.float_sweep",
    "module_from_network": "neurosim.formats.rockpool",
    "network_from_module": "neurosim.formats.rockpool",
}

__all__ = [*_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'neurosim.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
