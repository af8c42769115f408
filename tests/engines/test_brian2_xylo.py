"""The Brian2 engine equals XyloSim and an independent model: every spike, every state."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.engines import get
from neurosim.engines.brian2 import Brian2Engine
from neurosim.errors import InputError
from neurosim.recording import Recording
from neurosim.verify import fuzz
from neurosim.verify.fuzz import draw_raster
from neurosim.xylo.spec import XyloSpec
from tests.engines.xylo_reference import Coverage, simulate

ALL = ("spikes", "v_mem", "i_syn")


def draw_spec(rng: np.random.Generator) -> XyloSpec:
    """A random network of a few neurons: the independent model and plain objects are slow."""
    return fuzz.draw_spec(rng, large_share=0)


def compare(spec: XyloSpec, raster: np.ndarray, seen: Coverage) -> None:
    """Assert that engine, vendor's simulator and independent model agree on everything."""
    ours = Brian2Engine(target="library").run(spec, raster, record=ALL)
    vendor = get("xylosim").run(spec, raster, record=ALL)
    assert_equal(ours, vendor)
    assert (ours.i_syn_2 is not None) == (spec.synapses == 2)
    for sample, counts in enumerate(raster):
        model = simulate(spec, counts, seen)
        for k, end in enumerate(("", "o")):
            np.testing.assert_array_equal(ours.spikes[k][sample], model["s" + end])
            np.testing.assert_array_equal(ours.v_mem[k][sample], model["v" + end])
            np.testing.assert_array_equal(ours.i_syn[k][sample], model["i" + end][:, 0])
        if spec.synapses == 2:
            np.testing.assert_array_equal(ours.i_syn_2[0][sample], model["i"][:, 1])


def assert_equal(one: Recording, other: Recording) -> None:
    for name in (*ALL, "i_syn_2"):
        arrays, others = getattr(one, name), getattr(other, name)
        if arrays is None or others is None:
            continue
        for a, b in zip(arrays, others, strict=True):
            assert a.dtype == b.dtype, name
            np.testing.assert_array_equal(a, b, err_msg=name)


EVERY_RULE = (
    "saturation above",
    "saturation below",
    "negative decay",
    "alias to later",
    "alias to earlier",
    "alias to own",
    "most spikes",
    "hidden spikes",
    "output spikes",
)


def check_random_networks(examples: int, first_seed: int) -> None:
    seen = Coverage()

    @settings(max_examples=examples)
    @given(st.integers(0, 2**32))
    def agree(seed: int) -> None:
        rng = np.random.default_rng([first_seed, seed])
        spec = draw_spec(rng)
        compare(spec, draw_raster(rng, spec.channels), seen)
        seen.saw("networks")

    agree()
    assert seen.counts["networks"] >= examples
    for rule in EVERY_RULE:
        assert seen.counts.get(rule, 0) >= examples, f"{rule} was hardly met: {seen.counts}"


def test_random_networks_equal_xylosim_and_the_independent_model() -> None:
    check_random_networks(examples=200, first_seed=1)


@pytest.mark.slow
def test_two_thousand_random_networks_equal_xylosim_and_the_independent_model() -> None:
    check_random_networks(examples=2000, first_seed=2)


def layered(rng: np.random.Generator, width: int = 24) -> XyloSpec:
    """Three hidden layers that neither stay silent nor fire all the time."""
    hidden = 3 * width
    recurrent = np.zeros((hidden, hidden), dtype=int)
    for k in range(2):
        block = rng.integers(-40, 80, (width, width))
        recurrent[k * width : (k + 1) * width, (k + 1) * width : (k + 2) * width] = block
    return XyloSpec(
        weights_in=rng.integers(-40, 80, (15, width)),
        weights_rec=recurrent,
        weights_out=rng.integers(-40, 80, (width, 6)),
        dash_mem=np.full(hidden, 4),
        dash_mem_out=np.full(6, 4),
        dash_syn=np.full(hidden, 2),
        dash_syn_out=np.full(6, 2),
        threshold=np.full(hidden, 900),
        threshold_out=np.full(6, 900),
        layers=(width,) * 3,
    )


@pytest.fixture
def net(rng: np.random.Generator) -> XyloSpec:
    return layered(rng)


@pytest.fixture
def raster(rng: np.random.Generator) -> np.ndarray:
    return (rng.random((7, 90, 15)) < 0.3).astype(np.uint8)


def test_a_layered_network_equals_xylosim_over_long_runs(net, raster) -> None:
    ours = Brian2Engine(target="library").run(net, raster, record=ALL)
    assert_equal(ours, get("xylosim").run(net, raster, record=ALL))
    assert ours.steps == 90 + 3
    assert ours.populations == ("hidden", "output")
    rate = ours.spikes[0].mean(axis=(0, 1))
    assert 0.02 < rate.mean() < 0.9
    assert (ours.spikes[1].sum(axis=(1, 2)) > 0).all()


def test_samples_threads_and_chunks_change_nothing(net, raster) -> None:
    whole = Brian2Engine(threads=1).run(net, raster, record=ALL)
    assert_equal(whole, Brian2Engine(threads=3).run(net, raster, record=ALL))
    chunks = list(Brian2Engine().stream(net, raster, record=ALL, samples=2))
    assert [chunk.samples for chunk in chunks] == [2, 2, 2, 1]
    for k, expected in enumerate(whole.v_mem):
        np.testing.assert_array_equal(np.concatenate([c.v_mem[k] for c in chunks]), expected)


def test_streaming_needs_no_more_memory_for_more_samples(net) -> None:
    def peak(samples: int) -> int:
        raster = np.zeros((samples, 50, 15), dtype=np.uint8)  # may lie on disk: not counted
        tracemalloc.start()
        for chunk in Brian2Engine().stream(net, raster, record=ALL, samples=16):
            assert chunk.samples == 16
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(16)  # what is loaded once
    few, many = peak(32), peak(320)
    assert few > 16 * 53 * net.hidden * 5  # the arrays are counted at all
    assert many < 1.5 * few  # ten times the samples; some small objects await collection


@pytest.mark.parametrize("threads", [1, 2])
def test_counts_are_the_sums_of_output_spikes(net, raster, threads: int) -> None:
    expected = Brian2Engine().run(net, raster).spikes[1].sum(axis=1)
    assert expected.any()
    engine = Brian2Engine(threads=threads)
    np.testing.assert_array_equal(engine.counts(net, raster), expected)
    np.testing.assert_array_equal(engine.counts(net, raster, samples=2), expected)
    pieces = iter((raster[:3], raster[3:]))  # of samples that come one after the other
    np.testing.assert_array_equal(engine.counts(net, pieces, samples=2), expected)
    objects = Brian2Engine(target="numpy").counts(net, raster[:2])
    np.testing.assert_array_equal(objects, expected[:2])


def test_chunks_may_differ_in_length(net, raster) -> None:
    pieces = (raster[:3], raster[3:, :20])
    engine = Brian2Engine()
    expected = [engine.run(net, piece).spikes[1].sum(axis=1) for piece in pieces]
    np.testing.assert_array_equal(engine.counts(net, pieces), np.concatenate(expected))
    assert [chunk.steps for chunk in engine.stream(net, pieces)] == [93, 23]


@pytest.mark.parametrize("fault", [[], [np.zeros((2, 5, 3), np.uint8)], [np.zeros((5, 15), int)]])
def test_counts_refuses_what_run_refuses(net, fault) -> None:
    with pytest.raises(InputError, match="raster"):
        Brian2Engine().counts(net, fault)


def test_counting_needs_no_more_memory_for_more_chunks(net) -> None:
    def peak(chunks: int) -> int:
        tracemalloc.start()
        Brian2Engine().counts(net, (np.ones((16, 50, 15), np.uint8) for _ in range(chunks)))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)  # what is loaded once
    few, many = peak(2), peak(20)
    assert few > 16 * 53 * 15  # the raster is counted
    assert many < 1.5 * few + 16 * 18 * 6 * 8  # ten times the samples, and their sums


def test_only_what_is_asked_for_is_recorded(net, raster) -> None:
    recording = Brian2Engine().run(net, raster)
    assert recording.v_mem is None
    assert recording.i_syn is None
    assert recording.provenance["model"] == net.digest()


@pytest.mark.parametrize("synapses", [1, 2])
def test_plain_brian2_objects_equal_the_library(synapses: int) -> None:
    rng = np.random.default_rng(8)
    while True:
        spec = draw_spec(rng)
        raster = draw_raster(rng, spec.channels)
        library = Brian2Engine(target="library").run(spec, raster, record=ALL)
        busy = np.flatnonzero(library.spikes[0].any(axis=(0, 1)))
        if spec.synapses == synapses and sum(len(spec.aliases[k]) for k in busy) > 2:
            break
    assert_equal(library, Brian2Engine(target="numpy").run(spec, raster, record=ALL))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_plain_brian2_objects_equal_the_library_for_many(seed: int) -> None:
    rng = np.random.default_rng([5, seed])
    spec = draw_spec(rng)
    raster = draw_raster(rng, spec.channels)
    plain = Brian2Engine(target="numpy").run(spec, raster, record=ALL)
    assert_equal(plain, Brian2Engine(target="library").run(spec, raster, record=ALL))


def test_a_warm_run_in_another_process_neither_compiles_nor_imports_brian2(net, raster) -> None:
    Brian2Engine(target="library").run(net, raster)
    script = (
        "import sys, numpy as np\n"
        "from neurosim import engines, XyloSpec\n"
        "from neurosim.engines.brian2 import xylo_source\n"
        "def refuse(*a): raise AssertionError('built again')\n"
        "xylo_source.files = refuse\n"
        "spec = XyloSpec(weights_in=np.full((2, 5), 90), weights_out=np.full((5, 1), 90),\n"
        "                threshold=np.full(5, 70), threshold_out=np.array([50]),\n"
        "                dash_syn=np.ones(5), dash_syn_out=np.ones(1))\n"
        "spikes = engines.get('brian2').run(spec, np.ones((3, 8, 2), int)).spikes\n"
        "assert spikes[0].any() and spikes[1].any()\n"
        "assert 'brian2' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [({"target": "gpu"}, "target 'gpu'"), ({"threads": 0}, "threads is 0")],
)
def test_unknown_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Brian2Engine(**options)


def test_a_model_that_is_no_specification_is_refused(raster) -> None:
    with pytest.raises(InputError, match="runs a XyloSpec or a Network, got dict"):
        Brian2Engine().run({"weights_in": 1}, raster)
