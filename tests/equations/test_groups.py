"""Declared neurons and synapses in plain Brian2: the spikes of `simulate`, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import equations
from neurosim.engines.brian2 import simulate, targets
from neurosim.equations import sandbox, sort_synapses
from neurosim.equations.catalogue import partners
from neurosim.errors import InputError
from neurosim.figures.equation import INPUTS

brian2 = pytest.importorskip("brian2")

MODELS = equations.declarations()
STEPS = 400
QUICK = (
    "lif",
    "noisy-lif",
    "lif-map",
    "xylo",
    "hodgkin-huxley",
    "stochastic-threshold",
    "stochastic-threshold-per-spike",
    "step-noise",
)
"""Models with refractoriness, random steps, integers, a refractory condition, a shared draw."""


def composed(name: str):
    """Return a neuron of that name, or the first neuron that takes the rule of that name."""
    model = MODELS[name]
    return MODELS[partners(model)[0]] + model if model.fills else model


def settings(model) -> tuple[float, dict]:
    """Return a time step and values at which four neurons fire, each at a rate of its own."""
    neuron = model.name.split(" + ")[0]
    dt = {"hodgkin-huxley": 2e-5, "global-gain": 1.0}.get(neuron, 1e-4)
    parameters = {}
    if "I" in model.parameters:
        parameters["I"] = np.linspace(0, 2.5 * INPUTS.get(neuron, 1.0), 4)
    if "mu" in model.parameters:
        parameters["mu"] = np.linspace(-50, -25, 4)
    if "tau_ref" in model.parameters:
        parameters["tau_ref"] = 1.05
    if neuron.startswith("xylo"):
        parameters |= {"bias": np.array([300, 500, 700, 900]), "dash_mem": 3, "dash_syn": 2}
    return dt, parameters


def group_and_monitors(model, **options) -> list:
    dt, parameters = settings(model)
    group = model.neurons(4, dt=dt * brian2.second, **parameters, **options)
    return [group, *([brian2.SpikeMonitor(group)] if model.threshold else [])]


def spikes(monitor, dt: float) -> tuple[np.ndarray, np.ndarray]:
    return np.round(np.asarray(monitor.t_[:]) / dt).astype(int), np.asarray(monitor.i[:])


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in MODELS],
)
def test_a_group_of_every_model_spikes_as_simulate_does(name: str) -> None:
    model = composed(name)
    dt, parameters = settings(model)
    expected = simulate(
        model, n=4, duration=STEPS * dt, dt=dt, parameters=parameters, seed=3, target="numpy"
    )
    with sandbox.sandbox(target="numpy"):
        brian2.seed(3)
        members = group_and_monitors(model)
        brian2.Network(*members).run(STEPS * dt * brian2.second)
        if not model.threshold:
            assert set(model.step) == set() or len(members[0].contained_objects) > 0
            return
        steps, neurons = spikes(members[1], dt)
    assert len(steps) > 3
    np.testing.assert_array_equal(steps, expected.spike_steps)
    np.testing.assert_array_equal(neurons, expected.spike_neurons)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_programs_of_every_model_spike_as_the_runtime_does(part: int) -> None:
    """Some models in each program: brian2's C++ draws the numbers that numpy does."""
    names = [n for n in MODELS if composed(n).threshold][part::3]
    found = {}
    for target in ("numpy", "cpp_standalone"):
        with targets.session(target) as run:
            # Few and quick compilers: what is compared does not depend on how fast it runs.
            brian2.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-ffp-contract=off"]
            brian2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j2"]
            brian2.seed(5)
            parts = {}
            for name in names:
                # Names decide who draws first. A program is given its shared draws, which must
                # not shift the numbers here.
                options = {"name": f"group_{len(parts):02}"}
                if "draw : 1 (shared)" in composed(name).equations:
                    options["draw"] = 0.3
                parts[name] = group_and_monitors(composed(name), **options)
            network = brian2.Network(*(p for members in parts.values() for p in members))
            run(network, 20 * brian2.ms)
            found[target] = {
                name: spikes(members[1], settings(composed(name))[0])
                for name, members in parts.items()
            }
    assert sum(len(found["numpy"][name][0]) for name in names) > 100
    for name in names:
        for here, there in zip(found["numpy"][name], found["cpp_standalone"][name], strict=True):
            np.testing.assert_array_equal(here, there, err_msg=name)


def test_a_program_gets_the_shared_draw_that_simulate_gives_it() -> None:
    """Brian2's programs leave a shared variable at zero where an expression sets it."""
    from neurosim.engines.brian2 import standalone

    model = composed("stochastic-threshold")
    with standalone.sandbox_of("cpp_standalone", as_written=False):
        brian2.seed(11)
        group = model.neurons(3)
        assert float(group.draw[:]) == np.random.default_rng(11).random()
        sandbox.forget()


def test_a_network_of_ones_own_runs_without_further_calls() -> None:
    with sandbox.sandbox(target="numpy"):
        brian2.seed(1)
        model = composed("stochastic-threshold-per-step")
        course = brian2.TimedArray(np.repeat([0.1, 0.6], 50) * brian2.nA, dt=1 * brian2.ms)
        cells = model.neurons(20, I=course, v="E_L + 5*mV*rand()", tau_ref=2 * brian2.ms)
        source = brian2.PoissonGroup(30, 40 * brian2.Hz)
        links = model.synapses(source, cells, weight=1 * brian2.mV, delay=1 * brian2.ms, p=0.5)
        inside = model.synapses(cells, cells, weight="0.1*mV*rand()", j="(i + 1) % N_post")
        monitor = brian2.SpikeMonitor(cells)
        network = brian2.Network(brian2.collect())
        network.run(100 * brian2.ms)
        times = np.asarray(monitor.t_[:])
        assert links.N > 100
        assert np.ptp(inside.w_[:]) > 0
        assert 0 < (times < 0.05).sum() < 0.2 * (times >= 0.05).sum()
        assert len([o for o in cells.contained_objects if "run_regularly" in o.name]) == 2


def test_events_of_ones_own_and_names_of_attributes_are_taken() -> None:
    with sandbox.sandbox(target="numpy"):
        group = MODELS["xylo"].neurons(2, spikes=3, events={"full": "v_mem > 100"})
        assert "full" in group.events
        np.testing.assert_array_equal(group.variables["spikes"].get_value(), 3)
        sandbox.forget()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau": -1}, r"tau is -1 ms; allowed is >= 0.001"),
        ({"tau": 3 * brian2.mV}, "tau is 3. mV; it needs a quantity like 1 ms"),
        ({"I": np.ones(3)}, r"I has shape \(3,\); it needs a number or shape \(5,\)"),
        ({"taw": 3}, r"no parameter 'taw' \(did you mean 'tau'\?\)"),
        ({"v": 3}, r"v is 3; it needs a quantity like 10\*mV"),
        ({"v": np.zeros(4) * brian2.mV}, r"v has shape \(4,\)"),
        ({"theta": -50 * brian2.mV}, "theta follows from other variables"),
        ({"v": "tau"}, "v = tau: .*expected unit"),
        ({"tau": brian2.TimedArray([1.0] * brian2.ms, dt=brian2.ms)}, "tau does not change"),
        ({"I": brian2.TimedArray([1.0] * brian2.ms, dt=brian2.ms)}, "it needs nA"),
        ({"parameters": {"clock": 1}}, "no parameter 'clock'"),
    ],
)
def test_values_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with sandbox.sandbox(), pytest.raises(InputError, match=message):
        MODELS["lif"].neurons(5, **options)


def test_fragments_and_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="is a fragment"):
        MODELS["escape-noise"].neurons(3)
    with pytest.raises(InputError, match=r"n is 2\.5"):
        MODELS["lif"].neurons(2.5)


# --- synapses -----------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40),
)
def test_sorted_synapses_are_the_same_synapses(pairs: list[tuple[int, int]]) -> None:
    i, j = np.array(pairs, dtype=int).reshape(-1, 2).T
    numbers = np.arange(len(i))
    sources, targets_, order = sort_synapses(i, j, numbers)
    assert (np.diff(sources) >= 0).all()
    np.testing.assert_array_equal(i[order], sources)
    np.testing.assert_array_equal(j[order], targets_)
    for source in set(i.tolist()):  # those of one source keep their order
        assert (np.diff(order[sources == source]) > 0).all()


def test_what_sort_synapses_cannot_take_is_refused() -> None:
    with pytest.raises(InputError, match=r"j has shape \(3,\)"):
        sort_synapses([0, 1], [0, 1, 2])
    with pytest.raises(InputError, match=r"values 0 have shape \(3,\)"):
        sort_synapses([0, 1], [0, 1], np.zeros(3))
    with pytest.raises(InputError, match="whole numbers"):
        sort_synapses([0.5, 1], [0, 1])


def test_values_follow_their_synapses_and_rules_give_sorted_ones() -> None:
    with sandbox.sandbox(target="numpy"):
        model = MODELS["lif-conductance"]
        cells = model.neurons(6)
        i, j = np.array([3, 1, 2, 0, 5, 4, 1]), np.array([0, 1, 2, 3, 4, 5, 0])
        links = model.synapses(
            cells,
            cells,
            "inhibit",
            weight=(10 * i + j) * brian2.nS,
            delay=(j + 1) * brian2.ms,
            i=i,
            j=j,
        )
        np.testing.assert_array_equal(links.i[:], [0, 1, 1, 2, 3, 4, 5])
        np.testing.assert_allclose(links.w[:] / brian2.nS, 10 * links.i[:] + links.j[:])
        np.testing.assert_allclose(links.delay[:] / brian2.ms, links.j[:] + 1)
        rule = "k for k in sample(N_pre, size=3)"
        brian2.seed(2)
        drawn = [
            model.synapses(cells, cells, "excite", weight=1 * brian2.nS, i=rule) for _ in range(2)
        ]
        for links in drawn:
            assert (np.diff(links.i[:]) >= 0).all()
            np.testing.assert_array_equal(np.bincount(links.j[:]), 3)
        assert not np.array_equal(drawn[0].j[:], drawn[1].j[:])
        sandbox.forget()


def test_a_spike_arrives_with_its_weight_after_its_delay() -> None:
    """v jumps by w at the step of the spike plus the delay; a source that counts, w each."""
    for counts in (False, True):
        with sandbox.sandbox(target="numpy"):
            code = "spikes : integer" if counts else "x : 1"
            source = brian2.NeuronGroup(1, code, threshold="t_in_timesteps == 3", reset="")
            if counts:
                source.variables["spikes"].set_value(4)
            cell = MODELS["lif"].neurons(1, theta_0=1000.0)
            links = MODELS["lif"].synapses(
                source, cell, weight=2 * brian2.mV, delay=0.5 * brian2.ms
            )
            monitor = brian2.StateMonitor(cell, "v", True, when="end")
            brian2.Network(source, cell, links, monitor).run(1 * brian2.ms)
            v = np.asarray(monitor.v_[0])
            assert v[7] == -70e-3
            np.testing.assert_allclose(v[8] - v[7], 2e-3 * (4 if counts else 1), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"weight is missing: give one, like weight=10\*mV"),
        ({"weight": 3}, r"weight is 3; it needs a quantity like 10\*mV"),
        ({"weight": 1 * brian2.mV, "delay": 3}, r"delay is 3; it needs a time, like 1.5\*ms"),
        ({"weight": 1 * brian2.mV, "delay": -1 * brian2.ms}, "times of 0 or more"),
        ({"weight": 1 * brian2.mV, "event": "excite"}, "no event 'excite'; it has receive"),
        ({"weight": np.ones(3) * brian2.mV}, "w is an array; give the synapses"),
        ({"weight": 1 * brian2.mV, "probability": 1}, "no argument 'probability'"),
        ({"weight": 1 * brian2.mV, "values": {"x": 1}}, "no variable 'x'; it has w"),
        ({"weight": 1 * brian2.mV, "i": "k for k in range(m)"}, "rule may use j, k"),
    ],
)
def test_synapses_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with sandbox.sandbox(target="numpy"):
        cells = MODELS["lif"].neurons(2)
        with pytest.raises(InputError, match=message):
            MODELS["lif"].synapses(cells, cells, **options)
        with pytest.raises(InputError, match="no variable 'I_syn', which the event 'receive'"):
            MODELS["lif-exponential"].synapses(cells, cells, weight=1 * brian2.nA)
        sandbox.forget()
