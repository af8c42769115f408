"""simulate(): what a start costs, and a noisy population against Brian2 written by hand.

python benchmarks/brian2_population.py         # under two minutes
python benchmarks/brian2_population.py --full  # 10,000 steps
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial

warnings.simplefilter("ignore")

from measure import alone, ratio  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from neurosim import equations  # noqa: E402
from neurosim.engines.brian2 import cache, simulate  # noqa: E402

CONSOLE = Console()
NEURONS = 100_000
ROUNDS = 3
BRIAN2_FLAGS = ["-w", "-O3", "-ffast-math", "-fno-finite-math-only", "-march=native", "-std=c++11"]


def starts() -> None:
    """A process that builds, and one that finds the build: from its first line to the result."""
    script = (
        "import time; start = time.perf_counter()\n"
        "import numpy as np\n"
        "from neurosim import XyloSpec, engines\n"
        "spec = XyloSpec(weights_in=np.full((15, 144), 9), weights_out=np.full((144, 6), 9),\n"
        "                threshold=np.full(144, 90), threshold_out=np.full(6, 90))\n"
        "engines.get('brian2').run(spec, np.ones((8, 100, 15), dtype=int))\n"
        "print(time.perf_counter() - start)\n"
    )
    model = (
        "import time; start = time.perf_counter()\n"
        "from neurosim import equations\n"
        "from neurosim.engines.brian2 import simulate\n"
        "simulate(equations.get('noisy-lif') + equations.get('stochastic-threshold'),\n"
        "         n=100, duration=0.1)\n"
        "print(time.perf_counter() - start)\n"
    )
    table = Table("what", "cold (s)", "warm (s)", title="start of a new process, imports included")
    for name, text in (("XyloSpec", script), ("simulate, a composition", model)):
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "XDG_CACHE_HOME": cache}
            times = [
                float(
                    subprocess.run(
                        [sys.executable, "-c", text],
                        env=environment,
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout
                )
                for _ in range(4)
            ]
        table.add_row(name, f"{times[0]:.1f}", f"{min(times[1:]):.2f}")
    CONSOLE.print(table)


HAND_WRITTEN = """
import time
from brian2 import *
set_device("cpp_standalone", directory=None, build_on_run=False)
prefs.codegen.cpp.extra_compile_args_gcc = {flags!r}
defaultclock.dt = 0.1*ms
seed(1)
E_L, theta_0, V_r, tau, mu, std = -70*mV, -50*mV, -70*mV, 20*ms, -55*mV, 5*mV
low, high = 1.0, 1.5
G = NeuronGroup({n}, '''
    v : volt
    draw : 1
    theta = E_L + (low + (high - low)*draw)*(theta_0 - E_L) : volt''',
    threshold="v > theta", reset="v = V_r; draw = rand()")
G.run_regularly("v = mu + (v - mu)*exp(-dt/tau) + std*sqrt(1 - exp(-2*dt/tau))*randn()")
G.v = E_L
G.draw = "rand()"
M = SpikeMonitor(G)
run({steps}*defaultclock.dt)
device.build(run=False, with_output=False)
times = []
for _ in range({rounds}):
    device.run(with_output=False)
    times.append(device._last_run_time)
print(min(times), M.num_spikes)
"""


def population(steps: int) -> None:
    """A noisy population with a threshold rule: against the same equations written by hand."""
    flags = ["-w", "-std=c++11", *(f for f in cache.FLAGS if f not in ("-shared", "-std=c++17"))]
    rows = {
        "hand-written, Brian2's own flags": _by_hand(steps, BRIAN2_FLAGS),
        "hand-written, the engine's flags": _by_hand(steps, flags),
    }
    model = equations.get("noisy-lif") + equations.get("stochastic-threshold-per-spike")
    for target in ("cpp_standalone", "library"):
        options = {"n": NEURONS, "duration": steps * 1e-4, "seed": 1, "target": target}
        timing = alone(partial(simulate, model, **options), ROUNDS, clock=time.perf_counter)
        spikes = len(timing.result.spike_steps)
        rows[f"simulate(target={target!r})"] = (timing.least, spikes)
    fastest = min(spent for name, (spent, _) in rows.items() if name.startswith("hand"))
    table = Table("what", "time (s)", "spikes", "to the faster hand-written",
                  title=f"noisy LIF, {NEURONS} neurons, {steps} steps")  # fmt: skip
    for name, (spent, spikes) in rows.items():
        table.add_row(name, f"{spent:.2f}", f"{spikes}", f"{spent / fastest:.2f}")
        if name.startswith("simulate"):
            ratio(f"{name} to Brian2 written by hand, {steps} steps", fastest / spent)
    CONSOLE.print(table)


def _by_hand(steps: int, flags: list[str]) -> tuple[float, int]:
    """Return the time of the simulation alone, without the program's start, and its spikes."""
    text = HAND_WRITTEN.format(n=NEURONS, steps=steps, rounds=ROUNDS, flags=flags)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=folder, check=True, capture_output=True, text=True
        )
    spent, spikes = done.stdout.split()[-2:]
    return float(spent), int(spikes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    starts()
    population(10_000 if options.full else 500)
