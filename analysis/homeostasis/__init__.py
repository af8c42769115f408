"""AHSAR's homeostat as a loop: where it is stable, how fast it settles, and what it leaves.

`loop` has the loop itself, `stability` its linear map, `design` steady states and gains that work,
`coupling` how the layers of a network, or populations, answer their thresholds and each other.
"""

from neurosim.analysis.homeostasis.coupling import (
    Coupling,
    coupling_from_network,
    coupling_from_populations,
)
from neurosim.analysis.homeostasis.design import (
    SteadyState,
    recommend,
    remaining_disagreement,
    steady_state,
    steepest_state,
)
from neurosim.analysis.homeostasis.loop import Loop, Trajectory, trajectory
from neurosim.analysis.homeostasis.stability import (
    Modes,
    Region,
    critical_gain,
    eigenvalues,
    feedback_sign,
    feedback_sum,
    is_stable,
    linear_map,
    modes,
    overshoot,
    settling_time,
    spectral_radius,
    stability_region,
)

__all__ = [
    "Coupling",
    "Loop",
    "Modes",
    "Region",
    "SteadyState",
    "Trajectory",
    "coupling_from_network",
    "coupling_from_populations",
    "critical_gain",
    "eigenvalues",
    "feedback_sign",
    "feedback_sum",
    "is_stable",
    "linear_map",
    "modes",
    "overshoot",
    "recommend",
    "remaining_disagreement",
    "settling_time",
    "spectral_radius",
    "stability_region",
    "steady_state",
    "steepest_state",
    "trajectory",
]
