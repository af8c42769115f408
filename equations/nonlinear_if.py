"""Integrate-and-fire neurons that make the upstroke of a spike themselves.

Their threshold is a property of the membrane (a critical potential, the onset of an exponential);
a spike is counted when the potential passes a cut-off far above.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter
from neurosim.equations.lif import CURRENT, REST

_CUTOFF = {"cutoff": Parameter(10.0, "mV", "a spike is counted this far above the threshold", 0)}
_PEAK = {"V_peak": Parameter(0.0, "mV", "cut-off at which a spike is counted")}
_TAU = {"tau": Parameter(20.0, "ms", "membrane time constant", 0.001)}

_THETA = """
    theta = E_L + threshold_scale*(theta_0 - E_L) : volt
    depolarisation = (v_held - E_L)/(theta_0 - E_L) : 1
"""

_HELD_AT_CUTOFF = (
    _THETA
    + """
    v_held = clip(v, -inf*volt, theta + cutoff) : volt
    upstroke = exp(clip((v_held - theta)/Delta_T, -100, 100)) : 1
"""
)
"""The potential, held at the cut-off, for all that follows it: in the step of a spike v leaps to
values that mean nothing. The exponential is held where the upstroke takes no time at all. So
neither the place of the cut-off nor the sharpness of the onset matters.
"""

_HELD_AT_PEAK = (
    _THETA
    + """
    v_held = clip(v, -inf*volt, V_peak) : volt
"""
)

QIF = Declaration(
    name="qif",
    meaning="Quadratic integrate-and-fire neuron: normal form of a saddle-node on a circle.",
    equations="""
        dv/dt = (a*(v_held - E_L)*(v_held - theta) + R*(I + I_noise))/tau : volt (unless refractory)
    """
    + _HELD_AT_PEAK,
    parameters=REST | CURRENT | _PEAK | _TAU | {"a": Parameter(0.05, "1/mV", "curvature", 1e-6)},
    threshold="v > V_peak",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    methods=("rk4", "euler"),
    slots=("threshold", "current"),
    reference=(
        "Ermentrout and Kopell, Parabolic bursting in an excitable system coupled with a slow "
        "oscillation, SIAM J Appl Math 46:233, 1986, doi:10.1137/0146017"
    ),
)

EIF = Declaration(
    name="eif",
    meaning="Exponential integrate-and-fire neuron: a spike starts as sodium channels open.",
    equations="""
        dv/dt = (E_L - v_held + Delta_T*upstroke + R*(I + I_noise))/tau : volt (unless refractory)
    """
    + _HELD_AT_CUTOFF,
    parameters=REST
    | CURRENT
    | _CUTOFF
    | _TAU
    | {"Delta_T": Parameter(2.0, "mV", "sharpness of the spike's onset", 0.001)},
    threshold="v > theta + cutoff",
    reset="v = V_r",
    refractory="tau_ref",
    initial={"v": "E_L"},
    methods=("rk4", "euler"),
    slots=("threshold", "current"),
    reference=(
        "Fourcaud-Trocmé, Hansel, van Vreeswijk, Brunel, How spike generation mechanisms determine "
        "the neuronal response to fluctuating inputs, J Neurosci 23:11628, 2003, "
        "doi:10.1523/JNEUROSCI.23-37-11628.2003"
    ),
)

ADEX = Declaration(
    name="adex",
    meaning="Adaptive exponential integrate-and-fire neuron.",
    equations="""
        dv/dt = (g_L*(E_L - v_held) + g_L*Delta_T*upstroke - w_ad + I + I_noise)/C : volt \
(unless refractory)
        dw_ad/dt = (a*(v_held - E_L) - w_ad)/tau_w : amp
    """
    + _HELD_AT_CUTOFF,
    parameters={
        "C": Parameter(281.0, "pF", "membrane capacitance", 0.001),
        "g_L": Parameter(30.0, "nS", "leak conductance", 0),
        "E_L": Parameter(-70.6, "mV", "resting potential"),
        "theta_0": Parameter(-50.4, "mV", "threshold at threshold_scale 1"),
        "Delta_T": Parameter(2.0, "mV", "sharpness of the spike's onset", 0.001),
        "tau_w": Parameter(144.0, "ms", "time constant of adaptation", 0.001),
        "a": Parameter(4.0, "nS", "subthreshold adaptation"),
        "b": Parameter(80.5, "pA", "adaptation current added by a spike"),
        "V_r": Parameter(-70.6, "mV", "potential after a spike"),
        "tau_ref": REST["tau_ref"],
        "I": CURRENT["I"],
    }
    | _CUTOFF,
    threshold="v > theta + cutoff",
    reset="""
        v = V_r
        w_ad += b
    """,
    refractory="tau_ref",
    initial={"v": "E_L"},
    methods=("rk4", "euler"),
    slots=("threshold", "current"),
    reference=(
        "Brette and Gerstner, Adaptive exponential integrate-and-fire model as an effective "
        "description of neuronal activity, J Neurophysiol 94:3637, 2005, doi:10.1152/jn.00686.2005"
    ),
)

IZHIKEVICH = Declaration(
    name="izhikevich",
    meaning="Izhikevich's neuron: quadratic upstroke and a recovery current, many firing patterns.",
    equations="""
        dv/dt = (k*(v_held - E_L)*(v_held - theta) - u + I + I_noise)/C : volt
        du/dt = a*(b*(v_held - E_L) - u) : amp
    """
    + _HELD_AT_PEAK,
    parameters={
        "C": Parameter(100.0, "pF", "membrane capacitance", 0.001),
        "k": Parameter(0.7, "nS/mV", "curvature", 0),
        "E_L": Parameter(-60.0, "mV", "resting potential"),
        "theta_0": Parameter(-40.0, "mV", "instantaneous threshold at threshold_scale 1"),
        "a": Parameter(0.03, "1/ms", "rate of recovery", 0),
        "b": Parameter(-2.0, "nS", "recovery per depolarisation"),
        "V_r": Parameter(-50.0, "mV", "potential after a spike"),
        "d": Parameter(100.0, "pA", "recovery current added by a spike"),
        "V_peak": Parameter(35.0, "mV", "cut-off at which a spike is counted"),
        "I": CURRENT["I"],
    },
    threshold="v > V_peak",
    reset="""
        v = V_r
        u += d
    """,
    initial={"v": "E_L"},
    methods=("rk4", "euler"),
    slots=("threshold", "current"),
    reference=(
        "Izhikevich, Simple model of spiking neurons, IEEE Trans Neural Netw 14:1569, 2003, "
        "doi:10.1109/TNN.2003.820440; dimensional form and defaults (regular spiking): Dynamical "
        "Systems in Neuroscience, MIT Press 2007, chapter 8, doi:10.7551/mitpress/2526.001.0001"
    ),
)
