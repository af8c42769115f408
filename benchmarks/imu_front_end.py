"""The IMU front end against rockpool's modules on the same real signals; outputs are compared.

Both run once before they are timed, so that compilation is not counted.
"""

from __future__ import annotations

import time
import warnings

import numpy as np

from neurosim.data import FrontEnd, seglearn
from neurosim.data.windows import resample
from neurosim.xylo import rockpool_devices

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


def best(function, repeats: int) -> tuple[float, np.ndarray]:
    """Return the shortest of several times and the result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    warnings.simplefilter("ignore")
    acceleration = real_signals()
    print(f"{SAMPLES} recordings x {STEPS} steps, equal outputs, best of {REPEATS} (rockpool: 2)")
    print(f"{'rotation removal':<18}{'rockpool ms':>14}{'neurosim ms':>14}{'ratio':>10}")
    for rotation_removal in (False, True):
        front_end = FrontEnd(0.1, rotation_removal=rotation_removal, reversed_prefix=True)
        signal = front_end.quantise(acceleration)
        front_end.encode(acceleration)
        ours, events = best(lambda f=front_end: f.encode(acceleration), REPEATS)
        theirs, expected = best(lambda s=signal, r=rotation_removal: rockpool_encode(s, r), 2)
        np.testing.assert_array_equal(events, expected)
        name = "yes" if rotation_removal else "no"
        print(f"{name:<18}{theirs * 1e3:>14.1f}{ours * 1e3:>14.2f}{theirs / ours:>9.0f}x")


if __name__ == "__main__":
    main()
