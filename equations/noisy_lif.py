"""The noisy membrane as an Ornstein-Uhlenbeck process.

`std` is the standard deviation s of the free process (no threshold): dv = -(v - mu)/tau dt +
s sqrt(2/tau) dW. Siegert's and Brunel's sigma is sqrt(2) s.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter
from neurosim.equations.lif import REST, THETA

_PARAMETERS = REST | {
    "tau": Parameter(20.0, "ms", "membrane time constant", 0.001),
    "mu": Parameter(-55.0, "mV", "mean of the free potential", varies=True),
    "std": Parameter(5.0, "mV", "standard deviation of the free potential", 0),
}

_REFERENCE = (
    "Uhlenbeck and Ornstein, On the theory of the Brownian motion, Phys Rev 36:823, 1930, "
    "doi:10.1103/PhysRev.36.823"
)

NOISY_LIF = Declaration(
    name="noisy-lif",
    meaning="Leaky integrate-and-fire neuron driven by white noise, with the exact update.",
    equations="v : volt" + THETA,
    parameters=_PARAMETERS,
    step={
        "diffuse": """
            moved = mu + (v - mu)*exp(-dt/tau) + std*sqrt(1 - exp(-2*dt/tau))*randn()
            v = v + int(not_refractory)*(moved - v)
        """
    },
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    slots=("threshold", "condition"),
    reference=_REFERENCE
    + "; exact update: Gillespie, Phys Rev E 54:2084, 1996, doi:10.1103/PhysRevE.54.2084",
)

NOISY_LIF_EULER = Declaration(
    name="noisy-lif-euler",
    meaning="Leaky integrate-and-fire neuron driven by white noise, with the Euler-Maruyama step.",
    equations="dv/dt = (mu - v)/tau + std*sqrt(2/tau)*xi : volt (unless refractory)" + THETA,
    parameters=_PARAMETERS,
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    methods=("euler",),
    slots=("threshold", "condition"),
    reference=_REFERENCE,
)
