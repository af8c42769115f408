"""The networks of circuits.py in NEST: run by a Python that has it, without neurosim.

PYTHON circuit_nest.py NETWORK NEURONS SECONDS THREADS

prints the CPU and wall seconds of the simulation alone, and spikes per second and neuron.
"""

from __future__ import annotations

import sys
import time

import nest
import numpy as np


def brunel(n: int, own: bool = False) -> object:
    """Return the neurons: delta synapses, fixed in-degree, g = 5, eta = 2.

    With `own`, each synapse has a weight and a delay of its own.
    """
    cell = {"tau_m": 20.0, "C_m": 1.0, "t_ref": 2.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0}
    cells = nest.Create("iaf_psc_delta", n, params=cell)
    cells.V_m = nest.random.uniform(0.0, 20.0)
    split = 4 * n // 5
    for source, weight in ((cells[:split], 0.1), (cells[split:], -0.5)):
        rule = {"rule": "fixed_indegree", "indegree": len(source) // 10}
        synapse = {"weight": weight, "delay": 1.5}
        if own:
            synapse = {"weight": nest.random.normal(weight, 0.1 * abs(weight)),
                       "delay": nest.random.uniform(0.5, 2.5)}  # fmt: skip
        nest.Connect(source, cells, rule, synapse)
    noise = nest.Create("poisson_generator", params={"rate": 20_000.0})
    nest.Connect(noise, cells, syn_spec={"weight": 0.1, "delay": 1.5})  # exchange is seldom
    return cells


def cuba(n: int) -> object:
    """Return the neurons: exponential currents, 80 inputs on average."""
    cell = {"tau_m": 20.0, "C_m": 200.0, "t_ref": 5.0, "E_L": -49.0, "V_th": -50.0,
            "V_reset": -60.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}  # fmt: skip
    cells = nest.Create("iaf_psc_exp", n, params=cell)
    cells.V_m = nest.random.uniform(-60.0, -50.0)
    _connect_at_random(cells, (16.2, -90.0))
    return cells


def coba(n: int) -> object:
    """Return the neurons: conductances, 80 inputs on average; NEST integrates them adaptively."""
    cell = {"C_m": 200.0, "g_L": 10.0, "t_ref": 5.0, "E_L": -60.0, "V_th": -50.0, "V_reset": -60.0,
            "E_ex": 0.0, "E_in": -80.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}  # fmt: skip
    cells = nest.Create("iaf_cond_exp", n, params=cell)
    cells.V_m = nest.random.normal(-65.0, 5.0)
    cells.g_ex = np.maximum(np.random.default_rng(1).normal(40, 15, n), 0)
    cells.g_in = np.maximum(np.random.default_rng(2).normal(200, 120, n), 0)
    _connect_at_random(cells, (6.0, -67.0))
    return cells


def _connect_at_random(cells: object, weights: tuple[float, float]) -> None:
    """Connect pairs drawn at random, 80 inputs on average, with a delay of one time step."""
    n = len(cells)
    split = 4 * n // 5
    for source, weight in zip((cells[:split], cells[split:]), weights, strict=True):
        rule = {"rule": "fixed_total_number", "N": 80 * len(source)}
        nest.Connect(source, cells, rule, {"weight": weight, "delay": 0.1})


def main() -> None:
    name, n, seconds, threads = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    nest.ResetKernel()
    nest.set(resolution=0.1, rng_seed=1, local_num_threads=threads)
    made = {
        "brunel": brunel,
        "brunel-own": lambda n: brunel(n, own=True),
        "cuba": cuba,
        "coba": coba,
    }
    cells = made[name](n)
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Prepare()
    cpu, wall = time.process_time(), time.perf_counter()
    nest.Run(seconds * 1e3)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    nest.Cleanup()
    print(cpu, wall, recorder.n_events / n / seconds)


if __name__ == "__main__":
    main()
