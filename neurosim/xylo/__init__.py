"""The bridge to Xylo: chip limits, design rules, mapping, quantisation, runtime threshold."""

from neurosim.xylo.mapping import DeployWarning, deploy
from neurosim.xylo.rules import RuleError, Violation
from neurosim.xylo.spec import XyloSpec

__all__ = ["DeployWarning", "RuleError", "Violation", "XyloSpec", "deploy"]
