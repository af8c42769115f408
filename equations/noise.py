"""Noise that is added to a neuron."""

from __future__ import annotations

from neurosim.equations.declaration import Declaration, Parameter

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
