"""AHSAR's homeostatic loop: where it is stable, how fast it settles, and what it leaves.

The face of `homeostat_loop` (the loop itself), `homeostat_stability` (its linear map),
`homeostat_design` (steady states and gains that do) and `layer_coupling` (how the layers of a
network answer).
"""

from neurosim.analysis.homeostat_loop import Loop, Trajectory, trajectory
from neurosim.analysis.homeostat_stability import (
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
    "Loop",
    "Modes",
    "Region",
    "Trajectory",
    "eigenvalues",
    "feedback_sign",
    "feedback_sum",
    "is_stable",
    "linear_map",
    "modes",
    "overshoot",
    "settling_time",
    "spectral_radius",
    "stability_region",
    "trajectory",
]
