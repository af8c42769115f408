"""Run a Plan as a program of Brian2's standalone devices, built once and kept.

A program is bound to its sizes; parameters, inputs, weights and the seed are given to it when it
starts, and a warm run does not import Brian2.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.engines.brian2 import cache, cuda
from neurosim.engines.brian2.objects import build, states_of, unit_of
from neurosim.engines.brian2.simulation import Simulation
from neurosim.errors import UnavailableError

if TYPE_CHECKING:
    from neurosim.engines.brian2.plan import Plan

TARGETS = ("cpp_standalone", "cuda_standalone")

_SEEDED = """
{
    const char *_seed = std::getenv("NEUROSIM_SEED");
    const unsigned long _first = _seed ? std::strtoul(_seed, nullptr, 10) : 0;
    for (size_t _k = 0; _k < brian::_random_generators.size(); _k++)
        brian::_random_generators[_k].seed(_first + _k);
}
"""


def run(plan: Plan, target: str, threads: int, report: Callable[[int], None]) -> Simulation:
    """Run a Plan with Brian2's C++ standalone device, OpenMP from two threads on, or with CUDA.

    Raises:
        InputError: a variable is no longer finite.
        UnavailableError: a compiler or brian2cuda is missing, or the program fails.
    """
    sizes = repr((plan.n, plan.steps, plan.dt, plan.per_neuron, plan.record, threads))
    shapes = repr(
        (
            [(name, course.shape) for name, course in plan.courses.items()],
            [(name, train.weights.shape) for name, train in plan.trains.items()],
            hashlib.sha256(plan.watched.tobytes()).hexdigest(),
        )
    )
    tools = cuda.key() if target == "cuda_standalone" else ""
    name = cache.key(target, plan.model.digest(), sizes, shapes, tools)
    project = cache.project(name, lambda folder: _build(plan, target, threads, folder))
    report(plan.steps)
    with tempfile.TemporaryDirectory(prefix="neurosim-") as place:
        return _run_program(plan, project, Path(place))


@contextmanager
def sandbox_of(target: str, as_written: bool, threads: int = 1) -> Iterator[Any]:
    """Enter a sandbox on a standalone device, which builds with our flags; yield the device.

    Raises:
        UnavailableError: a compiler, brian2cuda or a card is missing.
    """
    from neurosim.equations.sandbox import load, sandbox

    brian2 = load()
    device = _device(target)
    with sandbox(device, as_written=as_written):
        brian2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
        flags = [flag for flag in cache.FLAGS if flag not in ("-shared", "-std=c++17")]
        brian2.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-std=c++11", *flags]
        if target == "cuda_standalone":
            cuda.prefer(brian2.prefs, device.capability)
        yield device


def _device(target: str) -> Any:
    if target == "cuda_standalone":
        return cuda.device()
    if cache.compiler() is None:
        raise UnavailableError("no C++ compiler found (CXX, g++, clang++); use target 'numpy'")
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    return CPPStandaloneDevice()


def build_and_run(device: Any, folder: Path) -> None:
    """Build the program of what a device was told to run, and run it.

    Raises:
        UnavailableError: it cannot be built, or ends with an error.
    """
    with _building():
        device.build(directory=str(folder), compile=True, run=True, with_output=False)


@contextmanager
def _building() -> Iterator[None]:
    """Make one line of what ends a build.

    Raises:
        UnavailableError: it cannot be built, or the program ends with an error.
    """
    if shutil.which("make") is None:
        raise UnavailableError("no make found, which builds programs; install it, or use 'numpy'")
    try:
        yield
    except RuntimeError as error:
        compiler = cache.compiler()
        raise UnavailableError(
            f"Brian2's program failed ({error}); look whether {compiler} works, or use 'numpy'"
        ) from error


def _build(plan: Plan, target: str, threads: int, folder: Path) -> None:
    """Write and build the program of a Plan in a folder, with what there is to know of it."""
    from neurosim.equations.sandbox import load

    brian2 = load()
    with sandbox_of(target, plan.model.is_map, threads) as device:

        def take_arguments() -> None:
            device.insert_code("main", cuda.SEEDED if target == "cuda_standalone" else _SEEDED)
            device.apply_run_args()

        objects = build(plan, take_arguments, shared=False)
        objects.network().run(plan.steps * plan.dt * brian2.second, namespace={})
        with _building():
            device.build(directory=str(folder), compile=True, run=False, with_output=False)
        manifest = _manifest(plan, objects, device)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for ending in ("o", "cpp", "cu", "h"):
        for file in folder.rglob(f"*.{ending}"):
            file.unlink()


def _manifest(plan: Plan, objects: Any, device: Any) -> dict[str, Any]:
    """Return the files that the program writes, and the units of traces."""

    def file(owner: Any, name: str) -> str:
        path: str = device.get_array_filename(owner.variables[name])
        return path

    members = objects.neurons
    from neurosim.equations.groups import quantity

    return {
        "i": file(objects.spikes, "i"),
        "t": file(objects.spikes, "t"),
        "states": {name: file(members, name) for name in states_of(members)},
        "traces": {name: file(objects.traces, name) for name in plan.record},
        "units": {name: unit_of(members.variables[name]) for name in plan.record},
        "types": {name: members.variables[name].dtype.__name__ for name in plan.record},
        "scales": {n: float(quantity(1.0, p.unit)) for n, p in plan.model.parameters.items()},
        "shared": [name for name in plan.model.initial if members.variables[name].scalar],
        "given": {
            f"{owner.name}.{name}": variable.dtype.__name__
            for owner in (members, *objects.inputs)
            for name, variable in owner.variables.items()
            if name in plan.values or name == "w"
        },
    }


def _run_program(plan: Plan, project: Path, place: Path) -> Simulation:
    """Start the program with the Plan's values and read what it wrote."""
    manifest = json.loads((project / "manifest.json").read_text())
    results = place / "results"
    results.mkdir()
    arguments = ["--results_dir", "results/", *_arguments(plan, manifest, place)]
    (place / "static_arrays").symlink_to(project / "static_arrays")
    done = subprocess.run(
        [str(project / "main"), *arguments],
        cwd=place,
        env={**os.environ, "NEUROSIM_SEED": str(plan.seed)},
        capture_output=True,
        text=True,
    )
    if done.returncode or "Error reading" in done.stderr:  # which alone does not end it
        raise UnavailableError(
            f"the program in {project} ended with {done.returncode}: {done.stderr.strip()[:200]}; "
            "clear the cache with `neurosim doctor --clear-cache`"
        )
    name_of = {key: results / Path(manifest[key]).name for key in ("i", "t")}
    steps = np.round(np.fromfile(name_of["t"]) / plan.dt).astype(np.int64)
    neurons = np.fromfile(name_of["i"], dtype=np.int32).astype(np.int64)
    traces = {
        name: np.fromfile(results / Path(file).name, dtype=manifest["types"][name])
        .reshape(plan.steps, len(plan.watched))
        .astype(float)
        for name, file in manifest["traces"].items()
    }
    states = {
        name: np.fromfile(results / Path(file).name) for name, file in manifest["states"].items()
    }
    plan.refuse_infinite({**states, **traces})
    units = manifest["units"]
    return Simulation(plan.n, plan.steps, plan.dt, steps, neurons, traces, units, plan.watched)


def _arguments(plan: Plan, manifest: dict[str, Any], place: Path) -> list[str]:
    """Return the values of a Plan as arguments of the program; arrays go through files."""
    arguments: list[str] = []
    scales, types = manifest["scales"], manifest["given"]

    def add(name: str, values: np.ndarray) -> None:
        # brian2cuda's programs read names in lower case, and take a leading digit for a number.
        path = place / f"values{len(arguments)}.bin"
        np.ascontiguousarray(values, dtype=types.get(name, "float64")).tofile(path)
        arguments.append(f"{name}={path.name}")

    for name, value in plan.values.items():
        if name in plan.per_neuron:
            add(f"neurons.{name}", np.broadcast_to(value * scales[name], plan.n))
        else:
            arguments.append(f"neurons.{name}={float(value) * scales[name]!r}")
    for name, course in plan.courses.items():
        add(f"course_{name}.values", course * scales[name])
    for event, train in plan.trains.items():
        add(f"counts_{event}.values", train.counts)
        add(f"synapses_{event}.w", train.weights)
    from neurosim.equations.groups import DRAWS

    rng = np.random.default_rng(plan.seed)
    for name in manifest["shared"]:
        arguments.append(f"neurons.{name}={DRAWS[plan.model.initial[name]](rng)!r}")
    return arguments
