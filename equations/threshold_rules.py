"""Threshold rules: how the threshold of a neuron, its intrinsic excitability, is set and moves."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

FIXED = Declaration(
    name="fixed-threshold",
    meaning="A constant threshold scale.",
    equations="threshold_scale = scale : 1",
    parameters={"scale": Parameter(1.0, "1", "threshold scale", 1e-6)},
    fills="threshold",
    reference="Lapicque 1907, translated by Brunel and van Rossum, Biol Cybern 97:341, 2007, "
    "doi:10.1007/s00422-007-0189-6",
)

DRIVEN = Declaration(
    name="driven-threshold",
    meaning="A threshold scale that a homeostat sets.",
    equations="threshold_scale : 1",
    parameters={},
    initial={"threshold_scale": "1"},
    fills="threshold",
    reference="AHSAR (adaptive homeostatic spike-aware regulation), equation for s in section 4.2",
)

ADAPTING = Declaration(
    name="adapting-threshold",
    meaning="A threshold scale that jumps at a spike and decays back to 1.",
    equations="dthreshold_scale/dt = (1 - threshold_scale)/tau_adapt : 1",
    parameters={
        "tau_adapt": Parameter(100.0, "ms", "time constant of the decay", 0.001),
        "jump_scale": Parameter(0.1, "1", "rise at a spike", 0),
    },
    reset="threshold_scale += jump_scale",
    initial={"threshold_scale": "1"},
    fills="threshold",
    reference=(
        "Chacron, Pakdaman, Longtin, Interspike interval correlations, memory, adaptation, and "
        "refractoriness in a leaky integrate-and-fire model with threshold fatigue, Neural Comput "
        "15:253, 2003, doi:10.1162/089976603762552915"
    ),
)

HOMEOSTATIC = Declaration(
    name="homeostatic-threshold",
    meaning="A threshold scale that grows while the neuron fires above its target rate.",
    equations="""
        dfired/dt = -fired/tau_rate : Hz
        dlog_scale/dt = (fired/target - 1)/tau_homeostasis : 1
        threshold_scale = exp(log_scale) : 1
    """,
    parameters={
        "target": Parameter(10.0, "Hz", "target rate", 1e-6),
        "tau_rate": Parameter(500.0, "ms", "time constant of the rate estimate", 0.001),
        "tau_homeostasis": Parameter(5000.0, "ms", "time constant of the homeostasis", 0.001),
    },
    reset="fired += 1/tau_rate",
    initial={"fired": "target"},
    fills="threshold",
    reference=(
        "Turrigiano and Nelson, Homeostatic plasticity in the developing nervous system, Nat Rev "
        "Neurosci 5:97, 2004, doi:10.1038/nrn1327"
    ),
)
