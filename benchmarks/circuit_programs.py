"""Networks written by hand for Brian2's cpp_standalone: a program that is built once and run again.

python circuit_programs.py FOLDER NETWORK SECONDS THREADS|cython

NETWORK is brunel, brunel-own (each synapse with a weight and a delay of its own), cuba or coba.
FOLDER/network.npz holds the synapses: i_e, j_e of excitatory and i_i, j_i of inhibitory neurons, in
the order in which a user hands them over, and initial values. FOLDER/program/main, when run, prints
the CPU and wall seconds of the simulation alone; with `cython` in place of a number of threads the
same network runs at once in this process and prints them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import brian2 as b
import numpy as np
from brian2 import Hz, ms, mV, nS, pF

CUBA = """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
COBA = """
dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v))/Cm : volt (unless refractory)
dge/dt = -ge/taue : siemens
dgi/dt = -gi/taui : siemens
"""


def brunel(given: dict[str, np.ndarray], own: bool) -> list[Any]:
    """Delta synapses, Poisson input; g = 5, eta = 2, J = 0.1 mV."""
    space = {"tau": 20 * ms, "theta": 20 * mV, "Vr": 10 * mV, "we": 0.1 * mV, "wi": -0.5 * mV}
    cells = b.NeuronGroup(
        len(given["v"]), "dv/dt = -v/tau : volt (unless refractory)", threshold="v > theta",
        reset="v = Vr", refractory=2 * ms, method="exact", namespace=space,
    )  # fmt: skip
    cells.v = given["v"] * b.volt
    objects: list[Any] = [cells]
    for kind in "ei":
        code = "v_post += w" if own else f"v_post += w{kind}"
        links = b.Synapses(
            cells, cells, "w : volt" if own else "", on_pre=code, namespace=space,
            delay=None if own else 1.5 * ms,
        )  # fmt: skip
        links.connect(i=given[f"i_{kind}"], j=given[f"j_{kind}"])
        if own:
            links.w = given[f"w_{kind}"] * b.volt
            links.delay = given[f"d_{kind}"] * b.second
        objects.append(links)
    return [*objects, b.PoissonInput(cells, "v", 1000, 20 * Hz, weight=0.1 * mV)]


def vogels_abbott(name: str, given: dict[str, np.ndarray]) -> list[Any]:
    """Currents or conductances; Brian2's documentation has them so."""
    space = {"taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV}
    if name == "cuba":
        space |= {"taum": 20 * ms, "El": -49 * mV, "we": 1.62 * mV, "wi": -9 * mV}
    else:
        space |= {"Cm": 200 * pF, "gl": 10 * nS, "El": -60 * mV, "Ee": 0 * mV, "Ei": -80 * mV}
        space |= {"we": 6 * nS, "wi": 67 * nS}
    cells = b.NeuronGroup(
        len(given["v"]), CUBA if name == "cuba" else COBA, threshold="v > Vt", reset="v = Vr",
        refractory=5 * ms, method="exact" if name == "cuba" else "rk4", namespace=space,
    )  # fmt: skip
    cells.v = given["v"] * b.volt
    if name == "coba":
        cells.ge, cells.gi = given["g_e"] * b.siemens, given["g_i"] * b.siemens
    objects: list[Any] = [cells]
    for kind in "ei":
        links = b.Synapses(cells, cells, on_pre=f"g{kind}_post += w{kind}", delay=0.1 * ms,
                           namespace=space)  # fmt: skip
        links.connect(i=given[f"i_{kind}"], j=given[f"j_{kind}"])
        objects.append(links)
    return objects


def main() -> None:
    folder, name, seconds, how = Path(sys.argv[1]), *sys.argv[2:5]
    given = dict(np.load(folder / "network.npz"))
    if how == "cython":
        b.prefs.codegen.target = "cython"
    else:
        b.set_device("cpp_standalone", build_on_run=False)
    if how not in ("cython", "1"):
        b.prefs.devices.cpp_standalone.openmp_threads = int(how)
    b.defaultclock.dt = 0.1 * ms
    b.seed(1)
    if name.startswith("brunel"):
        objects = brunel(given, own=name == "brunel-own")
    else:
        objects = vogels_abbott(name, given)
    network = b.Network(*objects, b.SpikeMonitor(objects[0]))
    if how == "cython":
        network.run(b.defaultclock.dt)  # compiles
        cpu, wall = time.process_time(), time.perf_counter()
        network.run(float(seconds) * b.second)
        print(time.process_time() - cpu, time.perf_counter() - wall)
        return
    b.device.insert_code(
        "before_network_run",
        "struct timespec cpu0, cpu1, wall0, wall1;\n"
        "clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu0); clock_gettime(CLOCK_MONOTONIC, &wall0);",
    )
    b.device.insert_code(
        "after_network_run",
        "clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu1); clock_gettime(CLOCK_MONOTONIC, &wall1);\n"
        'printf("%.6f %.6f\\n", cpu1.tv_sec - cpu0.tv_sec + 1e-9*(cpu1.tv_nsec - cpu0.tv_nsec),\n'
        "       wall1.tv_sec - wall0.tv_sec + 1e-9*(wall1.tv_nsec - wall0.tv_nsec));",
    )
    network.run(float(seconds) * b.second)
    b.device.build(str(folder / "program"), run=False, with_output=False)


if __name__ == "__main__":
    main()
