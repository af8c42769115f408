"""Threshold rules: how the threshold of a neuron, its intrinsic excitability, is set and moves.

It is fixed, set by a homeostat, drawn at random (two laws, and four occasions on which a new one is
drawn), adapts to spikes, or keeps the rate at a target.
"""

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
    reference=(
        "Chen, Chen, Hu, Kong, Wu, Yu, Plug-and-play homeostatic spark (AHSAR), equation for s in "
        "section 4.2"
    ),
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

_BOUNDS = {
    "low": Parameter(1.0, "1", "smallest threshold scale", 1e-6),
    "high": Parameter(1.5, "1", "largest threshold scale", 1e-6),
}

_LAWS = {
    "stochastic": (
        "uniform between low and high",
        "threshold_scale = low + (high - low)*draw : 1",
        _BOUNDS,
    ),
    "discrete": (
        "one of equally likely levels, low and high among them",
        "threshold_scale = low + (high - low)*floor(draw*levels)/(levels - 1) : 1",
        _BOUNDS | {"levels": Parameter(5, "1", "number of levels", 2)},
    ),
}

_OCCASIONS = {
    "": ("once for all neurons in a trial", "draw : 1 (shared)", "start"),
    "-per-neuron": ("once for each neuron in a trial: quenched", "draw : 1", "start"),
    "-per-spike": ("for each neuron after each of its spikes", "draw : 1", "reset"),
    "-per-step": ("for each neuron in each time step: annealed", "draw : 1", "step"),
}

_DRAWN_REFERENCE = (
    "thresholds drawn in training: Adaptive spiking with plasticity for energy aware neuromorphic "
    "systems (ASPEN), arXiv:2508.11689; "
    "noise in the threshold: Gerstner et al., Neuronal Dynamics 2014, chapter 9, "
    "doi:10.1017/CBO9781107447615"
)


def _drawn(law: str, occasion: str) -> Declaration:
    how, scale, parameters = _LAWS[law]
    when, draw, redrawn_at = _OCCASIONS[occasion]
    return Declaration(
        name=f"{law}-threshold{occasion}",
        meaning=f"Threshold scale {how}, drawn {when}.",
        equations=f"{draw}\n{scale}",
        parameters=parameters,
        reset="draw = rand()" if redrawn_at == "reset" else None,
        step={"draw": "draw = rand()"} if redrawn_at == "step" else {},
        initial={"draw": "rand()"},
        fills="threshold",
        reference=_DRAWN_REFERENCE,
    )


DRAWN = tuple(_drawn(law, occasion) for law in _LAWS for occasion in _OCCASIONS)
