"""Models as users of Brian2 write them: the same spikes as a declaration, and open for rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import equations
from neurosim.engines.brian2 import simulate
from neurosim.equations import from_brian2, sandbox
from neurosim.equations.brian2_models import _number_and_unit
from neurosim.equations.groups import quantity
from neurosim.errors import InputError

brian2 = pytest.importorskip("brian2")
ms, mV, nA, Mohm = brian2.ms, brian2.mV, brian2.nA, brian2.Mohm

# Names that sympy has for functions and constants of its own.
EQUATIONS = """
    dv/dt = (E - v + beta*I*gamma)/zeta + Chi*xi*zeta**-0.5 + N*Q/zeta
            : volt (unless refractory)  # the membrane
    dre/dt = -re/zeta : 1
"""
VALUES = {
    "E": -70 * mV,
    "beta": 1.5,
    "gamma": 100 * Mohm,
    "I": 0.3 * nA,
    "zeta": 10 * ms,
    "Chi": 3 * mV,
    "S": -50 * mV,
    "O": -60 * mV,
    "Q": 0.1 * mV,
    "Integer": 1.0,
    "unused": np.zeros(3),
}
CODE = {"threshold": "v > S", "reset": "v = O\nre += Integer", "refractory": 2 * ms}


def run(group) -> list[np.ndarray]:
    spikes = brian2.SpikeMonitor(group)
    trace = brian2.StateMonitor(group, "v", True)
    brian2.Network(group, spikes, trace).run(50 * ms)
    return [np.array(spikes.t_[:]), np.array(spikes.i[:]), np.array(trace.v_)]


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    assert len(one[0]) > 10
    for here, there in zip(one, other, strict=True):
        np.testing.assert_array_equal(here, there)


def by_hand(text: str, values: dict, start: str | None = "E", **code) -> list[np.ndarray]:
    with sandbox.sandbox(target="numpy"):
        brian2.seed(4)
        group = brian2.NeuronGroup(5, text, namespace=values, **code)
        if start:
            group.v = start
        return run(group)


def declared(model, **values) -> list[np.ndarray]:
    with sandbox.sandbox(target="numpy"):
        brian2.seed(4)
        return run(model.neurons(5, **values))


@pytest.mark.parametrize("rest", [None, "E", -70 * mV])
def test_names_of_sympy_and_the_round_trip(rest) -> None:
    model = from_brian2(
        EQUATIONS, **CODE, namespace=VALUES, initial={"v": "E"}, inputs=["I"], rest=rest
    )
    assert_same(by_hand(EQUATIONS, VALUES, **CODE), declared(model))
    assert {n for n in VALUES if n != "unused"} | {"tau_ref"} == set(model.parameters)
    assert (model.parameters["zeta"].default, model.parameters["zeta"].unit) == (10, "ms")
    assert model.parameters["I"].varies
    assert (model.slots == ()) == (rest is None)
    text = equations.describe(model)
    assert "zeta = 10 ms" in text
    assert "reference" not in text


def test_the_callers_names_equations_and_a_timed_array_are_taken() -> None:
    E, tau = -70 * mV, 10 * ms
    course = brian2.TimedArray(np.linspace(0, 100, 50) * mV, dt=1 * ms)
    text = "dv/dt = (E - v + course(t))/tau : volt"
    code = {"threshold": "v > -50*mV", "reset": "v = E"}
    model = from_brian2(brian2.Equations(text), **code, method="exact", name="driven")
    values = {"E": E, "tau": tau, "course": course}
    assert_same(by_hand(text, values, None, method="exact", **code), declared(model))
    assert set(model.parameters) == {"E", "tau"}
    assert set(model.namespace) == {"course"}
    result = simulate(model, n=2, duration=0.05, seed=1)
    assert result.provenance["target"] == "numpy"  # nothing of a script is built and kept
    assert len(result.spike_steps) > 3
    with pytest.raises(InputError, match="uses course of a script"):
        simulate(model, duration=0.05, target="library")


def test_rules_and_conditions_fit_where_the_threshold_counts_from_rest() -> None:
    model = from_brian2(EQUATIONS, **CODE, namespace=VALUES, initial={"v": "E"}, rest="E")
    plain = len(declared(model)[0])
    assert 0 < len(declared(model + equations.get("stochastic-threshold-per-spike"))[0]) < plain
    fixed = equations.get("fixed-threshold")
    assert len(declared(model + fixed, scale=1.4)[0]) < plain
    assert_same(declared(model + fixed, scale=1.0), declared(model))
    assert len(declared(model + equations.get("escape-noise"))[0]) > 0
    closed = from_brian2(EQUATIONS, **CODE, namespace=VALUES)
    with pytest.raises(InputError, match=r"open are: none; from_brian2\(..., rest=...\)"):
        closed + fixed
    number = from_brian2("dv/dt = (2 - v)/(10*ms) : 1", threshold="v >= 1", reset="v = 0")
    assert number.slots == ("threshold", "condition")
    assert number.threshold == "v >= theta"


def test_slots_that_stand_in_the_equations_are_open() -> None:
    model = from_brian2(
        "dv/dt = (E - v + R*(I + I_noise))/tau : volt",
        threshold="v > E + threshold_scale*(20*mV)",
        reset="v = E",
        namespace={"E": -70 * mV, "R": 100 * Mohm, "I": 0.25 * nA, "tau": 10 * ms},
        synapse="w : volt",
        events={"receive": "v_post += w"},
    )
    assert model.slots == ("threshold", "current")
    both = model + equations.get("ou-current") + equations.get("adapting-threshold")
    assert len(simulate(both, duration=0.2, seed=1).spike_steps) > 0
    with sandbox.sandbox(target="numpy"):
        cells = model.neurons(3)
        links = model.synapses(cells, cells, weight=1 * mV)
        assert links.N == 9
        sandbox.forget()


@given(
    st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-12),
    st.sampled_from(["mV", "ms", "nS", "pA", "Hz", "volt", "Mohm", "uF"]),
)
def test_numbers_keep_their_bits(number: float, unit: str) -> None:
    value = quantity(number, unit)
    assert float(quantity(*_number_and_unit(brian2, value))) == float(value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": "v > S2"}, "'S2' is used and nowhere defined; give it a value"),
        ({"namespace": VALUES | {"S": np.ones(3)}}, r"'S' has shape \(3,\).*neurons\(n, S="),
        ({"refractory": 3}, "refractory is 3; it is a time"),
        ({"inputs": ["J"]}, "input 'J' is no parameter; there are tau_ref, "),
        ({"equations": "dv/dt = : volt"}, "equations cannot be read"),
        ({"equations": 3}, "equations are 3"),
        ({"threshold": "v > 3"}, "do not fit"),
        ({"threshold": "v > S and t > 1*ms", "rest": "E"}, "write it as 'v > level'"),
        ({"initial": {"v": np.ones(2)}}, "is an array; give one value here"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict, message: str) -> None:
    arguments = {"equations": EQUATIONS, **CODE, "namespace": VALUES} | options
    with pytest.raises(InputError, match=message):
        from_brian2(arguments.pop("equations"), **arguments)
