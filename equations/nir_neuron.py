"""The neurons of the Neuromorphic Intermediate Representation, as maps from step to step.

NIR states its neurons as differential equations. Each simulator steps them in its own way: with
Euler's rule or exactly, with a reset to a value or by subtraction, firing at the threshold or above
it. One map holds all of these; `neurosim.formats.nir` sets its parameters from a node and a
convention.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

NIR_NEURON = Declaration(
    name="nir-neuron",
    meaning="Leaky integrate-and-fire neuron of a NIR file; step and reset as its source has them.",
    equations="""
        v_mem : 1   # membrane potential
        i_syn : 1   # synaptic current
        spikes : 1  # spikes of this step
        theta = threshold_scale*theta_0 : 1
    """,
    parameters={
        "alpha": Parameter(0.9, "1", "membrane decay per step; 1 - dt/tau_mem in Euler's rule"),
        "beta": Parameter(0.0, "1", "synaptic decay per step; 0 without synaptic current"),
        "w_in": Parameter(1.0, "1", "gain of the input into the synaptic current"),
        "gain": Parameter(1.0, "1", "gain of the synaptic current into the membrane"),
        "drive": Parameter(0.0, "1", "added to the membrane each step"),
        "theta_0": Parameter(1.0, "1", "threshold at threshold_scale 1"),
        "at_threshold": Parameter(0.0, "1", "1: fires at the threshold, 0: above it", 0, 1),
        "subtract": Parameter(0.0, "1", "1: reset by subtraction, 0: to V_r", 0, 1),
        "fall": Parameter(1.0, "1", "thresholds subtracted for each spike"),
        "V_r": Parameter(0.0, "1", "membrane potential after a spike, without subtraction"),
        "late": Parameter(0.0, "1", "1: V_r holds in the step after the spike, not at once", 0, 1),
        "V_0": Parameter(0.0, "1", "membrane potential at the start"),
        "max_spikes": Parameter(1, "1", "most spikes in a step", 1),
        "I": Parameter(0.0, "1", "input of the step", varies=True),
    },
    step={
        "membrane": """
            i_syn = beta*i_syn + w_in*I
            held = late*int(spikes > 0)
            v_mem = (1 - held)*(alpha*v_mem + gain*i_syn + drive + noise) + held*V_r
        """,
        "fire": """
            fires = at_threshold*int(v_mem >= theta) + (1 - at_threshold)*int(v_mem > theta)
            level = v_mem/theta
            above = at_threshold*floor(level) + (1 - at_threshold)*(ceil(level) - 1)
            spikes = fires*(1 + clip(above - 1, 0, max_spikes - 1))
            falls = (1 - subtract)*(1 - late)*fires
            v_mem = (1 - falls)*(v_mem - subtract*spikes*fall*theta) + falls*V_r
        """,
    },
    threshold="spikes > 0",
    initial={"v_mem": "V_0"},
    synapse="w : 1  # added to the synaptic current",
    events={"receive": "i_syn_post = i_syn_post + w*spikes_pre"},
    slots=("threshold", "noise"),
    reference=(
        "Pedersen et al., Neuromorphic intermediate representation, Nature Communications 15:8122, "
        "2024, doi:10.1038/s41467-024-52259-9"
    ),
)
