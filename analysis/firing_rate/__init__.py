"""Firing rate of leaky integrate-and-fire neurons in noise, in continuous time.

`white_noise` has Siegert's rate and its derivatives, `variability` the CV, `coloured_noise` the
rate behind filtering synapses, `response` the transfer function, `populations` the rates of
networks that drive themselves, `random_thresholds` those where thresholds are drawn.
"""

from neurosim.analysis.firing_rate.coloured_noise import colored
from neurosim.analysis.firing_rate.populations import (
    Elasticities,
    OperatingPoint,
    brunel,
    elasticities,
    self_consistent,
)
from neurosim.analysis.firing_rate.random_thresholds import (
    FixedPoint,
    random_threshold_brunel,
    random_threshold_rate,
)
from neurosim.analysis.firing_rate.response import transfer
from neurosim.analysis.firing_rate.variability import cv
from neurosim.analysis.firing_rate.white_noise import (
    Gradient,
    gradient,
    log_gradient,
    log_siegert,
    siegert,
)

__all__ = [
    "Elasticities",
    "FixedPoint",
    "Gradient",
    "OperatingPoint",
    "brunel",
    "colored",
    "cv",
    "elasticities",
    "gradient",
    "log_gradient",
    "log_siegert",
    "random_threshold_brunel",
    "random_threshold_rate",
    "self_consistent",
    "siegert",
    "transfer",
]
