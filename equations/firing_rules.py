"""Firing conditions that take the place of a sharp threshold."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

ESCAPE = Declaration(
    name="escape-noise",
    meaning="The neuron fires at random, at a rate that grows exponentially towards threshold.",
    equations="hazard = rate_0*exp((depolarisation - threshold_scale)/width) : Hz",
    parameters={
        "rate_0": Parameter(100.0, "Hz", "firing rate at threshold", 0),
        "width": Parameter(0.1, "1", "softness of the threshold, in depolarisation", 1e-6),
    },
    threshold="rand() < 1 - exp(-hazard*dt)",
    needs={"depolarisation": "1", "threshold_scale": "1"},
    fills="condition",
    reference=(
        "Gerstner and Kistler, Spiking Neuron Models, Cambridge University Press 2002, chapter 5, "
        "doi:10.1017/CBO9780511815706"
    ),
)

TRIESCH = Declaration(
    name="triesch-plasticity",
    meaning=(
        "The neuron fires at random with a sigmoid of its depolarisation, whose gain and offset "
        "learn to make the intensity exponentially distributed."
    ),
    equations="""
        intensity = 1/(1 + exp(-(gain*depolarisation + offset))) : 1
        dgain/dt = eta*(1/gain + depolarisation - (2 + 1/mean)*depolarisation*intensity \
+ depolarisation*intensity**2/mean) : 1
        doffset/dt = eta*(1 - (2 + 1/mean)*intensity + intensity**2/mean) : 1
    """,
    parameters={
        "eta": Parameter(1.0, "Hz", "learning rate", 0),
        "mean": Parameter(0.1, "1", "mean intensity wanted", 1e-6, 1),
        "rate_max": Parameter(100.0, "Hz", "firing rate at intensity 1", 0),
    },
    threshold="rand() < intensity*rate_max*dt",
    initial={"gain": "1"},
    needs={"depolarisation": "1"},
    fills="condition",
    reference=(
        "Triesch, Synergies between intrinsic and synaptic plasticity mechanisms, Neural Comput "
        "19:885, 2007, doi:10.1162/neco.2007.19.4.885"
    ),
)
