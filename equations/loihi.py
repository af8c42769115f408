"""The integer neuron of Intel's Loihi, first generation.

All quantities are integers, held exactly in floats. Spikes are binary, the membrane is reset to
zero, and a decay takes x decay/4096, rounded away from zero, so that every state ends at zero.
The membrane stays within its 24 bits, which the emulator that the rest equals leaves out.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

LOIHI = Declaration(
    name="loihi",
    meaning="Leaky integrate-and-fire neuron of Loihi in integers: binary spikes, reset to zero.",
    equations="""
        v_mem : 1   # membrane potential
        i_syn : 1   # synaptic current
        spikes : 1  # spikes of this step
        theta = threshold_scale*theta_0 : 1
    """,
    parameters={
        "decay_v": Parameter(128, "1", "membrane decay: a step takes v decay_v/4096", 0, 4096),
        "decay_i": Parameter(512, "1", "synaptic decay: a step takes i decay_i/4096", 0, 4096),
        "theta_0": Parameter(6400, "1", "threshold, 64 times its mantissa", 0),
        "v_max": Parameter(8388607, "1", "bound of the membrane either way: 24 bits", 1),
        "I": Parameter(0, "1", "weighted spikes of the step, 64 times weights", varies=True),
    },
    step={
        "membrane": """
            i_syn = i_syn - sign(i_syn)*ceil(abs(i_syn)*decay_i/4096) + I
            free = v_mem - sign(v_mem)*ceil(abs(v_mem)*decay_v/4096) + i_syn + noise
            v_mem = clip(free, -v_max, v_max)
        """,
        "fire": """
            spikes = int(v_mem > theta)
            v_mem = v_mem*(1 - spikes)
        """,
    },
    threshold="spikes > 0",
    synapse="w : 1  # weight, 64 times its mantissa",
    events={"receive": "i_syn_post = i_syn_post + w*spikes_pre"},
    slots=("threshold", "noise"),
    reference=(
        "Michaelis et al., Brian2Loihi: an emulator for the neuromorphic chip Loihi, Frontiers in "
        "Neuroinformatics 16:1015624, 2022, doi:10.3389/fninf.2022.1015624; Davies et al., IEEE "
        "Micro 38:82, 2018, doi:10.1109/MM.2018.112130359"
    ),
)
