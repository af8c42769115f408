"""Every neuron with every rule it claims: the same run in numpy and in C++."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import equations
from neurosim.engines.brian2 import simulate

MODELS = equations.declarations()
NEURONS = [model for model in MODELS.values() if not model.fills]
RULES = [model for model in MODELS.values() if model.fills]
PAIRS = [(n, r) for n in NEURONS for r in RULES if not n.misfit(r)]

# Strong enough that every neuron fires under every rule: the input runs from 0 to this.
DRIVE = {
    "lif": 0.6,
    "lif-exponential": 0.6,
    "lif-two-exponentials": 0.6,
    "lif-conductance": 0.6,
    "adaptive-lif": 1.8,
    "voltage-adaptive-lif": 1.8,
    "qif": 0.8,
    "eif": 1.2,
    "adex": 6.0,
    "izhikevich": 1.0,
    "hodgkin-huxley": 2.0,
    "lif-map": 1.0,
    "lif-map-two-synapses": 1.0,
    "lif-flow": 0.2,
    "nir-neuron": 1.0,
    "loihi": 3000.0,
}

# exp and log of numpy and of the C library differ in the last bit; over 800 steps of a spiking
# neuron this stays far below what could hide a wrong term.
TOLERANCE = 1e-8


def covering() -> list[tuple]:
    """A few pairs that hold every neuron with a rule, and every rule."""
    chosen, seen = [], set()
    for k, rule in enumerate(RULES):
        fitting = [neuron for neuron, other in PAIRS if other is rule]
        new = [neuron for neuron in fitting if neuron.name not in seen]
        neuron = (new or fitting)[k % len(new or fitting)]
        chosen.append((neuron, rule))
        seen.add(neuron.name)
    left = {neuron.name: (neuron, rule) for neuron, rule in PAIRS if neuron.name not in seen}
    return [*chosen, *left.values()]


def agree(neuron, rule) -> None:
    model = neuron + rule
    dt = 2e-5 if neuron.name == "hodgkin-huxley" else 1e-4
    parameters = {}
    if neuron.name in DRIVE:
        parameters["I"] = np.linspace(0, DRIVE[neuron.name], 6)
    else:
        parameters |= {"mu": np.linspace(-60, -35, 6)}
    record = [
        name for name in ("v", "v_mem", "threshold_scale", "I_noise") if name in model.variables
    ]
    cpp, plain = (
        simulate(
            model,
            n=6,
            duration=800 * dt,
            dt=dt,
            parameters=parameters,
            record=record,
            seed=5,
            target=target,
        )
        for target in ("library", "numpy")
    )
    assert len(cpp.spike_steps) > 3, "hardly any spike: nothing is compared"
    np.testing.assert_array_equal(cpp.spike_steps, plain.spike_steps)
    np.testing.assert_array_equal(cpp.spike_neurons, plain.spike_neurons)
    assert cpp.units == plain.units
    for name in record:
        scale = np.abs(plain.traces[name]).max()
        np.testing.assert_allclose(
            cpp.traces[name], plain.traces[name], rtol=0, atol=TOLERANCE * scale
        )


def name_of(model) -> str:
    return model.name


def test_all_claims_are_covered() -> None:
    assert len(PAIRS) >= 200
    assert {rule.name for _, rule in covering()} == {rule.name for rule in RULES}
    with_rules = {neuron.name for neuron, _ in PAIRS}
    assert {neuron.name for neuron, _ in covering()} == with_rules
    alone = {neuron.name for neuron in NEURONS} - with_rules
    assert alone == {"xylo", "xylo-two-synapses", "homeostat", "homeostat-map", "global-gain"}


@pytest.mark.parametrize(("neuron", "rule"), covering(), ids=name_of)
def test_cpp_and_numpy_agree(neuron, rule) -> None:
    agree(neuron, rule)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("neuron", "rule"), [pair for pair in PAIRS if pair not in covering()], ids=name_of
)
def test_cpp_and_numpy_agree_on_every_other_pair(neuron, rule) -> None:
    agree(neuron, rule)
