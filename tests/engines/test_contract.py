"""What every engine promises, checked on every engine in the same way.

Float nets have weights on a dyadic grid: sums of events times weights are exact in any order, so
that a sample gives the same bits alone and in a batch whatever a processor's libraries do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from neurosim import engines
from neurosim.engines import loihi
from neurosim.engines.brian2 import Brian2Engine, cuda
from neurosim.errors import InputError
from neurosim.formats import nir
from neurosim.formats.nir.network import to_nir
from neurosim.network import Network
from neurosim.recording import Recording
from neurosim.verify import compare
from neurosim.verify.float_rungs import in_float32
from tests import nets
from tests.engines import fake_samna

ALL = ("spikes", "v_mem", "i_syn")


@dataclass(frozen=True)
class Subject:
    """An engine with a model that it runs."""

    engine: engines.Engine
    model: object
    states: type
    """Type of membranes and currents."""
    reads_currents: bool = False
    """Whether a raster may hold any finite numbers, not only counts."""

    @property
    def raster(self) -> np.ndarray:
        shape = (4, 8, self.model.channels)
        return np.random.default_rng(7).poisson(0.8, shape).astype(np.uint8)

    def run(self, raster: np.ndarray | None = None, **options) -> Recording:
        raster = self.raster if raster is None else raster
        return self.engine.run(self.model, raster, **{"record": ALL, **options})


def spec(synapses: int, chip: str | None = None):
    rng = np.random.default_rng(2)
    changes = {}
    if synapses == 2:
        changes = {
            "weights_in": rng.integers(-40, 90, (4, 8, 2)),
            "weights_rec": rng.integers(-50, 50, (12, 12, 2)),
            "dash_syn_2": rng.integers(1, 6, 12),
        }
    return nets.spec(rng, **changes, layers=(8, 4), chip=chip)


def network(synapses: int = 1, recurrent: bool = True) -> Network:
    return nets.dyadic(np.random.default_rng(3), 4, synapses=synapses, recurrent=recurrent)


def loihi_net() -> loihi.LoihiNet:
    layers = [replace(layer, bias=np.zeros(layer.n_out)) for layer in network(1, False).layers]
    return loihi.from_network(Network(tuple(layers), 1e-3))


def graph():
    return nir.from_nir(to_nir(network()))


def named(name: str, model: Callable[[], object], states: type, **options):
    return lambda: Subject(engines.get(name), model(), states, **options)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "board-imu": named("board", lambda: spec(1, "xylo-imu"), np.int16),
    "board-audio-3": named("board", lambda: spec(2, "xylo-audio-3"), np.int16),
    "brian2-spec": named("brian2", lambda: spec(1), np.int16),
    "brian2-spec-two": named("brian2", lambda: spec(2), np.int16),
    "brian2-spec-numpy": lambda: Subject(Brian2Engine(target="numpy"), spec(2), np.int16),
    "brian2-cuda": named("brian2-cuda", lambda: spec(2), np.int16),
    "brian2-network": named("brian2", network, np.float64),
    "brian2-network-two": named("brian2", lambda: network(2), np.float64),
    "liftorch": named("liftorch", network, np.float32),
    "liftorch-two": named("liftorch", lambda: network(2), np.float32),
    "loihi": named("loihi", loihi_net, np.int32),
    "nir": named("nir", graph, np.float64, reads_currents=True),
    "nir-numpy": named("nir-numpy", graph, np.float64, reads_currents=True),
    "torch": named("torch", network, np.float64),
    "torch-two": named("torch", lambda: network(2), np.float64),
    "torch-float32": named("torch", lambda: in_float32(network()), np.float32),
    "xylosim": named("xylosim", lambda: spec(1), np.int16),
    "xylosim-two": named("xylosim", lambda: spec(2), np.int16),
}


SLOW = {"brian2-spec-numpy", "brian2-cuda"}
"""Plain Brian2 objects write code for each run, and compile it for a GPU."""


@pytest.fixture(
    params=[pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in SUBJECTS]
)
def subject(request, monkeypatch) -> Subject:
    made = SUBJECTS[request.param]()
    if made.engine.name == "brian2-cuda" and cuda.needed():
        pytest.skip(cuda.needed())
    if made.engine.name == "board":
        kit = {"xylo-imu": "XyloImuTestBoard", "xylo-audio-3": "XyloAudio3TestBoard"}
        monkeypatch.setitem(sys.modules, "samna", fake_samna.build(kit[made.model.chip]))
    return made


def assert_same(one: Recording, other: Recording, samples: object = slice(None)) -> None:
    """Equal values and types in all variables that `one` holds; `other` may have more samples."""
    for name in (*ALL, "i_syn_2"):
        arrays, others = getattr(one, name), getattr(other, name)
        for a, b in zip(arrays or (), others if arrays else (), strict=True):
            assert a.dtype == b.dtype, name
            np.testing.assert_array_equal(a, b[samples], err_msg=name)


def test_every_engine_is_here() -> None:
    assert {make().engine.name for make in SUBJECTS.values()} == set(engines.names())


def test_shapes_types_and_populations(subject) -> None:
    model, run = subject.model, subject.run()
    assert run.populations == model.populations
    assert run.dt == model.dt
    samples, steps, _ = subject.raster.shape
    two = model.synapses == 2
    assert (run.i_syn_2 is not None) == two
    for name in (*ALL, *(["i_syn_2"] if two else [])):
        arrays = getattr(run, name)
        assert len(arrays) == len(model.populations)
        for array, spikes in zip(arrays, run.spikes, strict=True):
            assert array.shape == (samples, steps + model.lag, spikes.shape[2])
            assert array.flags.c_contiguous
    for spikes in run.spikes:
        assert spikes.dtype.kind == "u"
        assert spikes.any()
    for name in ("v_mem", "i_syn"):
        assert all(array.dtype == subject.states for array in getattr(run, name))
        assert any(array.any() for array in getattr(run, name))
    if two:
        assert run.i_syn_2[0].dtype == subject.states
        assert run.i_syn_2[0].any()


def test_two_runs_are_equal_and_a_seed_changes_nothing(subject) -> None:
    first = subject.run(seed=1)
    assert_same(first, subject.run(seed=1))
    assert_same(first, subject.run(seed=2))
    assert first.provenance == subject.run(seed=1).provenance


def test_provenance_is_json_and_names_engine_model_and_seed(subject) -> None:
    provenance = subject.run(seed=5).provenance
    assert json.loads(json.dumps(dict(provenance))) == dict(provenance)
    assert provenance["engine"] == subject.engine.name
    assert provenance["model"] == subject.model.digest()
    assert provenance["seed"] == 5
    assert subject.run().provenance["seed"] is None


def test_a_recording_survives_its_file(subject, tmp_path) -> None:
    run = subject.run()
    back = Recording.load(run.save(tmp_path / "run.nc"))
    assert compare(back, run).exact
    assert back.provenance == run.provenance
    assert_same(run, back)


@pytest.mark.parametrize(
    "record", [(), ("spikes",), ("v_mem",), ("i_syn",), ("i_syn", "spikes"), ["v_mem"], "i_syn"]
)
def test_what_is_recorded_is_what_was_requested(subject, record) -> None:
    part = subject.run(record=record)
    assert part.spikes is not None
    assert (part.v_mem is not None) == ("v_mem" in record)
    assert (part.i_syn is not None) == ("i_syn" in record)
    assert (part.i_syn_2 is not None) == ("i_syn" in record and subject.model.synapses == 2)
    assert_same(part, subject.run())


@pytest.mark.parametrize("record", [("vmem",), ("spikes", "V"), "volts", None, 3, [("v_mem",)]])
def test_unknown_names_are_refused(subject, record) -> None:
    with pytest.raises(InputError, match="record"):
        subject.run(record=record)


def test_other_models_are_refused(subject) -> None:
    models = [spec(1), network(), loihi_net(), graph(), None, {}, 5, "net"]
    others = [model for model in models if not isinstance(model, subject.engine.models)]
    assert len(others) >= 6
    for model in others:
        message = f"engine {subject.engine.name} runs a .*, got {type(model).__name__}"
        with pytest.raises(InputError, match=message):
            subject.engine.run(model, subject.raster)


@pytest.mark.parametrize("record", [("spikes",), ALL])
def test_a_net_that_blows_up_is_refused(subject, record) -> None:
    """Beyond the largest float a membrane stays infinite, and its spikes mean nothing."""
    if not isinstance(subject.model, Network | nir.Graph):
        pytest.skip("holds integers, which do not overflow: they saturate")
    first, *others = network().layers
    weight = np.full_like(first.weight, np.finfo(subject.states).max / 50)
    model = Network((replace(first, weight=weight), *others), 1e-3)
    if isinstance(subject.model, nir.Graph):
        model = nir.from_nir(to_nir(model))
    elif subject.model.layers[0].weight.dtype == np.float32:
        model = in_float32(model)
    events = np.zeros((3, 8, subject.model.channels), np.uint8)
    events[2] = 200
    with pytest.raises(InputError, match=r"no longer finite|holds inf"):
        subject.engine.run(model, events, record=record)
    subject.engine.run(model, events[:2], record=record)


REFUSED: dict[str, Callable[[int], object]] = {
    "one channel more": lambda n: np.zeros((2, 5, n + 1), int),
    "one channel less": lambda n: np.zeros((2, 5, n - 1), int),
    "no samples": lambda n: np.zeros((0, 5, n), int),
    "no steps": lambda n: np.zeros((2, 0, n), int),
    "no channels": lambda n: np.zeros((2, 5, 0), int),
    "two axes": lambda n: np.zeros((5, n), int),
    "one axis": lambda n: np.zeros(n, int),
    "no axis": lambda n: 5,
    "ragged": lambda n: [[[1] * n, [1] * (n - 1)]],
    "text": lambda n: np.full((1, 5, n), "a"),
    "objects": lambda n: np.full((1, 5, n), None),
    "nothing": lambda n: None,
    "nan": lambda n: np.full((1, 5, n), np.nan),
    "infinite": lambda n: np.full((1, 5, n), np.inf),
    "complex": lambda n: np.full((1, 5, n), 1j),
}
NO_COUNTS: dict[str, Callable[[int], object]] = {
    "whole floats": lambda n: np.ones((1, 5, n)),
    "fractions": lambda n: np.full((1, 5, n), 0.5),
    "negative": lambda n: np.full((1, 5, n), -1),
    "beyond a byte": lambda n: np.full((1, 5, n), 256),
}


@pytest.mark.parametrize("name", [*REFUSED, *NO_COUNTS])
def test_rasters_that_do_not_fit_are_refused_in_one_line(subject, name) -> None:
    raster = {**REFUSED, **NO_COUNTS}[name](subject.model.channels)
    if name in NO_COUNTS and subject.reads_currents:
        assert subject.run(raster).samples == 1
        return
    with pytest.raises(InputError, match="raster") as caught:
        subject.engine.run(subject.model, raster)
    assert "\n" not in str(caught.value)


def layouts(raster: np.ndarray) -> dict[str, object]:
    """The same events as other people may hold them."""
    wide = np.zeros((2 * len(raster), raster.shape[1], 3 * raster.shape[2]), np.uint8)
    wide[::2, :, ::3] = raster
    locked = raster.copy()
    locked.flags.writeable = False
    return {
        "strided": wide[::2, :, ::3],
        "reversed": np.ascontiguousarray(raster[:, ::-1])[:, ::-1],
        "transposed": np.asfortranarray(raster),
        "read-only": locked,
        "int64": raster.astype(np.int64),
        "big-endian": raster.astype(">i4"),
        "list": raster.tolist(),
    }


@pytest.mark.parametrize("name", layouts(np.zeros((1, 1, 1), np.uint8)))
def test_how_a_raster_lies_in_memory_does_not_matter(subject, name) -> None:
    assert_same(subject.run(), subject.run(layouts(subject.raster)[name]))


def test_a_raster_is_not_changed(subject) -> None:
    raster = subject.raster
    raster[0, 0, 0] = 17  # the chip reads 15
    before = raster.copy()
    subject.run(raster)
    np.testing.assert_array_equal(raster, before)


def test_truth_values_are_counts(subject) -> None:
    ones = subject.raster > 0
    assert_same(subject.run(ones), subject.run(ones.astype(np.uint8)))


@pytest.mark.parametrize("sample", [0, 3])
def test_a_sample_alone_is_what_it_is_in_a_batch(subject, sample) -> None:
    alone = subject.run(subject.raster[sample : sample + 1])
    assert_same(alone, subject.run(), slice(sample, sample + 1))


def test_samples_may_come_in_any_order(subject) -> None:
    assert_same(subject.run(subject.raster[::-1]), subject.run(), slice(None, None, -1))


@pytest.fixture
def eager_threads():
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_threads_run_other_rasters_as_one_after_another(subject, eager_threads) -> None:
    rasters = [subject.raster, subject.raster[::-1, ::-1] + 1]
    alone = [subject.run(raster) for raster in rasters]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(subject.run, rasters * 4))
    for run, expected in zip(runs, alone * 4, strict=True):
        assert_same(run, expected)


def test_silence_is_run(subject) -> None:
    run = subject.run(np.zeros((1, 3, subject.model.channels), int))
    assert run.steps == 3 + subject.model.lag


def test_engines_are_found_by_name() -> None:
    assert engines.get("torch") is engines.get("torch")
    for name in ("tensorflow", "", None, 3):
        with pytest.raises(InputError, match="is not known; choose one of board, brian2"):
            engines.get(name)
