"""The page of a model: every declared name has one, and its curves are those of the model."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import equations
from neurosim.errors import InputError
from neurosim.figures import equation

SOME = ("lif", "xylo", "adapting-threshold", "triesch-plasticity", "homeostat-map", "global-gain")


def test_every_neuron_has_its_range_of_input() -> None:
    neurons = {name for name, model in equations.declarations().items() if not model.fills}
    regulators = {"homeostat", "homeostat-map", "global-gain"}
    assert neurons - regulators == set(equation.INPUTS)


@pytest.mark.parametrize("name", SOME)
def test_a_page_is_drawn(name: str) -> None:
    figure = equation.draw(equation.compute(name))
    assert len(figure.axes) >= 3
    assert all(panel.lines or panel.texts for panel in figure.axes)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in equations.declarations() if n not in SOME])
def test_every_page_is_drawn(name: str) -> None:
    arrays = equation.compute(name)
    assert len(equation.draw(arrays).axes) >= 3
    if arrays["kind"] == "neuron":
        for rates in arrays["curves"].values():
            assert rates[-1] > 0, "the neuron never fires: the page shows nothing"


def test_the_curve_and_the_response_are_those_of_the_model() -> None:
    arrays = equation.compute("lif")
    inputs, rates = arrays["inputs"], arrays["curves"]["lif"]
    assert (rates[inputs < 0.2] == 0).all()  # rheobase (theta_0 - E_L)/R
    strong = inputs > 0.25
    theory = 1 / (20e-3 * np.log(100 * inputs[strong] / (100 * inputs[strong] - 20)))
    np.testing.assert_allclose(
        rates[strong], theory, atol=3
    )  # counted over 0.7 s, in steps of 0.1 ms
    inside = (arrays["spikes"] > 0.04) & (arrays["spikes"] < 0.32)
    assert inside.all()
    assert len(arrays["spikes"]) > 5


def test_a_rule_is_shown_beside_the_neuron_without_it() -> None:
    arrays = equation.compute("adapting-threshold")
    with_rule, without = arrays["curves"].values()
    assert with_rule[-1] < 0.8 * without[-1]
    assert arrays["threshold"].max() > 1.1


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="no model is named 'lift'"):
        equation.compute("lift")
