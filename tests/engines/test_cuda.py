"""brian2cuda: its mends are needed, its programs compile, a card gives what a processor does."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from neurosim import engines, equations
from neurosim.engines.brian2 import Spikes, cuda, graphs, homeostasis, simulate, standalone
from neurosim.engines.brian2.plan import make_plan
from neurosim.errors import InputError, UnavailableError
from neurosim.verify import verify
from tests import nets

installed = pytest.mark.skipif(
    not cuda.release(), reason="brian2cuda is not installed: it needs Python 3.12 and Brian2 2.10"
)
compiling = pytest.mark.skipif(
    not cuda.release() or cuda.toolkit() is None, reason="brian2cuda, nvcc or cuRAND is missing"
)
on_a_card = pytest.mark.skipif(bool(cuda.needed()), reason=cuda.needed())

COUNTS = np.random.default_rng(0).integers(0, 4, (60, 2))
WEIGHTS = np.array([[20, 60, -10], [9, -7, 40]])
XYLO = {
    "n": 3, "duration": 0.06, "dt": 1e-3, "record": ("v_mem",), "seed": 1,
    "parameters": {"dash_mem": 3, "dash_syn": 2, "threshold": [50, 90, 200]},
    "inputs": {"receive": Spikes(COUNTS, WEIGHTS)},
}  # fmt: skip


def integer_net():
    """Return a specification and a raster that drives it."""
    rng = np.random.default_rng(1)
    return nets.spec(rng), nets.events(rng, (3, 40, 4))


# --- what is missing ------------------------------------------------------------------------------


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(cuda, "release", lambda: "")
    with pytest.raises(UnavailableError, match=r"brian2cuda is not installed.*'library'"):
        simulate("lif", duration=0.01, target="cuda_standalone")
    monkeypatch.setattr(cuda, "release", lambda: cuda.RELEASE)
    monkeypatch.setattr(cuda, "toolkit", lambda: None)
    assert "pip install nvidia-curand" in cuda.needed()
    monkeypatch.setattr(cuda, "toolkit", lambda: cuda.Toolkit("nvcc", (), "libcurand.so"))
    monkeypatch.setattr(cuda, "card", lambda: None)
    with pytest.raises(UnavailableError, match="nvidia-smi lists no GPU"):
        engines.get("brian2-cuda").run(*integer_net())


def test_curand_is_found_in_its_package(monkeypatch, tmp_path):
    root, package = tmp_path / "cuda", tmp_path / "site/nvidia/cu13"
    for path in (
        root / "bin/nvcc",
        root / "include/cuda_runtime.h",
        package / "include/curand.h",
        package / "lib/libcurand.so.10",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setenv("CUDA_PATH", str(root))
    monkeypatch.syspath_prepend(tmp_path / "site")
    tools = cuda.toolkit.__wrapped__()
    assert tools.nvcc == root / "bin/nvcc"
    assert tools.includes == (package / "include",)
    assert tools.curand == package / "lib/libcurand.so.10"


def test_an_error_of_the_compiler_is_one_line(tmp_path):
    compiler = tmp_path / "nvcc"
    compiler.write_text("#!/bin/sh\necho 'x.cu(3): error: no such thing' >&2; exit 1\n")
    compiler.chmod(0o755)
    (tmp_path / "main.cu").write_text("int main() {}\n")
    tools = cuda.Toolkit(compiler, (), tmp_path / "libcurand.so")
    with pytest.raises(UnavailableError, match=r"^nvcc failed: x\.cu\(3\): error: no such thing$"):
        cuda.compile_program(tools, "9.0", ["main.cu"], tmp_path)


def test_engines_take_options():
    assert engines.get("brian2", target="cuda_standalone").target == "cuda_standalone"
    assert engines.get("brian2").target == "auto"
    with pytest.raises(InputError, match="engine 'brian2' has no option 'tagret'; it has target"):
        engines.get("brian2", tagret="numpy")
    with pytest.raises(InputError, match="it has none"):
        engines.get("xylosim", target="numpy")


def test_objects_refuse_a_target_they_do_not_know():
    with pytest.raises(InputError, match="target 'library' is not known; choose from numpy"):
        homeostasis.respond(np.ones((3, 2)), graphs.chain(2), dt=0.1, target="library")


# --- the mends ------------------------------------------------------------------------------------


@installed
def test_every_mend_is_still_needed():
    assert cuda.release() == cuda.RELEASE, "look through neurosim.engines.brian2.cuda"
    files = resources.files("brian2cuda")
    for mend in cuda.MENDS:
        text = (files / "templates" / mend.template).read_text()
        assert text.count(mend.old) == 1, mend
    assert "-std=c++11" in (files / "templates/makefile").read_text()
    device = (files / "device.py").read_text()
    assert "from distutils import ccompiler" in device  # setuptools brings it
    assert "if clock.name=='clock':" in device  # clocks have other names here


@installed
def test_templates_of_another_release_are_refused(monkeypatch):
    other = cuda.Mend("threshold.cu", "no such text", "", "")
    monkeypatch.setattr(cuda, "MENDS", (other,))
    with pytest.raises(UnavailableError, match=r"threshold\.cu is not that of 1\.0b1"):
        cuda.mended_templates().templates.get_template("threshold")


# --- programs -------------------------------------------------------------------------------------


class _BuiltError(Exception):
    pass


@pytest.fixture
def building(monkeypatch):
    """Build for a card that need not be there; stop where a program would run."""
    monkeypatch.setattr(cuda, "device", partial(cuda.device, "9.0"))

    def build(device, folder):
        device.build(directory=str(folder), compile=True, run=False, with_output=False)
        assert (folder / "main").exists()
        raise _BuiltError

    monkeypatch.setattr(standalone, "build_and_run", build)


@pytest.mark.slow
@compiling
@pytest.mark.parametrize(
    "model",
    [
        equations.get("xylo"),
        equations.get("lif-exponential") + equations.get("stochastic-threshold-per-spike"),
        equations.get("hodgkin-huxley") + equations.get("ou-current"),
        equations.get("global-gain"),
    ],
    ids=lambda model: model.name,
)
def test_programs_compile(model, building, tmp_path):
    inputs = XYLO["inputs"] if "receive" in model.events else {}
    plan = make_plan(
        model, n=3, duration=0.06, dt=1e-3, parameters={}, inputs=inputs, record=(), watch=None,
        seed=1,
    )  # fmt: skip
    standalone._build(plan, "cuda_standalone", 1, tmp_path)
    assert (tmp_path / "main").exists()
    assert not list(tmp_path.rglob("*.cu"))


NETWORKS = {
    "units": lambda: homeostasis.respond(
        np.full((5, 3), 0.1), graphs.chain(3), dt=0.1, target="cuda_standalone"
    ),
    "layers": lambda: homeostasis.regulate(
        2, 4, graphs.chain(2), duration=0.05, target="cuda_standalone"
    ),
    "integer net": lambda: engines.get("brian2-cuda").run(*integer_net()),
    "CUBA": lambda: published("CUBA", 400),
    "Brunel": lambda: published("Brunel", 1250),
}


def published(name, n):
    """Run one of the benchmarks' networks."""
    place = Path(__file__).resolve().parents[2] / "benchmarks/gpu"
    if not place.exists():
        pytest.skip("no checkout: benchmarks are not installed")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.syspath_prepend(place)
        import networks

        networks.run(name, n, "cuda_standalone", 0.01, Path(folder))


@pytest.mark.slow
@compiling
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_compile(network, building):
    with pytest.raises(_BuiltError):
        NETWORKS[network]()


# --- on a card ------------------------------------------------------------------------------------


@pytest.mark.gpu
@on_a_card
def test_a_card_gives_the_spikes_of_a_processor():
    here, there = (simulate("xylo", target=t, **XYLO) for t in ("cuda_standalone", "library"))
    assert len(here.spike_steps) > 10
    np.testing.assert_array_equal(here.spike_neurons, there.spike_neurons)
    np.testing.assert_array_equal(here.traces["v_mem"], there.traces["v_mem"])


@pytest.mark.gpu
@on_a_card
def test_a_card_repeats_itself_with_a_seed():
    model = equations.get("lif") + equations.get("stochastic-threshold-per-spike")
    options = {"n": 200, "duration": 0.1, "parameters": {"I": 0.5}, "target": "cuda_standalone"}
    first, again, other = (simulate(model, seed=seed, **options) for seed in (1, 1, 2))
    assert len(first.spike_steps) > 100
    np.testing.assert_array_equal(first.spike_neurons, again.spike_neurons)
    assert not np.array_equal(first.spike_neurons, other.spike_neurons)


@pytest.mark.gpu
@on_a_card
def test_the_integer_net_is_the_same_on_a_card():
    report = verify(*integer_net(), engines=("brian2", "brian2-cuda"))
    assert report.exact
    assert report.verdicts[0].spikes > 10
