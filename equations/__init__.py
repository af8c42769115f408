"""What a neuron, a threshold rule, a homeostat is: declarations in Brian2 equations."""

from neurosim.equations.brian2_models import from_brian2
from neurosim.equations.catalogue import Catalogue, catalogue, describe
from neurosim.equations.connections import sort_synapses
from neurosim.equations.declaration import Declaration, Parameter
from neurosim.equations.registry import declarations, from_file, get

__all__ = [
    "Catalogue",
    "Declaration",
    "Parameter",
    "catalogue",
    "declarations",
    "describe",
    "from_brian2",
    "from_file",
    "get",
    "sort_synapses",
]
