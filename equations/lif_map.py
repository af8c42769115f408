"""The discrete-time neuron that trainers run: an exact map from one step to the next."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

LIF_MAP = Declaration(
    name="lif-map",
    meaning="Discrete-time integrate-and-fire neuron: soft reset, several spikes in a step.",
    equations="""
        v_mem : 1   # membrane potential
        i_syn : 1   # synaptic current
        spikes : 1  # spikes of this step
        theta = threshold_scale*theta_0 : 1
    """,
    parameters={
        "alpha": Parameter(0.9, "1", "membrane decay per step, exp(-dt/tau_mem)", 0, 1),
        "beta": Parameter(0.8, "1", "synaptic decay per step, exp(-dt/tau_syn)", 0, 1),
        "bias": Parameter(0.0, "1", "added to the membrane each step"),
        "theta_0": Parameter(1.0, "1", "threshold at threshold_scale 1", 1e-9),
        "max_spikes": Parameter(31, "1", "most spikes in a step", 1),
        "I": Parameter(0.0, "1", "added to the synaptic current each step", varies=True),
    },
    step={
        "membrane": """
            i_syn = (i_syn + I)*beta
            v_mem = v_mem*alpha + (i_syn + noise + bias)
        """,
        "fire": """
            spikes = clip(floor(v_mem/theta), 0, max_spikes)
            v_mem = v_mem - spikes*theta
        """,
    },
    threshold="spikes > 0",
    synapse="w : 1  # added to the synaptic current",
    events={"receive": "i_syn_post = i_syn_post + w*spikes_pre"},
    slots=("threshold", "noise"),
    reference=(
        "LIFTorch of Rockpool 3.1 (Muir, Bauer, Weidel, doi:10.5281/zenodo.3773845): order of the "
        "step as measured"
    ),
)
