"""What theory says: pure functions of floats and arrays in SI units.

The rooms: `firing_rate` (neurons and populations in continuous time), `discrete` (neurons that go
step by step), `passage` (when the threshold is reached), `thresholds` (gates, and what drawing a
threshold at random does), `networks` (a trained network's rates, counts and gradients) and
`homeostasis` (AHSAR's loop). All load when they are first used.
"""

from importlib import import_module
from types import ModuleType

_PLACES = {
    "convexity": "thresholds.convexity",
    "count_noise": "networks.count_noise",
    "discrete_time": "discrete.discrete_time",
    "effective_jacobian": "networks.effective_jacobian",
    "filtered_rate": "discrete.filtered_rate",
    "firing_rate": "firing_rate",
    "first_passage": "passage.first_passage",
    "homeostasis": "homeostasis",
    "latency": "passage.latency",
    "laws": "laws",
    "mean_field": "networks.mean_field",
    "random_threshold": "thresholds.random_threshold",
    "stationary": "thresholds.stationary",
    "surrogates": "thresholds.surrogates",
}
"""Where each public module lives."""

__all__ = list(_PLACES)


def __getattr__(name: str) -> ModuleType:
    if name in _PLACES:
        return import_module(f"neurosim.analysis.{_PLACES[name]}")
    raise AttributeError(f"module 'neurosim.analysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
