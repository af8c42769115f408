"""Circuits against Brian2 written by hand and against NEST: time, memory, start, growth.

python benchmarks/circuits.py --nest PYTHON          # half an hour; PYTHON has nest-simulator
python benchmarks/circuits.py --only brunel --write  # keep the table in benchmarks/circuits.md

All programs of a table run in turn, round after round, each in a process of its own; a ratio is
that of a pair of one round. One thread is compared by CPU time, several by wall time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
from measure import in_fresh_process, peak, ratio, start_of_peak  # noqa: E402
from measure.power_laws import COLUMNS, Growth, fitted  # noqa: E402
from scipy import stats  # noqa: E402

from neurosim import tables  # noqa: E402
from neurosim.circuits import Circuit, library, published  # noqa: E402
from neurosim.circuits.published import potjans_diesmann as cortex  # noqa: E402
from neurosim.provenance import processor  # noqa: E402

HERE = Path(__file__).parent
Spent = tuple[float, float]
"""CPU and wall seconds of a simulation."""


def own_values(circuit: Circuit) -> Circuit:
    """Return a circuit with a weight and a delay for each synapse."""
    circuit.projections = [
        replace(p, weight=stats.norm(p.weight, 0.1 * abs(p.weight)),
                delay=stats.uniform(0.5e-3, 2e-3))
        for p in circuit.projections
    ]  # fmt: skip
    return circuit


NETWORKS: dict[str, Callable[[], Circuit]] = {
    "brunel": lambda: published.brunel(seed=1),
    "brunel-own": lambda: own_values(published.brunel(seed=1)),
    "cuba-4000": lambda: published.cuba(seed=1),
    "cuba-100000": lambda: published.cuba(100_000, seed=1),
    "coba-4000": lambda: published.coba(seed=1),
}
SECONDS = {"brunel": 0.5, "brunel-own": 0.3, "cuba-4000": 2.0, "cuba-100000": 0.5, "coba-4000": 2.0}
"""Of model time."""


# --- one run of the library, in a process of its own ---------------------------------------------


def run_library(network: str, threads: int) -> dict[str, float]:
    """Return what a run costs: seconds of each part, bytes a synapse at the peak, the mean rate."""
    published.brunel(10, psp_mV=1.0, seed=1).run(
        1e-3, threads=threads
    )  # compiled kernels are loaded
    published.cuba(100, seed=1).run(1e-3)
    before = start_of_peak()
    start = time.perf_counter()
    circuit = NETWORKS[network]()
    plan = circuit.plan(SECONDS[network])
    drawn = time.perf_counter()
    with closing(library.Library(plan, threads)) as built:
        circuit.start(built)
        cpu, wall = time.process_time(), time.perf_counter()
        built.advance(plan.steps)
        done = time.process_time() - cpu, time.perf_counter() - wall
        added = peak() - before
        spikes = sum(len(own.spike_steps) for own in built.result().values())
    synapses = sum(len(link.targets) for link in plan.links)
    neurons = sum(node.n for node in plan.nodes)
    return {
        "cpu": done[0], "wall": done[1], "draw": drawn - start, "make": wall - drawn,
        "bytes": 2**20 * added / synapses, "rate": spikes / neurons / SECONDS[network],
    }  # fmt: skip


def write_network(network: str, folder: Path, by_target: bool) -> None:
    """Write a circuit's synapses and initial values as a user hands them to Brian2."""
    circuit = NETWORKS[network]()
    plan = circuit.plan(1e-3)
    starts = np.cumsum([0, *(node.n for node in plan.nodes)])
    given: dict[str, np.ndarray] = {}
    for source, kind in ((0, "e"), (1, "i")):
        own = [link for link in plan.links if link.source == source]
        i = np.concatenate([link.sources for link in own])
        j = np.concatenate([link.targets + starts[link.target] for link in own])
        order = np.argsort(j if by_target else i, kind="stable")
        given |= {f"i_{kind}": (i + starts[source])[order], f"j_{kind}": j[order]}
        if network == "brunel-own":
            given[f"w_{kind}"] = np.concatenate([link.weights for link in own])[order]
            given[f"d_{kind}"] = np.concatenate([link.delays * plan.dt for link in own])[order]
    values = [circuit.initial_values(population) for population in circuit.populations]
    given |= {name: np.concatenate([part[name] for part in values]) for name in values[0]}
    folder.mkdir(parents=True)
    np.savez(folder / "network.npz", **given)


# --- what it is compared with --------------------------------------------------------------------


def program(network: str, folder: Path, by_target: bool, threads: int) -> Callable[[], Spent]:
    """Build Brian2's program of a network; return what runs it."""
    place = folder / f"{network}-{by_target}-{threads}"
    in_fresh_process(write_network, network, place, by_target)
    subprocess.run(_by_hand(network, place, str(threads)), check=True, capture_output=True)
    (place / "network.npz").unlink()
    return lambda: _last_two(["./main"], place / "program")


def runtime(network: str, folder: Path) -> Callable[[], Spent]:
    """Return what runs a network in Brian2's runtime with Cython, its code compiled before."""
    place = folder / f"{network}-runtime"
    in_fresh_process(write_network, network, place, False)
    command = _by_hand(network, place, "cython")
    return lambda: _last_two(command, place)


def _by_hand(network: str, folder: Path, how: str) -> list[str]:
    """Return the command of a network that is written by hand for Brian2."""
    arguments = [str(folder), _name_and_size(network)[0], str(SECONDS[network]), how]
    return [sys.executable, str(HERE / "circuit_programs.py"), *arguments]


def _name_and_size(network: str) -> tuple[str, str]:
    """Return "brunel-own" and "" of "brunel-own", "cuba" and "4000" of "cuba-4000"."""
    name, _, size = network.rpartition("-")
    return (name, size) if size.isdigit() else (network, "")


def nest(python: str, network: str, threads: int) -> Callable[[], Spent]:
    """Return what runs a network in NEST."""
    name, n = _name_and_size(network)
    arguments = [name, n or "12500", str(SECONDS[network]), str(threads)]
    command = [python, str(HERE / "circuit_nest.py"), *arguments]
    return lambda: _last_two(command, HERE, skip=1)


def _last_two(command: list[str], folder: Path, skip: int = 0) -> Spent:
    done = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True)
    words = done.stdout.split()
    words = words[: len(words) - skip]
    return float(words[-2]), float(words[-1])


def ours(network: str, threads: int, notes: list[dict[str, float]]) -> Callable[[], Spent]:
    """Return what runs a network in the library, and keeps all that it measured."""

    def run() -> Spent:
        measured = in_fresh_process(run_library, network, threads)
        notes.append(measured)
        return measured["cpu"], measured["wall"]

    return run


def compare(
    network: str, rounds: int, threads: int, python: str | None, folder: Path
) -> Iterator[str]:
    """Yield the table of a network on one thread, by CPU time, or on several, by wall time."""
    notes: list[dict[str, float]] = []
    rivals: dict[str, Callable[[], Spent]] = {}
    if network == "brunel" and threads == 1:
        rivals["Brian2, arrays in the order of targets"] = program(network, folder, True, 1)
    rivals["Brian2, synapses by source"] = program(network, folder, False, threads)
    if threads == 1:
        rivals["Brian2, synapses by source, Cython"] = runtime(network, folder)
    if python:
        rivals["NEST"] = nest(python, network, threads)
    runs = {"library": ours(network, threads, notes), **rivals}
    spent: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            spent[name].append(run())
    which, kind = (0, "CPU") if threads == 1 else (1, "wall")
    rows = []
    for name, own in spent.items():
        cpu, wall = np.median(own, axis=0)
        pairs = [b[which] / a[which] for a, b in zip(spent["library"], own, strict=True)]
        rows.append(
            [name, f"{cpu:.2f}", f"{wall:.2f}", f"{np.median(pairs):.2f}", f"{min(pairs):.2f}"]
        )
        if name != "library":
            ratio(f"circuit {network}, {threads} threads, to {name}", float(np.median(pairs)))
    columns = ("what", "CPU (s)", "wall (s)", f"{kind} over the library's, median", "least pair")
    word = "one thread" if threads == 1 else f"{threads} threads"
    yield f"### {network}, {word}: {SECONDS[network]:g} s of model time, {rounds} rounds\n"
    yield tables.markdown(columns, rows, right=columns[1:])
    drawn, made, held, rate = (
        np.median([note[key] for note in notes]) for key in ("draw", "make", "bytes", "rate")
    )
    yield (
        f"\n{rate:.1f} spikes/s; drawn in {drawn:.1f} s, put together in {made:.2f} s; {held:.0f} "
        "bytes a synapse at the peak.\n"
    )


# --- starts and growth ---------------------------------------------------------------------------

START = """
import time; start = time.perf_counter()
import sys
from scipy.stats import norm
laws_loaded = time.perf_counter()
from neurosim.circuits import Circuit, fixed_probability
seed = int(sys.argv[1])
c = Circuit(seed=seed)
own = {{"I": 0.2 + 0.01*seed, "tau": norm(20 + seed, 1)}}
cells = c.population("lif", 1000, parameters=own)
laws = {{"weight": norm(1e-4*seed, 1e-5), "delay": norm(2e-3, 1e-4)}}
c.project(cells, cells, fixed_probability(0.1), **laws)
c.poisson(cells, rate=1000.0*seed, weight=1e-4)
ready = time.perf_counter()
c.run({steps}e-4, target="library")
end = time.perf_counter()
print(laws_loaded - start, end - laws_loaded, end - ready)
"""


def starts() -> Iterator[str]:
    """Yield what the first and later processes wait for, other numbers each time."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        for seed, name in enumerate(("nothing is kept", "second", "third", "fourth"), 1):
            command = [sys.executable, "-c", START.format(steps=1), str(seed)]
            done = subprocess.run(command, check=True, env=environment, capture_output=True,
                                  text=True)  # fmt: skip
            rows.append([name, *(f"{float(part):.2f}" for part in done.stdout.split()[-3:])])
    yield "### Start: 1,000 neurons, 100,000 synapses; weights, delays, rates, seed differ\n"
    columns = (
        "process",
        "scipy.stats (s)",
        "neurosim and all that follows (s)",
        "of it a step (s)",
    )
    yield tables.markdown(columns, rows, right=columns[1:])


def cost(make: str, size: int, rounds: int) -> float:
    """Return the least CPU seconds of a simulation, without what draws it."""
    circuit, seconds = GROWTH[make](size)
    plan = circuit.plan(seconds)
    least = np.inf
    for _ in range(rounds):
        with closing(library.Library(plan, 1)) as built:
            circuit.start(built)
            start = time.process_time()
            built.advance(plan.steps)
            least = min(least, time.process_time() - start)
    return float(least)


GROWTH: dict[str, Callable[[int], tuple[Circuit, float]]] = {
    "neurons of CUBA, 80 inputs each": lambda n: (published.cuba(n, seed=1), 0.3),
    "inputs of each of 12,500 neurons": lambda k: (
        published.brunel(connected=k / 12_500, psp_mV=0.1 * 1250 / k, g=6.0, seed=1),
        0.2,
    ),
}
SIZES = {
    "neurons of CUBA, 80 inputs each": (4000, 8000, 16_000, 32_000, 64_000),
    "inputs of each of 12,500 neurons": (625, 1250, 2500, 5000),
}


def growth() -> Iterator[str]:
    """Yield fitted exponents of the cost of a simulation."""
    grown: list[Growth] = []
    for title, sizes in SIZES.items():
        seconds = [in_fresh_process(cost, title, size, 3) for size in sizes]
        grown.append(fitted(title, sizes, seconds))
    yield "### Growth of the CPU time of a simulation, one thread\n"
    yield tables.markdown(COLUMNS, [own.row() for own in grown])


def full_microcircuit() -> dict[str, Any]:
    """Return what half a second of the full microcircuit costs on two threads, and its rates."""
    published.microcircuit(0.01, seed=1).run(1e-3)
    start = time.perf_counter()
    plan = (circuit := published.microcircuit(1.0, seed=1)).plan(0.5)
    drawn = time.perf_counter()
    with closing(library.Library(plan, 2)) as built:
        circuit.start(built)
        made = time.perf_counter()
        built.advance(plan.steps)
        done = time.perf_counter()
        rates = [own.rate(0.1).mean() for own in built.result().values()]
    seconds = {"draw": drawn - start, "make": made - drawn, "run": done - made}
    return {"rates": rates, "GB": peak() * 2**20 / 1e9, **seconds}


def whole() -> Iterator[str]:
    """Yield what the full microcircuit takes, and its rates beside those published."""
    own = in_fresh_process(full_microcircuit)
    yield "### microcircuit: 77,169 neurons, 299 million synapses, 0.5 s of model time, 2 threads\n"
    yield (
        f"Drawn in {own['draw']:.0f} s, put together in {own['make']:.1f} s, run in "
        f"{own['run']:.1f} s; {own['GB']:.1f} GB at the peak. Rates from 0.1 s on (spikes/s):\n"
    )
    pairs = zip(cortex.POPULATIONS, own["rates"], cortex.RATES_HZ, strict=True)
    rows = [[name, f"{rate:.2f}", f"{full:.2f}"] for name, rate, full in pairs]
    columns = ("population", "library", "published")
    yield tables.markdown(columns, rows, right=columns[1:])


def keep(name: str, lines: list[str]) -> None:
    """Put a part's table into circuits.md, in place of its earlier one."""
    path = HERE / "circuits.md"
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    title = lambda text: text.split(":", 1)[0].strip()  # noqa: E731
    parts = {title(part): part for part in old.split("\n### ")[1:]}
    text = "\n".join([*lines, f"Processor: {name}, {os.cpu_count()} cores.\n"])
    parts[title(text[4:])] = text[4:]
    head = f"# Circuits against Brian2 and NEST\n\nWritten by the command:\n\n{HELP}\n"
    whole = "\n### ".join([head, *(part.rstrip() + "\n" for part in parts.values())])
    path.write_text(whole, encoding="utf-8")


HELP = "\n".join((__doc__ or "").splitlines()[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nest", metavar="PYTHON", help="a Python that has nest-simulator")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    parts = (*NETWORKS, "starts", "growth", "microcircuit")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--write", action="store_true", help="keep the tables: circuits.md")
    options = parser.parse_args()
    if not options.nest:
        print("NEST is left out: no --nest PYTHON was given.\n")
    for part in options.only:
        own = {"starts": starts, "growth": growth, "microcircuit": whole}.get(part)
        for threads in (1,) if own else options.threads:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                text = own() if own else compare(part, options.rounds, threads, options.nest, place)
                lines = list(text)
            print("\n".join(lines), flush=True)
            if options.write:
                keep(processor().get("processor", ""), lines)


if __name__ == "__main__":
    main()
