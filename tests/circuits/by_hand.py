"""Vogels and Abbott's networks as scripts of Brian2, in the form of its documentation.

python -m tests.circuits.by_hand FOLDER NETWORK TARGET

reads connections and initial values from FOLDER/network.npz and writes FOLDER/spikes.npz.
"""

from __future__ import annotations

import sys
from pathlib import Path

import brian2 as b
import numpy as np
from brian2 import ms, mV, nS, pF

EQUATIONS = {
    "cuba": """
        dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt
    """,
    "coba": """
        dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v))/Cm : volt (unless refractory)
        dge/dt = -ge/taue : siemens
        dgi/dt = -gi/taui : siemens
    """,
}
CONSTANTS = {
    "cuba": {"taum": 20 * ms, "El": -49 * mV, "we": 1.62 * mV, "wi": -9 * mV},
    "coba": {"Cm": 200 * pF, "gl": 10 * nS, "El": -60 * mV, "Ee": 0 * mV, "Ei": -80 * mV,
             "we": 6 * nS, "wi": 67 * nS},
}  # fmt: skip
METHOD = {"cuba": "exact", "coba": "rk4"}


def network(name: str, given: dict[str, np.ndarray]) -> tuple[b.Network, b.SpikeMonitor]:
    """Return the network and what records its spikes."""
    namespace = {"taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV, **CONSTANTS[name]}
    cells = b.NeuronGroup(
        len(given["v"]), EQUATIONS[name], threshold="v > Vt", reset="v = Vr", refractory=5 * ms,
        method=METHOD[name], namespace=namespace,
    )  # fmt: skip
    synapses = []
    for code, kind in (("ge += we", "e"), ("gi += wi", "i")):
        links = b.Synapses(cells, cells, on_pre=code, delay=0.1 * ms, namespace=namespace)
        links.connect(i=given[f"i_{kind}"], j=given[f"j_{kind}"])
        synapses.append(links)
    for variable, key in (("v", "v"), ("ge", "g_e"), ("gi", "g_i")):
        if key in given:
            cells.variables[variable].get_addressable_value(variable, cells)[:] = given[key]
    monitor = b.SpikeMonitor(cells)
    return b.Network(cells, *synapses, monitor), monitor


if __name__ == "__main__":
    folder, name, target = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if target == "cpp_standalone":
        b.set_device(target, directory=str(folder / "program"))
    else:
        b.prefs.codegen.target = target
    given = dict(np.load(folder / "network.npz"))
    b.defaultclock.dt = 0.1 * ms
    built, monitor = network(name, given)
    built.run(float(given["seconds"]) * b.second)
    steps = np.rint(np.array(monitor.t / (0.1 * ms))).astype(int)
    np.savez(folder / "spikes.npz", i=np.array(monitor.i), step=steps)
