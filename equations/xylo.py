"""The integer neuron of SynSense Xylo, version 2 of the core (Audio 2, Audio 3 and IMU).

All quantities are 16-bit integers. In a step a current first takes the weighted events of input
channels and then those of hidden neurons, presynaptic numbers ascending: each addition saturates,
so their order matters. Then `membrane` and `fire` run for the neurons in ascending order; a neuron
with an alias adds its spikes to another neuron's at once. A neuron that comes later counts them
toward its most spikes, one that came before (or itself) has fired already and just adds them.
"""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter
from neurosim.equations.groups import INTEGER

MAX_INPUT = 15
"""Most events of an input channel in a step; further ones are lost."""
MAX_SPIKES = {"hidden": 31, "output": 1}
"""Most spikes of a neuron in a step."""

_REFERENCE = (
    "Bos and Muir, Sub-mW neuromorphic SNN audio processing applications with Rockpool and Xylo, "
    "2022, doi:10.48550/arXiv.2208.12991; arithmetic as measured on xylosim 0.1.3, version 2"
)

_PARAMETERS = {
    "dash_mem": Parameter(0, INTEGER, "membrane decay: a step takes v_mem >> dash_mem", 0, 15),
    "dash_syn": Parameter(0, INTEGER, "synaptic decay: a step takes i_syn >> dash_syn", 0, 15),
    "bias": Parameter(0, INTEGER, "added to the membrane each step", -32768, 32767),
    "threshold": Parameter(1024, INTEGER, "spikes are its multiples in v_mem", 1, 32767),
    "max_spikes": Parameter(31, INTEGER, "most spikes in a step: 31 hidden, 1 output", 1, 31),
}

_FIRE = """
fired = crossings(v_mem, threshold, max_spikes - spikes)
v_mem = v_mem - fired * threshold
spikes = spikes + fired
"""

_ALIAS = "spikes_post = clip(spikes_post + spikes_pre, 0, max_spikes_post)"

_FUNCTIONS = ("leak", "saturate", "word", "crossings")

XYLO = Declaration(
    name="xylo",
    meaning="Leaky integrate-and-fire neuron in 16-bit integers, with one synaptic current.",
    equations="""
        v_mem : integer   # membrane potential
        i_syn : integer   # synaptic current
        spikes : integer  # spikes of this step
    """,
    parameters=_PARAMETERS,
    threshold="spikes > 0",
    step={
        "membrane": """
            i_syn = i_syn - leak(i_syn, dash_syn)
            drive = saturate(word(-leak(v_mem, dash_mem)) + i_syn)
            v_mem = saturate(v_mem + saturate(drive + bias))
            spikes = 0
        """,
        "fire": _FIRE,
    },
    synapse="w : integer  # weight, already shifted",
    events={
        "receive": "i_syn_post = saturate(i_syn_post + w * spikes_pre)",
        "alias": _ALIAS,
    },
    functions=_FUNCTIONS,
    reference=_REFERENCE,
)

XYLO_TWO_SYNAPSES = Declaration(
    name="xylo-two-synapses",
    meaning="Leaky integrate-and-fire neuron in 16-bit integers, with two synaptic currents.",
    equations="""
        v_mem : integer    # membrane potential
        i_syn : integer    # current of the first synapse
        i_syn_2 : integer  # current of the second synapse
        spikes : integer   # spikes of this step
    """,
    parameters=_PARAMETERS
    | {"dash_syn_2": Parameter(0, INTEGER, "synaptic decay of the second synapse", 0, 15)},
    threshold="spikes > 0",
    step={
        "membrane": """
            i_syn = i_syn - leak(i_syn, dash_syn)
            i_syn_2 = i_syn_2 - leak(i_syn_2, dash_syn_2)
            drive = saturate(word(-leak(v_mem, dash_mem)) + i_syn + i_syn_2)
            v_mem = saturate(v_mem + saturate(drive + bias))
            spikes = 0
        """,
        "fire": _FIRE,
    },
    synapse="w : integer  # weight, already shifted",
    events={
        "receive": "i_syn_post = saturate(i_syn_post + w * spikes_pre)",
        "receive_2": "i_syn_2_post = saturate(i_syn_2_post + w * spikes_pre)",
        "alias": _ALIAS,
    },
    functions=_FUNCTIONS,
    reference=_REFERENCE,
)
