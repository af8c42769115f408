"""What theory says: pure functions of floats and arrays in SI units.

`firing_rate` and `homeostasis` gather what belongs to one question from several rooms; the other
names are modules of the rooms. All load when they are first used.
"""

from importlib import import_module
from types import ModuleType

_ROOMS = {
    "convexity": "thresholds",
    "count_noise": "networks",
    "discrete_time": "discrete",
    "effective_jacobian": "networks",
    "filtered_rate": "discrete",
    "first_passage": "passage",
    "latency": "passage",
    "mean_field": "networks",
    "random_threshold": "thresholds",
    "stationary": "thresholds",
    "surrogates": "thresholds",
}
"""Where each public module lives."""

__all__ = ["firing_rate", "homeostasis", "laws", *_ROOMS]


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"neurosim.analysis.{_ROOMS[name]}.{name}")
    if name in __all__:
        return import_module(f"neurosim.analysis.{name}")
    raise AttributeError(f"module 'neurosim.analysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
