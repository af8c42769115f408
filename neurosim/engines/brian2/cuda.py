"""All that brian2cuda needs to run here, mended in memory: no file of its package is touched.

What is mended, and the release for which it is needed, stands in `MENDS` and at each method of the
device below. Beside them: spikes are handled in ascending order of their neurons, and sums over
synapses have one order, so that a run can be repeated to the bit; a GPU multiplies and adds in two
roundings, as a processor does here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from neurosim.errors import UnavailableError

RELEASE = "1.0b1"
"""The release of brian2cuda for which the mends below are needed."""

FLAGS = ("-std=c++17", "-w", "-O3", "-fmad=false", "-Xcompiler", "-w,-O3,-ffp-contract=off")
"""For nvcc; C++17 is what CUDA 13 asks for, where brian2cuda's makefile says C++11."""

SEEDED = """
{
    const char *_seed = std::getenv("NEUROSIM_SEED");
    random_number_buffer.set_seed(_seed ? std::strtoull(_seed, nullptr, 10) : 0ULL);
}
"""
"""Takes the seed from the environment; brian2cuda has no `_random_generators`, as Brian2 has."""


@dataclass(frozen=True)
class Mend:
    """A text of one of brian2cuda's templates, and what stands in its place."""

    template: str
    old: str
    new: str
    reason: str


_ORDER = """{% block extra_kernel_definitions %}
__global__ void
_order_{{codeobj_name}}(int32_t* eventspace, int32_t n)
{
    // One block of 1024 threads moves the spikes of 1024 neurons at a time to the front.
    __shared__ int32_t counts[32];
    const int32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int32_t filled = 0;
    for (int32_t start = 0; start < n; start += 1024)
    {
        const int32_t neuron = start + threadIdx.x;
        const bool spiked = neuron < n && eventspace[neuron] != -1;
        const unsigned int together = __ballot_sync(0xffffffff, spiked);
        if (lane == 0)
            counts[warp] = __popc(together);
        __syncthreads();
        int32_t before = filled, all = 0;
        for (int32_t k = 0; k < 32; k++)
        {
            before += k < warp ? counts[k] : 0;
            all += counts[k];
        }
        if (neuron < n)
            eventspace[neuron] = -1;
        __syncthreads();
        if (spiked)
            eventspace[before + __popc(together & ((1u << lane) - 1))] = neuron;
        filled += all;
        __syncthreads();
    }
    if (threadIdx.x == 0)
        eventspace[n] = filled;
}
"""

_CALL_ORDER = """
{% block extra_kernel_call_post %}
    _order_{{codeobj_name}}<<<1, 1024>>>(
            dev{{_eventspace_name}}[current_idx{{_eventspace_name}}], _N);

    CUDA_CHECK_ERROR("_order_{{codeobj_name}}");
{% endblock extra_kernel_call_post %}

{% block extra_kernel_call %}"""

MENDS = (
    Mend(
        "synapses.cu",
        "defaultclock.timestep[0]",
        "{{owner.clock.name}}.timestep[0]",
        "synapses ask the default clock for the time, which need not be in the network",
    ),
    Mend(
        "threshold.cu",
        """        int32_t spike_index = atomicAdd(&{{_eventspace}}[_N], 1);
        {{_eventspace}}[spike_index] = _idx;
""",
        "        {{_eventspace}}[_idx] = _idx;\n",
        "neurons race for their place among the spikes: each has its own, and is moved up later",
    ),
    Mend(
        "threshold.cu",
        "{% block extra_kernel_definitions %}",
        _ORDER,
        "sums of floats and saturating sums depend on the order of the spikes: ascending neurons",
    ),
    Mend(
        "threshold.cu",
        "\n{% block extra_kernel_call %}",
        _CALL_ORDER,
        "spikes are ordered after each threshold",
    ),
)
"""In the templates of brian2cuda 1.0b1."""


# --- what the machine has -------------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """A GPU of NVIDIA."""

    name: str
    capability: str
    """Compute capability, like "9.0"."""
    driver: str


@dataclass(frozen=True)
class Toolkit:
    """What compiles and links a program for a GPU."""

    nvcc: Path
    includes: tuple[Path, ...]
    """Folders with headers that nvcc does not find by itself: cuRAND's own, from a wheel."""
    curand: Path
    """The library itself."""

    @property
    def version(self) -> str:
        """What nvcc says of itself: release and build."""
        return _version(self.nvcc)


@lru_cache
def _version(nvcc: Path) -> str:
    done = subprocess.run([str(nvcc), "--version"], capture_output=True, text=True)
    return " ".join(done.stdout.split("\n")[-3:]).strip()


@lru_cache
def card() -> Card | None:
    """Return the first GPU that NVIDIA's driver lists, or None."""
    if shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True)
    fields = [field.strip() for field in done.stdout.split("\n")[0].split(",")]
    return Card(*fields) if done.returncode == 0 and len(fields) == 3 else None


@lru_cache
def toolkit() -> Toolkit | None:
    """Return nvcc and cuRAND, of an installed CUDA or of NVIDIA's Python packages; None without.

    CUDA is looked for at CUDA_PATH, CUDA_HOME, around the nvcc on PATH, in /usr/local/cuda and in
    the package nvidia-cuda-nvcc; cuRAND beside it and in the package nvidia-curand.
    """
    packages = [Path(entry or ".") / "nvidia" / "cu13" for entry in sys.path]
    named = [Path(os.environ[name]) for name in ("CUDA_PATH", "CUDA_HOME") if os.environ.get(name)]
    on_path = [Path(path).resolve().parents[1] for path in [shutil.which("nvcc")] if path]
    roots = [*named, *on_path, Path("/usr/local/cuda"), Path("/opt/cuda"), *packages]
    root = next((r for r in roots if (r / "bin/nvcc").exists() and _has(r, "cuda_runtime.h")), None)
    if root is None:
        return None
    for place in (root, *packages):
        library = next((f for name in ("lib", "lib64") for f in _curand(place / name)), None)
        if library and _has(place, "curand.h"):
            includes = () if place == root else (place / "include",)
            return Toolkit(root / "bin/nvcc", includes, library)
    return None


def _has(root: Path, header: str) -> bool:
    return (root / "include" / header).exists()


def _curand(folder: Path) -> list[Path]:
    return sorted(folder.glob("libcurand.so*"))


def release() -> str:
    """Return the version of the installed brian2cuda; empty without one."""
    try:
        return version("brian2cuda")
    except PackageNotFoundError:
        return ""


def needed() -> str:
    """Return what this machine lacks to run on a GPU, and how to get it; empty if nothing."""
    if not release():
        return "brian2cuda is not installed (it needs Python 3.12 and Brian2 2.10)"
    if toolkit() is None:
        return "nvcc or cuRAND is missing: install CUDA, or pip install nvidia-curand beside nvcc"
    if card() is None:
        return "nvidia-smi lists no GPU: it needs a card of NVIDIA and its driver"
    return ""


def check() -> None:
    """Refuse to go on where something is missing.

    Raises:
        UnavailableError: it says what, and how to get it.
    """
    if reason := needed():
        raise UnavailableError(f"target 'cuda_standalone': {reason}; or use the target 'library'")


def key() -> str:
    """Return what a built program depends on, beside its sources."""
    tools, there = toolkit(), card()
    return repr((release(), tools and tools.version, there and there.capability, FLAGS))


# --- the device -----------------------------------------------------------------------------------


def device(capability: str | None = None) -> Any:
    """Return brian2cuda's device, mended; it builds for the first card.

    Args:
        capability: build for that compute capability instead; no card is needed then.

    Raises:
        UnavailableError: brian2cuda, CUDA or a card is missing.
    """
    if capability is None:
        check()
        there = card()
        capability = there.capability if there else ""
    tools = toolkit()
    if tools is None:
        raise UnavailableError(f"target 'cuda_standalone': {needed()}")
    try:
        return _device_class()(tools, capability)
    except ImportError as error:
        raise UnavailableError(
            f"brian2cuda cannot be imported ({error}); it needs Python 3.12, Brian2 2.10 and "
            "setuptools; or use the target 'library'"
        ) from error


def prefer(preferences: Any, capability: str) -> None:
    """Set brian2cuda's preferences within a sandbox."""
    cuda = preferences.devices.cuda_standalone
    cuda.use_atomics = False  # sums in the order of threads: another one each time
    cuda.cuda_backend.detect_gpus = False
    cuda.cuda_backend.gpu_id = 0
    cuda.cuda_backend.compute_capability = float(capability)


@lru_cache
def _device_class() -> type[Any]:
    import setuptools  # noqa: F401 (brings distutils, which brian2cuda 1.0b1 imports)
    from brian2cuda.codeobject import CUDAStandaloneCodeObject
    from brian2cuda.device import CUDAStandaloneDevice
    from brian2cuda.utils import gputools

    class CodeObject(CUDAStandaloneCodeObject):
        templater = mended_templates()
        __module__ = CUDAStandaloneCodeObject.__module__  # files beside that one are copied

    class Device(CUDAStandaloneDevice):
        """brian2cuda 1.0b1's device with mended templates, compiled without a makefile."""

        def __init__(self, tools: Toolkit, capability: str) -> None:
            super().__init__()
            self.tools = tools
            self.capability = capability
            gputools.reset_gpu_selection()  # it remembers the first one for the process

        def code_object_class(self, codeobj_class: Any = None, fallback_pref: Any = None) -> Any:
            return codeobj_class or CodeObject

        def generate_makefile(self, writer: Any, *_: Any) -> None:
            """Keep the names of the sources; the makefile's C++11 is too old for CUDA 13."""
            self.sources = sorted(writer.source_files)

        def compile_source(self, directory: str, *_: Any) -> None:
            compile_program(self.tools, self.capability, self.sources, Path(directory))

    return Device


def mended_templates() -> Any:
    """Return brian2cuda's templates, with the texts of `MENDS` replaced.

    Raises:
        UnavailableError: a text is not there: another release than the one that is mended.
    """
    import jinja2
    from brian2.codegen.templates import Templater
    from brian2cuda.codeobject import CUDAStandaloneCodeObject

    theirs = CUDAStandaloneCodeObject.templater
    ours = Templater("brian2cuda", ".cu", env_globals=theirs.env_globals)
    original = ours.env.loader

    def source(name: str) -> str:
        text: str = original.get_source(ours.env, name)[0]
        for mend in MENDS:
            if mend.template == name:
                if mend.old not in text:
                    raise UnavailableError(
                        f"brian2cuda {release()}: {name} is not that of {RELEASE}, for which "
                        "neurosim mends it; install that release, or use the target 'library'"
                    )
                text = text.replace(mend.old, mend.new)
        return text

    ours.env.loader = jinja2.FunctionLoader(source)
    return ours


def compile_program(tools: Toolkit, capability: str, sources: list[str], folder: Path) -> None:
    """Compile the sources of a program and link them to `folder/main`.

    Raises:
        UnavailableError: nvcc fails.
    """
    machine = f"-arch=sm_{capability.replace('.', '')}"
    includes = [f"-I{place}" for place in (".", *tools.includes)]

    def nvcc(*arguments: str) -> None:
        command = [str(tools.nvcc), machine, *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            lines = (done.stdout + done.stderr).splitlines()
            reason = next((line for line in lines if "error" in line), " ".join(lines[-3:]))
            raise UnavailableError(f"nvcc failed: {reason.strip()[:300]}")

    def compiled(source: str) -> str:
        made = str(Path(source).with_suffix(".o"))
        nvcc(*FLAGS, *includes, "-dc", source, "-o", made)
        return made

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        objects = list(pool.map(compiled, _joined(sources, folder)))
    # The wheel's library has no name that -lcurand finds; its nvcc looks for its own in lib64.
    words = (str(tools.curand), f"-rpath={tools.curand.parent}")
    linked = [argument for word in words for argument in ("-Xlinker", word)]
    nvcc("-w", f"-L{tools.nvcc.parents[1] / 'lib'}", *objects, *linked, "-o", "main")


def _joined(sources: list[str], folder: Path) -> list[str]:
    """Write one file that holds most of the sources, and return it and the others.

    Nearly all time goes into the headers of Thrust and cuRAND: 20 files take ten times as long as
    one. What each of them keeps in a namespace without a name gets one of its own.
    """
    alone = [name for name in sources if Path(name).name.startswith("before_run_")]
    # rand.cu opens the namespace brian for all that follows.
    together = sorted(set(sources) - set(alone), key=lambda name: (name == "rand.cu", name))
    texts = []
    for number, name in enumerate(together):
        own = f"own_{number}"
        text = (folder / name).read_text()
        text = text.replace("namespace {", f"namespace {own} {{")
        using = "using namespace brian;"
        text = text.replace(using, f"{using} using namespace {own};")
        macros = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", text, re.MULTILINE)
        ends = "".join(f"#undef {macro}\n" for macro in dict.fromkeys(macros))
        texts.append(f"namespace {own} {{}}\n{text}\n{ends}")
    (folder / "program.cu").write_text("\n".join(texts))
    return ["program.cu", *alone]
