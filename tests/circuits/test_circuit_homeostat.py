"""AHSAR on populations: the library's controller against the attached one of Brian2."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

from neurosim import circuits as c
from neurosim import equations
from neurosim.analysis.homeostasis import Loop
from neurosim.errors import InputError
from neurosim.homeostat.controller import LayerControl

LIF = {"E_L": 0.0, "theta_0": 20.0, "V_r": 10.0, "tau_ref": 2.0, "tau": 20.0, "R": 100.0}
DRIVEN = equations.get("lif") + equations.get("driven-threshold")
LOOP = Loop(beta=0.3, gamma=0.01, D=0.02, layers=2, m_r=0.5)
COLUMNS = ("time", "rate", "smoothed", "c", "scale")
ROUNDING = 1e-11
"""Brian2 adds 1/n for each spike and writes averages in another order; a state carries that on."""


def cells(circuit: c.Circuit, name: str, n: int, current: float, model=DRIVEN):
    return circuit.population(
        model,
        n,
        name=name,
        parameters={**LIF, "I": st.uniform(current, 0.2)},
        initial={"v": st.uniform(0, 0.02), "threshold_scale": st.uniform(0.9, 0.2)},
    )


def circuit_of(**settings) -> c.Circuit:
    """A circuit without random numbers but those of its making, with three populations."""
    circuit = c.Circuit(seed=1)
    first, second = cells(circuit, "first", 80, 0.15), cells(circuit, "second", 20, 0.25)
    alone = cells(circuit, "alone", 10, 0.25)
    circuit.project(first, first, c.fixed_in_degree(8), weight=0.4e-3, delay=1.5e-3)
    circuit.project(first, second, c.fixed_in_degree(8), weight=0.4e-3, delay=1.5e-3)
    circuit.project(second, first, c.fixed_in_degree(4), weight=-2e-3)
    circuit.project(second, alone, c.fixed_in_degree(4), weight=-1e-3)
    circuit.homeostat([first, second], **{"loop": LOOP, "tick": 0.05, **settings})
    return circuit


def same(ours: c.CircuitResult, theirs: c.CircuitResult) -> None:
    for name, result in ours.items():
        np.testing.assert_array_equal(result.spike_steps, theirs[name].spike_steps)
        np.testing.assert_array_equal(result.spike_neurons, theirs[name].spike_neurons)
    assert list(ours.homeostats) == list(theirs.homeostats)
    for name, own in ours.homeostats.items():
        for column in COLUMNS:
            values, others = getattr(own, column), getattr(theirs.homeostats[name], column)
            np.testing.assert_allclose(values, others, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("band", [None, (20.0, 30.0), 25.0])
def test_both_targets_regulate_alike(band) -> None:
    ours = circuit_of(band=band).run(0.3, target="library")
    same(ours, circuit_of(band=band).run(0.3, target="numpy"))
    own = ours.homeostats["homeostat 0"]
    assert own.rate.shape == (5, 2)
    np.testing.assert_allclose(own.time, 0.05 * np.arange(1, 6))
    assert np.ptp(own.scale, axis=0).min() > 0.01  # thresholds did move
    same(ours, circuit_of(band=band).run(0.3, target="library", threads=3))


@pytest.mark.slow
def test_programs_regulate_alike() -> None:
    ours = circuit_of(band=25.0).run(0.5, target="library")
    same(ours, circuit_of(band=25.0).run(0.5, target="cpp_standalone"))


def test_rates_are_those_of_the_spikes_and_scales_those_of_the_controller() -> None:
    result = circuit_of(band=(20.0, 30.0)).run(1.0)
    own = result.homeostats["homeostat 0"]
    for k, name in enumerate(own.populations):
        edges = np.arange(0, len(own.time) + 1) * 500
        counts, _ = np.histogram(result[name].spike_steps, edges - 0.5)
        np.testing.assert_allclose(own.rate[:, k], counts / (result[name].n * 0.05))
    control = LayerControl(LOOP, band=tuple(np.log(np.array([20.0, 30.0]) * 0.05)))
    scales = [control.step(rates * 0.05)[-1] for rates in own.rate]
    np.testing.assert_allclose(own.scale, scales, rtol=1e-12)
    dataset = result.to_xarray()["homeostat 0"]
    assert dataset.rate.attrs["units"] == "Hz"
    np.testing.assert_array_equal(dataset.scale.sel(regulated="second"), own.scale[:, 1])
    assert "homeostat 0: 19 ticks" in repr(result)


def test_thresholds_move_from_the_step_after_a_tick() -> None:
    circuit = c.Circuit(dt=1e-3, seed=1)
    both = [
        circuit.population(DRIVEN, 1, name=name, parameters=LIF, record=["threshold_scale"],
                           initial={"threshold_scale": 1.5})
        for name in ("quiet", "silent")
    ]  # fmt: skip
    circuit.homeostat(both, band=10.0, tick=4e-3, loop=Loop(0.1, 0.0, 0.0, 2))
    result = circuit.run(13e-3)
    trace = result["quiet"].traces["threshold_scale"][:, 0]
    scale = result.homeostats["homeostat 0"].scale[:, 0]
    assert (np.diff(scale) < 0).all()
    # recorded at the end of steps 0..12, before what a tick in steps 4, 8 and 12 sets
    expected = 1.5 * np.r_[np.ones(5), np.repeat(scale[:2], 4)]
    np.testing.assert_array_equal(trace, expected)


def test_several_homeostats_have_ticks_of_their_own() -> None:
    def both(target: str) -> c.CircuitResult:
        circuit = circuit_of()
        alone = circuit.populations[2]
        circuit.homeostat([alone], band=(5.0, 10.0), tick=0.03, name="other")
        return circuit.run(0.3, target=target)

    ours = both("library")
    assert [len(own.time) for own in ours.homeostats.values()] == [5, 9]
    same(ours, both("numpy"))


def test_thresholds_with_a_unit_count_from_rest() -> None:
    import brian2

    model = equations.from_brian2(
        "dv/dt = (mu - v)/tau : volt\nv_th : volt",
        threshold="v > v_th",
        reset="v = low",
        namespace={"mu": -45 * brian2.mV, "tau": 10 * brian2.ms, "low": -70 * brian2.mV},
        initial={"v": "low", "v_th": "-50*mV"},
        name="with-level",
    )

    def run(target: str) -> c.CircuitResult:
        circuit = c.Circuit(seed=1)
        cells = [
            circuit.population(
                model, 3, name=name, parameters={"mu": mu * brian2.mV}, record=["v_th"]
            )
            for name, mu in (("first", -45), ("second", -40))
        ]
        circuit.homeostat(cells, rest=-70 * brian2.mV, loop=LOOP, tick=0.05)
        return circuit.run(0.3, target=target)

    ours = run("library")
    same(ours, run("numpy"))
    own = ours.homeostats["homeostat 0"]
    assert abs(own.scale[-1] - 1).min() > 0.01
    for k, name in enumerate(own.populations):
        level = ours[name].traces["v_th"][-1]
        np.testing.assert_allclose(level, -0.07 + own.scale[-1, k] * 0.02, rtol=1e-12)
    circuit = c.Circuit(seed=1)
    cells = [circuit.population(model, 3, name=name) for name in ("first", "second")]
    with pytest.raises(InputError, match="rest"):
        circuit.homeostat(cells)
    with pytest.raises(InputError, match="it is a quantity"):
        circuit.homeostat(cells, rest="low")


def test_what_cannot_be_regulated_is_refused() -> None:
    circuit = c.Circuit(seed=1)
    fixed = circuit.population("lif", 4, name="fixed")
    free, other = cells(circuit, "free", 4, 0.2), cells(circuit, "other", 4, 0.2)
    source = circuit.poisson_source(4, 10.0)
    with pytest.raises(InputError, match=r"(?s)fixed.*driven-threshold"):
        circuit.homeostat([fixed], band=5.0)
    with pytest.raises(InputError, match="no population of neurons"):
        circuit.homeostat([source], band=5.0)
    with pytest.raises(InputError, match="there are no populations"):
        circuit.homeostat([], band=5.0)
    with pytest.raises(InputError, match="no others"):
        circuit.homeostat([free])
    with pytest.raises(InputError, match="whole number of steps"):
        circuit.homeostat([free, other], tick=1.23456e-3)
    with pytest.raises(InputError, match="smaller one first"):
        circuit.homeostat([free, other], band=(8.0, 3.0))
    with pytest.raises(InputError, match="regulated twice"):
        circuit.homeostat([free, free])
    circuit.homeostat([free, other], name="mine")
    with pytest.raises(InputError, match="regulated twice"):
        circuit.homeostat([free], band=5.0)
    with pytest.raises(InputError, match="name 'mine' is taken"):
        circuit.homeostat([free], band=5.0, name="mine")
