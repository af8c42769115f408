"""Leaky integrate-and-fire neurons that differ in how they hear spikes, and two driven by noise.

The noisy membrane is an Ornstein-Uhlenbeck process. Its `std` is the standard deviation s of the
free process (no threshold): dv = -(v - mu)/tau dt + s sqrt(2/tau) dW. Siegert's and Brunel's sigma
is sqrt(2) s.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

REST = {
    "E_L": Parameter(-70.0, "mV", "resting potential"),
    "theta_0": Parameter(-50.0, "mV", "threshold at threshold_scale 1"),
    "V_r": Parameter(-70.0, "mV", "potential after a spike"),
    "tau_ref": Parameter(0.0, "ms", "time without spikes after a spike", 0),
}
"""Parameters of every neuron with a fixed threshold above rest."""

CURRENT = {
    "R": Parameter(100.0, "Mohm", "membrane resistance", 0),
    "I": Parameter(0.0, "nA", "input current", varies=True),
}
"""Parameters of every neuron whose input is a current through a resistance."""

THETA = """
    theta = E_L + threshold_scale*(theta_0 - E_L) : volt
    depolarisation = (v - E_L)/(theta_0 - E_L) : 1
"""
"""The threshold, and the potential between 0 at rest and 1 at threshold_scale 1."""

_TEXTBOOK = (
    "Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics, Cambridge University Press 2014, "
    "chapter 1, doi:10.1017/CBO9781107447615"
)

LIF = Declaration(
    name="lif",
    meaning="Leaky integrate-and-fire neuron; a presynaptic spike moves its potential at once.",
    equations="dv/dt = (E_L - v + R*(I + I_noise))/tau : volt (unless refractory)" + THETA,
    parameters=REST | CURRENT | {"tau": Parameter(20.0, "ms", "membrane time constant", 0.001)},
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    synapse="w : volt  # jump of the potential",
    events={"receive": "v_post += w*spikes_pre"},
    slots=("threshold", "current", "condition"),
    reference=_TEXTBOOK,
)

LIF_EXPONENTIAL = Declaration(
    name="lif-exponential",
    meaning="Leaky integrate-and-fire neuron with a synaptic current that decays exponentially.",
    equations="""
        dv/dt = (E_L - v + R*(I + I_noise + I_syn))/tau : volt (unless refractory)
        dI_syn/dt = -I_syn/tau_syn : amp
    """
    + THETA,
    parameters=REST
    | CURRENT
    | {
        "tau": Parameter(20.0, "ms", "membrane time constant", 0.001),
        "tau_syn": Parameter(5.0, "ms", "time constant of the synaptic current", 0.001),
    },
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    synapse="w : amp  # jump of the synaptic current",
    events={"receive": "I_syn_post += w*spikes_pre"},
    methods=("rk4", "euler"),  # the exact solution divides by tau - tau_syn
    slots=("threshold", "current", "condition"),
    reference=_TEXTBOOK,
)

LIF_TWO_EXPONENTIALS = Declaration(
    name="lif-two-exponentials",
    meaning="Leaky integrate-and-fire neuron with excitatory and inhibitory input that decays \
exponentially, each at its own pace.",
    equations="""
        dv/dt = (g_e + g_i - (v - E_L) + R*(I + I_noise))/tau : volt (unless refractory)
        dg_e/dt = -g_e/tau_e : volt
        dg_i/dt = -g_i/tau_i : volt
    """
    + THETA,
    parameters=REST
    | CURRENT
    | {
        "tau": Parameter(20.0, "ms", "membrane time constant, other than the next two", 0.001),
        "tau_e": Parameter(5.0, "ms", "time constant of excitation", 0.001),
        "tau_i": Parameter(10.0, "ms", "time constant of inhibition", 0.001),
    },
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    synapse="w : volt  # jump of the synaptic potential; below 0 where it inhibits",
    events={"excite": "g_e_post += w*spikes_pre", "inhibit": "g_i_post += w*spikes_pre"},
    methods=("exact", "rk4", "euler"),
    slots=("threshold", "current", "condition"),
    reference=(
        "Vogels and Abbott, Signal propagation and logic gating in networks of integrate-and-fire "
        "neurons, J Neurosci 25:10786, 2005, doi:10.1523/JNEUROSCI.3508-05.2005"
    ),
)

LIF_CONDUCTANCE = Declaration(
    name="lif-conductance",
    meaning="Leaky integrate-and-fire neuron with excitatory and inhibitory conductances.",
    equations="""
        dv/dt = (g_L*(E_L - v) + g_e*(E_e - v) + g_i*(E_i - v) + I + I_noise)/C : volt \
(unless refractory)
        dg_e/dt = -g_e/tau_e : siemens
        dg_i/dt = -g_i/tau_i : siemens
    """
    + THETA,
    parameters=REST
    | {
        "C": Parameter(200.0, "pF", "membrane capacitance", 0.001),
        "g_L": Parameter(10.0, "nS", "leak conductance", 0),
        "E_e": Parameter(0.0, "mV", "reversal potential of excitation"),
        "E_i": Parameter(-80.0, "mV", "reversal potential of inhibition"),
        "tau_e": Parameter(5.0, "ms", "time constant of excitation", 0.001),
        "tau_i": Parameter(10.0, "ms", "time constant of inhibition", 0.001),
        "I": CURRENT["I"],
    },
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    synapse="w : siemens  # jump of the conductance",
    events={"excite": "g_e_post += w*spikes_pre", "inhibit": "g_i_post += w*spikes_pre"},
    methods=("rk4", "euler"),
    slots=("threshold", "current", "condition"),
    reference=(
        "Brette et al., Simulation of networks of spiking neurons, J Comput Neurosci 23:349, 2007, "
        "doi:10.1007/s10827-007-0038-6"
    ),
)

_NOISY = REST | {
    "tau": Parameter(20.0, "ms", "membrane time constant", 0.001),
    "mu": Parameter(-55.0, "mV", "mean of the free potential", varies=True),
    "std": Parameter(5.0, "mV", "standard deviation of the free potential", 0),
}

_DIFFUSION = (
    "Uhlenbeck and Ornstein, On the theory of the Brownian motion, Phys Rev 36:823, 1930, "
    "doi:10.1103/PhysRev.36.823"
)

NOISY_LIF = Declaration(
    name="noisy-lif",
    meaning="Leaky integrate-and-fire neuron driven by white noise, with the exact update.",
    equations="v : volt" + THETA,
    parameters=_NOISY,
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
    reference=_DIFFUSION
    + "; exact update: Gillespie, Phys Rev E 54:2084, 1996, doi:10.1103/PhysRevE.54.2084",
)

NOISY_LIF_EULER = Declaration(
    name="noisy-lif-euler",
    meaning="Leaky integrate-and-fire neuron driven by white noise, with the Euler-Maruyama step.",
    equations="dv/dt = (mu - v)/tau + std*sqrt(2/tau)*xi : volt (unless refractory)" + THETA,
    parameters=_NOISY,
    threshold="v > theta",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    methods=("euler",),
    slots=("threshold", "condition"),
    reference=_DIFFUSION,
)
