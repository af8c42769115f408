"""Leaky integrate-and-fire neurons whose threshold has a dynamics of its own."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter
from neurosim.equations.lif import CURRENT, REST

_MEMBRANE = """
    dv/dt = (E_L - v + R*(I + I_noise))/tau : volt (unless refractory)
    theta_rest = E_L + threshold_scale*(theta_0 - E_L) : volt
    depolarisation = (v - E_L)/(theta_0 - E_L) : 1
"""

_PARAMETERS = (
    REST
    | CURRENT
    | {
        "tau": Parameter(20.0, "ms", "membrane time constant", 0.001),
        "tau_theta": Parameter(100.0, "ms", "time constant of the threshold", 0.001),
        "jump": Parameter(2.0, "mV", "rise of the threshold at a spike", 0),
    }
)

ADAPTIVE_LIF = Declaration(
    name="adaptive-lif",
    meaning="Leaky integrate-and-fire neuron whose threshold jumps at a spike and decays back.",
    equations=_MEMBRANE + "dtheta/dt = (theta_rest - theta)/tau_theta : volt",
    parameters=_PARAMETERS,
    threshold="v > theta",
    reset="""
        v = V_r
        theta += jump
    """,
    refractory="tau_ref",
    initial={"v": "E_L", "theta": "theta_rest"},
    methods=("rk4", "euler"),  # the exact solution divides by differences of time constants
    slots=("threshold", "current"),
    reference=(
        "Liu and Wang, Spike-frequency adaptation of a generalized leaky integrate-and-fire model "
        "neuron, J Comput Neurosci 10:25, 2001, doi:10.1023/A:1008916026143"
    ),
)

VOLTAGE_ADAPTIVE_LIF = Declaration(
    name="voltage-adaptive-lif",
    meaning=(
        "Leaky integrate-and-fire neuron whose threshold follows its potential, "
        "as sodium inactivation makes it."
    ),
    equations=_MEMBRANE
    + """
        theta_target = theta_rest + slope*k_i*log(1 + exp((v - V_i)/k_i)) : volt
        dtheta/dt = (theta_target - theta)/tau_theta : volt
    """,
    parameters=_PARAMETERS
    | {
        "tau_theta": Parameter(5.0, "ms", "time constant of the threshold", 0.001),
        "jump": Parameter(0.0, "mV", "rise of the threshold at a spike", 0),
        "slope": Parameter(0.5, "1", "how much of a depolarisation the threshold follows", 0, 1),
        "V_i": Parameter(-60.0, "mV", "potential at which half of the channels are inactive"),
        "k_i": Parameter(3.0, "mV", "width of the inactivation curve", 0.001),
    },
    threshold="v > theta",
    reset="""
        v = V_r
        theta += jump
    """,
    refractory="tau_ref",
    initial={"v": "E_L", "theta": "theta_target"},
    methods=("rk4", "euler"),
    slots=("threshold", "current"),
    reference=(
        "Platkiewicz and Brette, A threshold equation for action potential initiation, PLoS Comput "
        "Biol 6:e1000850, 2010, doi:10.1371/journal.pcbi.1000850"
    ),
)
