"""A conductance-based neuron whose M-current sets its excitability."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter
from neurosim.equations.lif import CURRENT

HODGKIN_HUXLEY = Declaration(
    name="hodgkin-huxley",
    meaning=(
        "Hodgkin-Huxley neuron with Traub-Miles kinetics and an M-current; threshold_scale scales "
        "the M-conductance, the channel that intrinsic plasticity regulates."
    ),
    equations="""
        dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) \
+ threshold_scale*g_M*p*(E_K - v) + I + I_noise)/C : volt
        x = v - V_T : volt
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        dp/dt = (p_inf - p)/tau_p : 1
        alpha_m = 1.28/exprel((13*mV - x)/(4*mV))/ms : Hz
        beta_m = 1.4/exprel((x - 40*mV)/(5*mV))/ms : Hz
        alpha_h = 0.128*exp((17*mV - x)/(18*mV))/ms : Hz
        beta_h = 4/(1 + exp((40*mV - x)/(5*mV)))/ms : Hz
        alpha_n = 0.16/exprel((15*mV - x)/(5*mV))/ms : Hz
        beta_n = 0.5*exp((10*mV - x)/(40*mV))/ms : Hz
        p_inf = 1/(1 + exp(-(v + 35*mV)/(10*mV))) : 1
        tau_p = tau_max/(3.3*exp((v + 35*mV)/(20*mV)) + exp(-(v + 35*mV)/(20*mV))) : second
    """,
    parameters={
        "C": Parameter(200.0, "pF", "membrane capacitance", 0.001),
        "g_L": Parameter(4.1, "nS", "leak conductance", 0),
        "g_Na": Parameter(11200.0, "nS", "sodium conductance", 0),
        "g_K": Parameter(1200.0, "nS", "potassium conductance", 0),
        "g_M": Parameter(15.0, "nS", "M-conductance at threshold_scale 1", 0),
        "E_L": Parameter(-70.3, "mV", "reversal potential of the leak"),
        "E_Na": Parameter(50.0, "mV", "reversal potential of sodium"),
        "E_K": Parameter(-90.0, "mV", "reversal potential of potassium"),
        "V_T": Parameter(-56.2, "mV", "shifts the kinetics of sodium and potassium"),
        "tau_max": Parameter(608.0, "ms", "largest time constant of the M-current", 0.001),
        "V_spike": Parameter(-20.0, "mV", "a spike is counted on passing it upwards"),
        "I": CURRENT["I"],
    },
    threshold="v > V_spike",
    refractory="v > V_spike",
    initial={
        "v": "E_L",
        "m": "alpha_m/(alpha_m + beta_m)",
        "h": "alpha_h/(alpha_h + beta_h)",
        "n": "alpha_n/(alpha_n + beta_n)",
        "p": "p_inf",
    },
    methods=("exponential_euler", "euler"),
    slots=("threshold", "current"),
    reference=(
        "kinetics: Traub and Miles, Neuronal Networks of the Hippocampus, Cambridge University "
        "Press 1991, doi:10.1017/CBO9780511895401, as in Brette et al. 2007, "
        "doi:10.1007/s10827-007-0038-6; M-current, and defaults after the regular-spiking cell: "
        "Pospischil et al., Minimal Hodgkin-Huxley type models, Biol Cybern 99:427, 2008, "
        "doi:10.1007/s00422-008-0263-8"
    ),
)
