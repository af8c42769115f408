"""The IMU front end against rockpool's modules on the same real signals; outputs are compared.

The least of several CPU times; ours runs once before, so that compilation is not counted. Then how
much memory synthetic recordings of minutes to hours take, encoded as a whole and as a stream of ten
seconds each that is cut into windows, every number in a fresh process.

    python benchmarks/imu_front_end.py
    python benchmarks/imu_front_end.py --hours 24    # 17.28 million samples instead, as a stream
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
from measure import in_fresh_process, in_turn, peak, ratio

from neurosim.data import FrontEnd, seglearn
from neurosim.data.imu import RATE_HZ
from neurosim.data.windows import cut_stream, resample

STEPS = 1000
SAMPLES = 4
REPEATS = 5


def real_signals() -> np.ndarray:
    """Return (samples, time, 3) accelerations at 200 Hz."""
    recordings = seglearn.load()
    signals = [resample(recordings.signals[i][:, :3], 50)[:STEPS] for i in range(SAMPLES)]
    return np.stack(signals)


def rockpool_encode(signal: np.ndarray, rotation_removal: bool) -> np.ndarray:
    from neurosim.formats import rockpool_devices

    chip = rockpool_devices.module("syns63300.imuif_sim").IMUIFSim
    rows = [chip(bypass_jsvd=not rotation_removal)(one[None].astype(object))[0] for one in signal]
    return np.concatenate(rows)


def movements(steps: int, chunk: int = 2000) -> Iterator[np.ndarray]:
    """Yield a synthetic recording in g: gravity, two slow swings and noise."""
    rng = np.random.default_rng(0)
    for first in range(0, steps, chunk):
        time_s = np.arange(first, min(first + chunk, steps))[:, None] / RATE_HZ
        swings = 0.4 * np.sin(2 * np.pi * time_s * (1.7, 0.9, 0.03)) + (0.0, 0.0, 1.0)
        yield swings + 0.05 * rng.standard_normal(swings.shape)


def streamed(steps: int) -> tuple[float, float, int]:
    """Return peak MB, seconds and the number of events of a stream that is cut into windows."""
    begin, events = time.perf_counter(), 0
    front_end = FrontEnd(0.1, rotation_removal=True)
    for windows in cut_stream(front_end.stream(movements(steps)), 512, 512):
        events += int(windows.sum(dtype=np.int64))
    return peak(), time.perf_counter() - begin, events


def whole(steps: int) -> tuple[float, float, int]:
    """Return the same of a recording that is encoded in one go."""
    begin = time.perf_counter()
    acceleration = np.concatenate(list(movements(steps)))
    events = FrontEnd(0.1, rotation_removal=True).encode(acceleration)
    count = int(events[: steps // 512 * 512].sum(dtype=np.int64))
    return peak(), time.perf_counter() - begin, count


def nothing() -> float:
    return peak()


def memory(hours: tuple[float, ...], *, both: bool) -> None:
    print(f"before any signal: {in_fresh_process(nothing):.0f} MB")
    print(f"{'hours':<8}{'samples':>12}{'encoded':>10}{'peak MB':>10}{'s':>8}{'events':>14}")
    for length in hours:
        steps = round(length * 3600 * RATE_HZ)
        counts = set()
        for name, run in (("stream", streamed), ("whole", whole))[: 1 + both]:
            most, seconds, events = in_fresh_process(run, steps)
            counts.add(events)
            row = f"{length:<8g}{steps:>12,}{name:>10}{most:>10.0f}{seconds:>8.1f}{events:>14,}"
            print(row)
        assert len(counts) == 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float)
    hours = parser.parse_args().hours
    if hours:
        memory((hours,), both=False)
    else:
        against_rockpool()
        memory((0.1, 0.5, 2), both=True)


def against_rockpool() -> None:
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
        timings = in_turn(encoders, REPEATS, seldom={"rockpool": 2})
        np.testing.assert_array_equal(*(timing.result for timing in timings.values()))
        ours, theirs = (timing.least for timing in timings.values())
        name = "yes" if rotation_removal else "no"
        ratio(f"to rockpool, rotation removal: {name}", theirs / ours)
        print(f"{name:<18}{theirs * 1e3:>14.1f}{ours * 1e3:>14.2f}{theirs / ours:>9.0f}x")


if __name__ == "__main__":
    main()
