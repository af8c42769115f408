"""The discrete-time neuron that trainers run, an exact map from one step to the next, and its flow.

The order of a step is that of LIFTorch: input, decay, membrane, spikes, reset by subtraction.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

_LIFTORCH = "LIFTorch of Rockpool 3.1 (Muir, Bauer, Weidel, doi:10.5281/zenodo.3773845)"

_PARAMETERS = {
    "alpha": Parameter(0.9, "1", "membrane decay per step, exp(-dt/tau_mem)", 0, 1),
    "beta": Parameter(0.8, "1", "synaptic decay per step, exp(-dt/tau_syn)", 0, 1),
    "bias": Parameter(0.0, "1", "added to the membrane each step"),
    "theta_0": Parameter(1.0, "1", "threshold at threshold_scale 1", 1e-9),
    "max_spikes": Parameter(31, "1", "most spikes in a step", 1),
    "I": Parameter(0.0, "1", "added to the synaptic current each step", varies=True),
}

_FIRE = """
    spikes = clip(floor(v_mem/theta), 0, max_spikes)
    v_mem = v_mem - spikes*theta
"""

LIF_MAP = Declaration(
    name="lif-map",
    meaning="Discrete-time integrate-and-fire neuron: soft reset, several spikes in a step.",
    equations="""
        v_mem : 1   # membrane potential
        i_syn : 1   # synaptic current
        spikes : 1  # spikes of this step
        theta = threshold_scale*theta_0 : 1
    """,
    parameters=_PARAMETERS,
    step={
        "membrane": """
            i_syn = (i_syn + I)*beta
            v_mem = v_mem*alpha + i_syn + noise + bias
        """,
        "fire": _FIRE,
    },
    threshold="spikes > 0",
    synapse="w : 1  # added to the synaptic current",
    events={"receive": "i_syn_post = i_syn_post + w*spikes_pre"},
    slots=("threshold", "noise"),
    reference=f"{_LIFTORCH}: order of the step as measured",
)

LIF_MAP_TWO_SYNAPSES = Declaration(
    name="lif-map-two-synapses",
    meaning="Discrete-time integrate-and-fire neuron with two synaptic currents.",
    equations="""
        v_mem : 1    # membrane potential
        i_syn : 1    # current of the first synapse
        i_syn_2 : 1  # current of the second synapse
        spikes : 1   # spikes of this step
        theta = threshold_scale*theta_0 : 1
    """,
    parameters=_PARAMETERS
    | {"beta_2": Parameter(0.9, "1", "decay per step of the second synapse", 0, 1)},
    step={
        "membrane": """
            i_syn = (i_syn + I)*beta
            i_syn_2 = i_syn_2*beta_2
            v_mem = v_mem*alpha + (i_syn + i_syn_2) + noise + bias
        """,
        "fire": _FIRE,
    },
    threshold="spikes > 0",
    synapse="w : 1  # added to a synaptic current",
    events={
        "receive": "i_syn_post = i_syn_post + w*spikes_pre",
        "receive_2": "i_syn_2_post = i_syn_2_post + w*spikes_pre",
    },
    slots=("threshold", "noise"),
    reference=f"{_LIFTORCH}: order of the step as measured",
)

LIF_FLOW = Declaration(
    name="lif-flow",
    meaning="The continuous-time neuron that the discrete-time one comes near with small steps.",
    equations="""
        dv_mem/dt = -v_mem/tau_mem + (i_syn + bias)/dt_map : 1
        di_syn/dt = -i_syn/tau_syn + I/dt_map : 1
        theta = threshold_scale*theta_0 : 1
    """,
    parameters={
        "tau_mem": Parameter(20.0, "ms", "membrane time constant", 0.001),
        "tau_syn": Parameter(10.0, "ms", "synaptic time constant", 0.001),
        "bias": _PARAMETERS["bias"],
        "theta_0": _PARAMETERS["theta_0"],
        "I": _PARAMETERS["I"],
        "dt_map": Parameter(1.0, "ms", "step of the map that weights and bias belong to", 1e-6),
    },
    threshold="v_mem >= theta",
    reset="v_mem -= theta",
    synapse=LIF_MAP.synapse,
    events=LIF_MAP.events,
    methods=("rk4", "euler"),  # the exact solution divides by tau_mem - tau_syn
    slots=("threshold",),
    reference=f"{_LIFTORCH}: the limit of its step for dt -> 0 at fixed time constants",
)
