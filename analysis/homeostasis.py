"""AHSAR's homeostatic loop: where it is stable, how fast it settles, and what it leaves.

The face of `homeostat_loop` (the loop itself), `homeostat_stability` (its linear map),
`homeostat_design` (steady states and gains that do) and `layer_coupling` (how the layers of a
network answer).
"""

from neurosim.analysis.homeostat.coupling import Coupling, coupling_from_network
from neurosim.analysis.homeostat.design import (
    SteadyState,
    recommend,
    remaining_disagreement,
    steady_state,
    steepest_state,
)
from neurosim.analysis.homeostat.loop import Loop, Trajectory, trajectory
from neurosim.analysis.homeostat.stability import (
    Modes,
    Region,
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
