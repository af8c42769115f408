"""Firing rate of the leaky integrate-and-fire neuron in noise, and what follows from it.

The face of `siegert` (rate and its derivatives), `variability` (CV), `coloured_noise` (synaptic
filtering), `response` (transfer function) and `brunel` (self-consistent rates of networks).
"""

from neurosim.analysis.networks.brunel import OperatingPoint, brunel, self_consistent
from neurosim.analysis.rates.coloured_noise import colored
from neurosim.analysis.rates.response import transfer
from neurosim.analysis.rates.siegert import Gradient, gradient, log_gradient, log_siegert, siegert
from neurosim.analysis.rates.variability import cv

__all__ = [
    "Gradient",
    "OperatingPoint",
    "brunel",
    "colored",
    "cv",
    "gradient",
    "log_gradient",
    "log_siegert",
    "self_consistent",
    "siegert",
    "transfer",
]
