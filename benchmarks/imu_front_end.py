"""The IMU front end against rockpool's modules on the same real signals; outputs are compared.

The least of several times; ours runs once before, so that compilation is not counted.
"""

from __future__ import annotations

import time
import warnings
from functools import partial

import numpy as np
from measure import in_turn

from neurosim.data import FrontEnd, seglearn
from neurosim.data.windows import resample
from neurosim.formats import rockpool_devices

STEPS = 1000
SAMPLES = 4
REPEATS = 5


def real_signals() -> np.ndarray:
    """Return (samples, time, 3) accelerations at 200 Hz."""
    recordings = seglearn.load()
    signals = [resample(recordings.signals[i][:, :3], 50)[:STEPS] for i in range(SAMPLES)]
    return np.stack(signals)


def rockpool_encode(signal: np.ndarray, rotation_removal: bool) -> np.ndarray:
    chip = rockpool_devices.module("syns63300.imuif_sim").IMUIFSim
    rows = [chip(bypass_jsvd=not rotation_removal)(one[None].astype(object))[0] for one in signal]
    return np.concatenate(rows)


def main() -> None:
    warnings.simplefilter("ignore")
    acceleration = real_signals()
    print(f"{SAMPLES} recordings x {STEPS} steps, equal outputs, best of {REPEATS} (rockpool: 2)")
    print(f"{'rotation removal':<18}{'rockpool ms':>14}{'neurosim ms':>14}{'ratio':>10}")
    for rotation_removal in (False, True):
        front_end = FrontEnd(0.1, rotation_removal=rotation_removal, reversed_prefix=True)
        signal = front_end.quantise(acceleration)
        encoders = {
            "neurosim": partial(front_end.encode, acceleration),
            "rockpool": partial(rockpool_encode, signal, rotation_removal),
        }
        timings = in_turn(encoders, REPEATS, seldom={"rockpool": 2}, clock=time.perf_counter)
        np.testing.assert_array_equal(*(timing.result for timing in timings.values()))
        ours, theirs = (timing.least for timing in timings.values())
        name = "yes" if rotation_removal else "no"
        print(f"{name:<18}{theirs * 1e3:>14.1f}{ours * 1e3:>14.2f}{theirs / ours:>9.0f}x")


if __name__ == "__main__":
    main()
