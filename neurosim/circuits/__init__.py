"""Networks of declared neurons: populations, projections, stimuli, recordings."""

from neurosim.circuits.circuit import Circuit, Population, Projection
from neurosim.circuits.result import CircuitResult, interval_cv, synchrony
from neurosim.circuits.rules import (
    all_to_all,
    distance_dependent,
    fixed_in_degree,
    fixed_out_degree,
    fixed_probability,
    fixed_total_number,
    one_to_one,
    pairs,
)
from neurosim.equations.connections import sort_synapses

__all__ = [
    "Circuit",
    "CircuitResult",
    "Population",
    "Projection",
    "all_to_all",
    "distance_dependent",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "fixed_total_number",
    "interval_cv",
    "one_to_one",
    "pairs",
    "sort_synapses",
    "synchrony",
]
