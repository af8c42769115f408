"""The bridge to Xylo: chip limits, design rules, mapping, quantisation, runtime threshold.

What only mapping needs (numba, the quantisers) loads when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from neurosim.xylo.register import ThresholdRegister
from neurosim.xylo.rules import RuleError, Violation
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.xylo.mapping import Deployment, DeployWarning, deploy, plan

__all__ = [
    "DeployWarning",
    "Deployment",
    "RuleError",
    "ThresholdRegister",
    "Violation",
    "XyloSpec",
    "deploy",
    "plan",
]

_LAZY = dict.fromkeys(("DeployWarning", "Deployment", "deploy", "plan"), "mapping")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"neurosim.xylo.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'neurosim.xylo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
