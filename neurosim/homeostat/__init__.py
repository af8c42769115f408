"""AHSAR's homeostat for the spiking layers of any library, and for groups of Brian2 networks.

`Homeostat.attach(net, events=batch)` finds the layers of rockpool, snnTorch, SpikingJelly, Norse,
sinabs and neurosim. For layers of another kind drive `LayerControl` yourself: it takes rates and
returns threshold scales. Gains are a `Loop`: `recommend` chooses them for how the layers respond,
which `measured_response` measures; an attached homeostat does both where none are given.

`attach(network, groups=[...])` does for groups of a Brian2 network what it does for layers, and
gives them declared threshold rules.

torch and Brian2 load with the first name that needs them.
"""

from importlib import import_module
from typing import Any

import neurosim.snn  # noqa: F401  (says how torch's threads wait, before torch loads)

_NAMES = {
    "AttachedRule": "neurosim.homeostat.brian2_rules",
    "GroupHomeostat": "neurosim.homeostat.brian2_groups",
    "GlobalGain": "neurosim.homeostat.controller",
    "Homeostat": "neurosim.homeostat.homeostat",
    "HomeostatWarning": "neurosim.homeostat.gains",
    "LayerControl": "neurosim.homeostat.controller",
    "Loop": "neurosim.analysis.homeostasis",
    "attach": "neurosim.homeostat.attaching",
    "measured_response": "neurosim.homeostat.gains",
    "recommend": "neurosim.analysis.homeostasis",
}

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'neurosim.homeostat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
