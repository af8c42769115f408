"""Vogels and Abbott's networks as scripts of Brian2, in the form of its documentation.

python -m tests.circuits.by_hand FOLDER NETWORK TARGET

reads connections and initial values from FOLDER/network.npz and writes FOLDER/spikes.npz.
"""

from __future__ import annotations

import sys
from pathlib import Path

import brian2 as b
import numpy as np
from brian2 import ms

from benchmarks.circuit_programs import vogels_abbott

if __name__ == "__main__":
    folder, name, target = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if target == "cpp_standalone":
        b.set_device(target, directory=str(folder / "program"))
    else:
        b.prefs.codegen.target = target
    given = dict(np.load(folder / "network.npz"))
    b.defaultclock.dt = 0.1 * ms
    objects = vogels_abbott(name, given)
    monitor = b.SpikeMonitor(objects[0])
    b.Network(*objects, monitor).run(float(given["seconds"]) * b.second)
    steps = np.rint(np.array(monitor.t / (0.1 * ms))).astype(int)
    np.savez(folder / "spikes.npz", i=np.array(monitor.i), step=steps)
