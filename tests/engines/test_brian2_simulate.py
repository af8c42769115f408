"""simulate(): what it takes, what it refuses, and that all targets give the same."""

from __future__ import annotations

import brian2
import numpy as np
import pytest

from neurosim import equations
from neurosim.engines.brian2 import Simulation, Spikes, simulate, targets
from neurosim.errors import InputError

NOISY = equations.get("noisy-lif") + equations.get("stochastic-threshold-per-spike")
MEAN = {"mu": -48.0}


def assert_same(one: Simulation, other: Simulation, rtol: float = 0.0) -> None:
    assert len(one.spike_steps) > 10
    np.testing.assert_array_equal(one.spike_steps, other.spike_steps)
    np.testing.assert_array_equal(one.spike_neurons, other.spike_neurons)
    assert one.traces.keys() == other.traces.keys()
    for name, trace in one.traces.items():
        np.testing.assert_allclose(trace, other.traces[name], rtol=rtol, err_msg=name)


def drive(rng: np.random.Generator) -> dict:
    counts = rng.poisson(0.02, (1000, 3))
    return {
        "I": rng.uniform(0, 0.6, (1000, 4)),
        "receive": Spikes(counts, rng.uniform(0, 1e-10, (3, 4))),
    }


def test_the_same_seed_gives_the_same_result_and_another_seed_another() -> None:
    options = {"n": 20, "duration": 0.2, "parameters": MEAN, "record": ("v",)}
    first = simulate(NOISY, seed=7, **options)
    assert_same(first, simulate(NOISY, seed=7, **options))
    other = simulate(NOISY, seed=8, **options)
    assert not np.array_equal(first.traces["v"], other.traces["v"])
    drawn = simulate(NOISY, **options)
    assert_same(drawn, simulate(NOISY, seed=drawn.provenance["seed"], **options))


def test_numpy_and_library_agree_with_inputs_in_time_and_presynaptic_spikes() -> None:
    inputs = drive(np.random.default_rng(0))
    options = {"n": 4, "duration": 0.1, "inputs": inputs, "record": ("v", "I_syn"), "seed": 1}
    library = simulate("lif-exponential", target="library", **options)
    assert_same(library, simulate("lif-exponential", target="numpy", **options), rtol=1e-9)
    shared = {**inputs, "I": inputs["I"][:, :1]}
    options = {**options, "inputs": shared}
    library = simulate("lif-exponential", target="library", **options)
    assert_same(library, simulate("lif-exponential", target="numpy", **options), rtol=1e-9)


def test_a_refractory_time_that_grows_again_holds_neurons_that_had_left_it() -> None:
    """A library that looks only at neurons in their refractory time would let them go on."""
    model = equations.from_brian2(
        "dv/dt = (2 - v)/tau : 1 (unless refractory)",
        threshold="v > 1", reset="v = 0", refractory="period", inputs=["period"],
        namespace={"tau": 10 * brian2.ms, "period": 1 * brian2.ms},
    )  # fmt: skip
    late = np.where(np.arange(3000) // 100 % 2, 20.0, 1.0)[:, None]  # ms, by 10 ms
    options = {"n": 3, "duration": 0.3, "record": ("v",)}
    inputs = {"period": late * [1.0, 1.0, 0.5]}
    library, numpy = (
        simulate(model, inputs=inputs, target=name, **options) for name in ("library", "numpy")
    )
    assert_same(library, numpy, rtol=1e-12)
    assert len(library.spike_steps) < 0.8 * len(simulate(model, **options).spike_steps)


def test_a_run_does_not_depend_on_how_it_is_cut_into_pieces(monkeypatch) -> None:
    from neurosim.engines.brian2 import population_run

    options = {"n": 5, "duration": 0.4, "parameters": MEAN, "record": ("v",), "seed": 2}
    whole = simulate(NOISY, **options)
    monkeypatch.setattr(population_run, "_VALUES_AT_ONCE", 35)  # 7 steps
    assert_same(whole, simulate(NOISY, **options))


@pytest.mark.parametrize("name", ["lif", "noisy-lif"])
def test_no_refractory_time_is_the_limit_of_a_tiny_one(name: str) -> None:
    drive = {"I": 0.5} if name == "lif" else {"mu": -45.0}
    options = {"n": 8, "duration": 0.3, "record": ("v",), "seed": 4}
    none, tiny = (
        simulate(name, parameters={**drive, "tau_ref": time}, **options) for time in (0.0, 1e-6)
    )
    assert_same(none, tiny, rtol=1e-12)
    long = simulate(name, parameters={**drive, "tau_ref": 20.0}, **options)
    assert len(long.spike_steps) < 0.8 * len(none.spike_steps)


def test_xylo_neurons_run_as_a_population_too() -> None:
    counts = np.random.default_rng(4).integers(0, 4, (60, 2))
    result = {
        target: simulate(
            "xylo",
            n=3,
            duration=0.06,
            dt=1e-3,
            parameters={"dash_mem": 3, "dash_syn": 2, "threshold": [50, 90, 200]},
            inputs={"receive": Spikes(counts, np.array([[20, 60, -10], [9, -7, 40]]))},
            record=("v_mem", "spikes"),
            target=target,
        )
        for target in ("library", "numpy")
    }
    assert_same(result["library"], result["numpy"])
    assert result["library"].traces["spikes"].max() > 1


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_a_standalone_program_agrees_and_takes_new_values_without_a_build(
    threads, monkeypatch
) -> None:
    from neurosim.engines.brian2 import standalone

    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        options = {
            "n": 4,
            "duration": 0.1,
            "inputs": drive(rng),
            "parameters": {"tau": rng.uniform(5, 30, 4), "R": rng.uniform(80, 120)},
            "record": ("v", "I_syn"),
            "watch": [0, 3],
            "seed": seed,
        }
        program = simulate("lif-exponential", target="cpp_standalone", threads=threads, **options)
        assert_same(program, simulate("lif-exponential", target="library", **options), rtol=1e-9)
        monkeypatch.setattr(standalone, "_build", None)  # the second time nothing is built


@pytest.mark.slow
def test_a_standalone_program_draws_the_same_numbers() -> None:
    options = {"n": 20, "duration": 0.2, "parameters": MEAN, "record": ("v",)}
    for seed in (3, 4):
        program = simulate(NOISY, seed=seed, target="cpp_standalone", **options)
        assert_same(program, simulate(NOISY, seed=seed, target="library", **options), rtol=1e-9)


@pytest.mark.slow
def test_cython_agrees() -> None:
    options = {"n": 4, "duration": 0.05, "parameters": {"I": [0.3, 0.5, 0.7, 0.9]}}
    cython = simulate("lif", target="cython", record=("v",), **options)
    assert_same(cython, simulate("lif", record=("v",), **options), rtol=1e-9)


@pytest.mark.slow
def test_a_standalone_program_takes_whole_numbers() -> None:
    """The second run is the same program with other weights and parameters."""
    counts = np.random.default_rng(4).integers(0, 4, (60, 2))
    for weights, decays in (
        ([[20, 60, -10], [9, -7, 40]], [1, 2, 3]),
        ([[200, 6, 90]] * 2, [3, 2, 1]),
    ):
        options = {
            "n": 3,
            "duration": 0.06,
            "dt": 1e-3,
            "parameters": {"dash_mem": 3, "dash_syn": decays, "threshold": [50, 90, 200]},
            "inputs": {"receive": Spikes(counts, np.array(weights))},
            "record": ("v_mem", "i_syn"),
        }
        program = simulate("xylo", target="cpp_standalone", **options)
        assert_same(program, simulate("xylo", target="library", **options))


@pytest.mark.slow
def test_a_standalone_program_shares_a_draw() -> None:
    model = equations.get("lif") + equations.get("stochastic-threshold")
    options = {"n": 3, "duration": 0.01, "record": ("threshold_scale",), "target": "cpp_standalone"}
    scales = [simulate(model, seed=seed, **options).traces["threshold_scale"] for seed in (1, 1, 2)]
    assert len(np.unique(scales[0])) == 1
    np.testing.assert_array_equal(scales[0], scales[1])
    assert scales[0][0, 0] != scales[2][0, 0]


@pytest.mark.parametrize(
    "target", ["library", "numpy", pytest.param("cpp_standalone", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", ["homeostat", "homeostat-map", "global-gain"])
def test_units_that_do_not_spike_run_on_all_targets(name: str, target: str) -> None:
    inputs = {"loss": np.linspace(2, 1, 20)[:, None]} if name == "global-gain" else {}
    variables = ("gain", "activity") if name == "global-gain" else ("c", "scale")
    options = {"n": 2, "duration": 0.02, "dt": 1e-3, "inputs": inputs, "record": variables}
    result = simulate(name, target=target, **options)
    assert not len(result.spike_steps)
    expected = simulate(name, target="numpy", **options)
    for variable in variables:
        assert result.traces[variable].any()
        np.testing.assert_allclose(result.traces[variable], expected.traces[variable], rtol=1e-12)


def test_results_own_their_memory() -> None:
    """From Brian2 2.10 on a monitor's arrays are memory that goes with it."""
    result = simulate("lif", n=2, duration=0.01, record=("v",), target="numpy")
    for array in (*result.traces.values(), result.spike_neurons, result.spike_steps):
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        assert owner.flags.owndata
        assert type(owner) is np.ndarray


def test_without_a_compiler_numpy_runs_and_says_so_once(monkeypatch) -> None:
    from neurosim.engines.brian2 import cache

    monkeypatch.setattr(cache, "compiler", lambda: None)
    targets._fastest.cache_clear()
    try:
        with pytest.warns(UserWarning, match="no C\\+\\+ compiler found"):
            result = simulate("lif", duration=0.05, parameters={"I": 0.5})
        assert result.provenance["target"] == "numpy"
        simulate("lif", duration=0.01)  # pytest turns no warning into an error: none is given
        assert targets._fastest.cache_info().hits >= 1
    finally:
        targets._fastest.cache_clear()


def test_brian2_is_left_as_it_was() -> None:
    import brian2

    brian2.prefs.codegen.target = "cython"
    state = np.random.get_state()[1].copy()  # noqa: NPY002 (what Brian2 draws from)
    device = brian2.get_device()
    simulate("lif", duration=0.01, target="numpy", seed=5)
    assert brian2.prefs.codegen.target == "cython"
    assert brian2.get_device() is device
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    brian2.prefs.codegen.target = "auto"


# --- what comes out -----------------------------------------------------------------------------


def test_counts_and_rates_take_a_window() -> None:
    result = Simulation(
        n=2,
        steps=100,
        dt=0.01,
        spike_steps=np.array([0, 10, 50, 99, 99]),
        spike_neurons=np.array([0, 1, 1, 0, 1]),
    )
    np.testing.assert_array_equal(result.counts(), [2, 3])
    np.testing.assert_array_equal(result.counts(0.1), [1, 3])
    np.testing.assert_array_equal(result.counts(0.1, 0.5), [0, 1])
    np.testing.assert_allclose(result.rate(0.5), [2, 4])
    np.testing.assert_allclose(result.times_of(1), [0.1, 0.5, 0.99])
    with pytest.raises(InputError, match=r"start is 1\.0 s"):
        result.rate(1.0)


def test_a_result_becomes_a_dataset_with_units() -> None:
    options = {"parameters": {"I": 0.5}, "record": ("v", "theta"), "watch": [2, 0]}
    result = simulate("lif", n=3, duration=0.05, **options)
    data = result.to_xarray()
    assert data["v"].shape == (500, 2)
    assert data["v"].attrs["units"] == "volt"
    np.testing.assert_array_equal(data["neuron"], [2, 0])
    np.testing.assert_allclose(data["time"][[0, -1]], [1e-4, 0.05])
    np.testing.assert_allclose(data["spike_time"], result.spike_times)
    assert data.attrs["model"] == "lif"


def test_watching_records_the_chosen_neurons() -> None:
    current = {"I": np.linspace(0.1, 0.9, 6)}
    options = {"n": 6, "duration": 0.02, "parameters": current, "record": ("v",)}
    everything = simulate("lif", **options)
    some = simulate("lif", watch=[4, 1], **options)
    np.testing.assert_array_equal(some.traces["v"], everything.traces["v"][:, [4, 1]])


def test_a_mask_of_neurons_is_what_their_numbers_are() -> None:
    options = {"n": 5, "duration": 0.02, "parameters": {"I": np.linspace(0.1, 0.9, 5)}}
    mask = np.array([False, False, True, False, True])
    some = simulate("lif", watch=mask, record=("v",), **options)
    np.testing.assert_array_equal(some.watched, [2, 4])
    numbers = simulate("lif", watch=[2.0, 4.0], record=("v",), **options)
    np.testing.assert_array_equal(some.traces["v"], numbers.traces["v"])
    assert len(simulate("lif", watch=[], record=("v",), **options).watched) == 0


def test_spike_times_of_no_neuron_are_refused() -> None:
    result = simulate("lif", n=2, duration=0.02, parameters={"I": 0.9})
    for neuron in (1.7, 2, -1):
        with pytest.raises(InputError, match="neuron is"):
            result.times_of(neuron)


@pytest.mark.parametrize("steps", [49, 50, 51])
def test_an_input_for_each_neuron_is_one_for_any_number_of_steps(steps: int) -> None:
    current = np.linspace(0.0, 0.15, 50)  # nA, below the threshold
    result = simulate(
        "lif", n=50, duration=steps * 1e-3, dt=1e-3, inputs={"I": current}, record=("v",)
    )
    # E_L + R I (1 - exp(-t/tau)), which the exact integrator gives to rounding
    expected = -70e-3 + 0.1 * current * (1 - np.exp(-steps / 20))
    np.testing.assert_allclose(result.traces["v"][-1], expected, rtol=1e-12)


def test_quantities_and_numbers_mean_the_same() -> None:
    brian2 = pytest.importorskip("brian2")
    plain = simulate("lif", duration=0.1, parameters={"I": 0.5, "tau": 10.0}, record=("v",))
    quantities = {"I": 500 * brian2.pA, "tau": 0.01 * brian2.second}
    assert_same(plain, simulate("lif", duration=0.1, parameters=quantities, record=("v",)), 1e-12)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "lift"}, "no model is named 'lift'"),
        ({"model": "escape-noise"}, "escape-noise is a fragment"),
        ({"n": 0}, "n is 0"),
        ({"n": 2.5}, "n is 2.5"),
        ({"dt": 0.0}, "dt is 0.0"),
        ({"duration": 0.0}, "duration is 0.0"),
        ({"duration": np.nan}, "duration is nan"),
        ({"parameters": {"tua": 1}}, "lif has no parameter 'tua'; choose from E_L"),
        ({"parameters": {"tau": -1.0}}, "tau is -1 ms; allowed is >= 0.001"),
        ({"parameters": {"tau": np.inf}}, "tau is inf"),
        ({"parameters": {"tau": "fast"}}, "tau is 'fast'; give numbers in ms"),
        ({"parameters": {"tau": np.ones(3)}}, r"tau has shape \(3,\)"),
        ({"inputs": {"tau": np.ones((100, 1))}}, "tau has shape"),
        ({"inputs": {"I": np.ones((99, 1))}}, r"I has shape \(99, 1\).*over time \(100, 1\)"),
        ({"inputs": {"hear": Spikes(np.ones((100, 1)), np.ones((1, 2)))}}, "no event 'hear'"),
        ({"inputs": {"receive": Spikes(np.ones((9, 1)), np.ones((1, 2)))}}, "counts have shape"),
        ({"inputs": {"receive": Spikes(np.ones((100, 1), int), np.ones((1, 3)))}}, "weights have"),
        ({"inputs": {"receive": Spikes(-np.ones((100, 1), int), np.ones((1, 2)))}}, "holds -1"),
        ({"record": ("w",)}, "'w' cannot be recorded; choose from v, theta"),
        ({"watch": [2]}, "watch is"),
        ({"watch": [1.7]}, r"watch is \[1\.7\]; it holds whole numbers 0..1"),
        ({"watch": [True, False, True]}, r"watch is a mask of shape \(3,\); it needs \(2,\)"),
        ({"inputs": {"I": np.ones(100)}}, r"I has shape \(100,\).*over time \(100, 1\)"),
        ({"seed": -1}, "seed is -1"),
        ({"target": "gpu"}, "target 'gpu'"),
    ],
)
def test_bad_input_is_refused_by_name(options: dict, message: str) -> None:
    given = {"model": "lif", "n": 2, "duration": 0.01, **options}
    model = given.pop("model")
    with pytest.raises(InputError, match=message):
        simulate(model, **given)


def test_a_quantity_of_the_wrong_kind_is_refused() -> None:
    brian2 = pytest.importorskip("brian2")
    with pytest.raises(InputError, match=r"tau is .*needs a quantity like 1 ms"):
        simulate("lif", duration=0.01, parameters={"tau": 3 * brian2.mV})


@pytest.mark.parametrize(
    "target", ["library", "numpy", pytest.param("cpp_standalone", marks=pytest.mark.slow)]
)
def test_a_simulation_that_blows_up_is_refused(target: str) -> None:
    model = equations.get("lif") + equations.get("ou-current")
    options = {"dt": 1e-3, "parameters": {"tau_noise": 0.1}, "seed": 1, "target": target}
    with pytest.raises(InputError, match=r"I_noise is no longer finite.*smaller dt than 0\.001 s"):
        simulate(model, duration=1.0, **options)


@pytest.mark.parametrize("target", ["library", "numpy"])
def test_neurons_that_run_step_by_step_do_as_those_that_run_at_once(target, rng) -> None:
    from neurosim.engines.brian2 import stepping

    current = rng.uniform(0, 0.6, (80, 5))
    options = {"n": 5, "dt": 1e-3, "record": ("v_mem", "spikes")}
    options["parameters"] = {"theta_0": rng.uniform(0.5, 1, 5), "subtract": 1.0}
    whole = simulate("nir-neuron", duration=0.08, inputs={"I": current}, **options)
    assert 50 < whole.traces["spikes"].sum() < 300
    fed = {"I": np.zeros_like(current)}
    with stepping("nir-neuron", steps=80, fed=fed, target=target, **options) as neurons:
        for step, size in ((0, 1), (1, 1), (2, 78)):
            for row in range(step, step + size):
                neurons.feed("I", row, current[row])
            neurons.advance(size)
            for name, trace in whole.traces.items():  # what was fed later has no say
                done = step + size
                np.testing.assert_array_equal(neurons.traces[name][:done], trace[:done])


def test_a_program_does_not_stop_between_steps() -> None:
    from neurosim.engines.brian2 import stepping

    with (
        pytest.raises(InputError, match="does not stop between steps"),
        stepping("nir-neuron", n=1, steps=3, target="cpp_standalone"),
    ):
        pass


def test_spikes_on_the_edges_of_bins_belong_to_the_bin_that_begins_there():
    # 0.3 s and 3 * 0.1 s are different numbers, as are many edges that are counted in floats.
    steps = np.arange(3000)
    run = Simulation(2, 3000, 1e-4, np.repeat(steps, 2), np.tile([0, 1], 3000))
    for width, bins, each in ((0.5e-3, 600, 10), (0.1e-3, 3000, 2), (0.7e-3, 428, 14)):
        assert run.binned_counts(width).tolist() == [each] * bins
    assert run.binned_counts(0.1, 0.1, 0.3).tolist() == [2000, 2000]
    assert run.binned_counts(0.1, 0.05, 0.2).tolist() == [2000]
    with pytest.raises(InputError, match="at least one step"):
        run.binned_counts(1e-6)
    for start, stop in ((-0.1, None), (0.25, 0.3), (0.4, None)):
        with pytest.raises(InputError, match="start is"):
            run.binned_counts(0.1, start, stop)
