"""Two published networks on a GPU against the same networks on the processor.

    python benchmarks/gpu/networks.py OUT.jsonl [--target T] [--reference R] [--small] [--only NAME]

CUBA: 4,000 neurons whose current-based synapses keep them firing (Vogels, Abbott 2005,
doi:10.1523/JNEUROSCI.3508-05.2005). Brunel: 12,500 neurons that fire irregularly under Poisson
input (Brunel 2000, doi:10.1023/A:1008925309027; g = 5, rate 2). Connections and first potentials
are drawn once, by numpy, for both sides. The networks are chaotic and sums over synapses have
another order on each side, so that single spikes part in time: mean rates must agree to 5 %, and
the first spikes are counted that are the same. Times are of the run alone, without the build.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ledger import Ledger

from neurosim.engines.brian2 import standalone

SEED = 11
RATES_AGREE = 0.05
"""Of the reference's mean rate; in half a second 4,000 neurons fire some ten thousand spikes."""


def pairs(sources: int, n: int, most: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return sources and targets: each of n neurons hears `most` different sources."""
    heard = [rng.choice(sources, most, replace=False) for _ in range(n)]
    return np.concatenate(heard), np.repeat(np.arange(n), most)


def cuba(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return the network of Vogels and Abbott and its monitor; nothing in it is random."""
    import brian2 as b

    equations = """
    dv/dt = (ge + gi - (v + 49*mV)) / (20*ms) : volt (unless refractory)
    dge/dt = -ge / (5*ms) : volt
    dgi/dt = -gi / (10*ms) : volt
    """
    neurons = b.NeuronGroup(
        n, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms,
        method="exact", name="neurons",
    )  # fmt: skip
    neurons.v = rng.uniform(-60, -50, n) * b.mV
    excitatory = n * 4 // 5
    strength = 4000 / n  # fewer neurons hear fewer sources
    parts = [
        ("ge", slice(0, excitatory), excitatory, 1.62 * strength),
        ("gi", slice(excitatory, n), n - excitatory, -9 * strength),
    ]
    synapses = []
    for name, members, sources, weight in parts:
        synapse = b.Synapses(
            neurons[members], neurons, on_pre=f"{name}_post += {weight}*mV", name=f"to_{name}"
        )
        i, j = pairs(sources, n, sources // 50, rng)
        synapse.connect(i=i, j=j)
        synapses.append(synapse)
    monitor = b.SpikeMonitor(neurons, name="spikes")
    return b.Network(neurons, *synapses, monitor), monitor


def brunel(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return Brunel's network and its monitor; only its Poisson input is random."""
    import brian2 as b

    excitatory = n * 4 // 5
    psp = 0.1 * 12500 / n
    heard = excitatory // 10
    neurons = b.NeuronGroup(
        n, "dv/dt = -v / (20*ms) : volt (unless refractory)", threshold="v > 20*mV",
        reset="v = 10*mV", refractory=2 * b.ms, method="exact", name="neurons",
    )  # fmt: skip
    neurons.v = rng.uniform(0, 20, n) * b.mV
    synapses = []
    for name, members, sources, weight in (
        ("excitation", slice(0, excitatory), excitatory, psp),
        ("inhibition", slice(excitatory, n), n - excitatory, -5 * psp),
    ):
        synapse = b.Synapses(
            neurons[members], neurons, on_pre=f"v_post += {weight}*mV", delay=1.5 * b.ms, name=name
        )
        i, j = pairs(sources, n, sources // 10, rng)
        synapse.connect(i=i, j=j)
        synapses.append(synapse)
    threshold_rate = 20 / (psp * heard * 0.02)  # Hz: external input alone reaches the threshold
    source = b.PoissonInput(neurons, "v", heard, 2 * threshold_rate * b.Hz, weight=psp * b.mV)
    monitor = b.SpikeMonitor(neurons, name="spikes")
    return b.Network(neurons, *synapses, source, monitor), monitor


NETWORKS: dict[str, tuple[Callable[..., tuple[Any, Any]], int]] = {
    "CUBA": (cuba, 4000),
    "Brunel": (brunel, 12500),
}


def run(name: str, n: int, target: str, seconds: float, folder: Path) -> dict[str, Any]:
    """Build a network as a program of a target in a folder and run it."""
    from neurosim.equations.sandbox import load

    b = load()
    start = time.perf_counter()
    with standalone.sandbox_of(target, as_written=False) as device:
        b.defaultclock.dt = 0.1 * b.ms
        b.seed(SEED)
        network, monitor = NETWORKS[name][0](n, np.random.default_rng(SEED))
        network.run(seconds * b.second, namespace={})
        standalone.build_and_run(device, folder)
        steps = np.round(np.array(monitor.t_) / 1e-4).astype(int)
        spikes = np.stack([steps, np.array(monitor.i)])
        ran = float(device._last_run_time)
    return {
        "spikes": spikes[:, np.lexsort(spikes[::-1])],
        "rate": spikes.shape[1] / n / seconds,
        "run_s": ran,
        "built_s": time.perf_counter() - start - ran,
    }


def compare(name: str, n: int, target: str, reference: str, seconds: float) -> dict[str, Any]:
    """Run a network on both sides."""
    with tempfile.TemporaryDirectory() as place:
        here, there = (
            run(name, n, side, seconds, Path(place) / side) for side in (target, reference)
        )
    shared = min(here["spikes"].shape[1], there["spikes"].shape[1])
    parted = np.flatnonzero((here["spikes"][:, :shared] != there["spikes"][:, :shared]).any(axis=0))
    difference = abs(here["rate"] - there["rate"]) / there["rate"]
    return {
        "n": n,
        "biological_s": seconds,
        "target": target,
        "reference": reference,
        "rate": round(here["rate"], 3),
        "rate_reference": round(there["rate"], 3),
        "same_first_spikes": int(parted[0]) if len(parted) else shared,
        "spikes": here["spikes"].shape[1],
        "run_s": round(here["run_s"], 3),
        "run_s_reference": round(there["run_s"], 3),
        "built_s": round(here["built_s"], 1),
        "ok": bool(difference < RATES_AGREE),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--target", default="cuda_standalone")
    parser.add_argument("--reference", default="cpp_standalone")
    parser.add_argument("--small", action="store_true", help="a tenth of the neurons")
    parser.add_argument("--only", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    arguments = parser.parse_args()
    ledger = Ledger(arguments.out)
    for name in arguments.only:
        case = f"{name}, small" if arguments.small else name
        if ledger.has("networks", case):
            continue
        n = NETWORKS[name][1] // (10 if arguments.small else 1)
        try:
            result = compare(name, n, arguments.target, arguments.reference, 0.5)
        except Exception as error:
            result = {"ok": False, "error": f"{type(error).__name__}: {error}"[:600]}
        ledger.add("networks", case, result)


if __name__ == "__main__":
    main()
