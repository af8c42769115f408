"""Noise for a neuron: in its firing, in its current, in its steps.

Random firing takes the place of a sharp threshold.
"""

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

OU_CURRENT = Declaration(
    name="ou-current",
    meaning="A noise current with a correlation time: an Ornstein-Uhlenbeck process.",
    equations="dI_noise/dt = -I_noise/tau_noise + std_noise*sqrt(2/tau_noise)*xi_noise : amp",
    parameters={
        "tau_noise": Parameter(5.0, "ms", "correlation time of the noise", 0.001),
        "std_noise": Parameter(0.05, "nA", "standard deviation of the noise", 0),
    },
    initial={"I_noise": "std_noise*randn()"},
    methods=("euler",),
    fills="current",
    reference=(
        "Destexhe, Rudolph, Fellous, Sejnowski, Fluctuating synaptic conductances recreate in vivo-"
        "like activity in neocortical neurons, Neuroscience 107:13, 2001, "
        "doi:10.1016/S0306-4522(01)00344-X"
    ),
)

STEP_NOISE = Declaration(
    name="step-noise",
    meaning="A normal number added to the membrane in each step.",
    equations="noise : 1",
    parameters={"std_step": Parameter(0.1, "1", "standard deviation in a step", 0)},
    step={"draw": "noise = std_step*randn()"},
    fills="noise",
    reference=(
        "LIFTorch of Rockpool 3.1 (Muir, Bauer, Weidel, doi:10.5281/zenodo.3773845), with "
        "std_step = noise_std*sqrt(dt)"
    ),
)
