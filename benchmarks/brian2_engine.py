"""The Brian2 engine on Xylo nets: against XyloSim and a hand-written kernel, and what a run costs.

All but the table of threads in one thread and in CPU time, engines in turn, round after round, so
that other work on the machine disturbs them alike; the smallest time of each counts. XyloSim runs
some of the samples and its time is scaled up: it takes them one by one.

    python benchmarks/brian2_engine.py                    # about two minutes
    python benchmarks/brian2_engine.py --plot FILE        # and a figure of the costs
    python benchmarks/brian2_engine.py --memory 1000000   # that many samples of 1,000 steps instead
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

warnings.simplefilter("ignore")

import numba  # noqa: E402
import numpy as np  # noqa: E402
from measure import alone, in_fresh_process, in_turn, peak, ratio  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from neurosim import XyloSpec, engines  # noqa: E402
from neurosim.engines.brian2 import Brian2Engine  # noqa: E402
from neurosim.engines.brian2.xylo_parameters import populations, weights  # noqa: E402

STATES = ("spikes", "v_mem", "i_syn")
SAMPLES = 256
OURS = Brian2Engine(target="library", threads=1)
VENDOR = engines.get("xylosim")
CONSOLE = Console()


def spec(width: int = 48, threshold: int = 2600) -> XyloSpec:
    """A 15-48-48-48-6 net in which a sixth of the hidden neurons fires in a step."""
    rng = np.random.default_rng(1)
    hidden = 3 * width
    recurrent = np.zeros((hidden, hidden), dtype=int)
    for k in range(2):
        rows, columns = slice(k * width, (k + 1) * width), slice((k + 1) * width, (k + 2) * width)
        recurrent[rows, columns] = rng.integers(-60, 90, (width, width))
    return XyloSpec(
        weights_in=rng.integers(-60, 90, (15, width)),
        weights_rec=recurrent,
        weights_out=rng.integers(-60, 90, (width, 6)),
        dash_mem=np.full(hidden, 4),
        dash_mem_out=np.full(6, 4),
        dash_syn=np.full(hidden, 3),
        dash_syn_out=np.full(6, 3),
        threshold=np.full(hidden, threshold * width // 48),
        threshold_out=np.full(6, threshold * width // 48),
        layers=(width,) * 3,
    )


def events(samples: int, steps: int, rate: float = 0.15) -> np.ndarray:
    return (np.random.default_rng(2).random((samples, steps, 15)) < rate).astype(np.uint8)


def seconds(run: Callable[[], object], rounds: int = 3) -> float:
    """Smallest CPU time of a run."""
    return alone(run, rounds).least


# --- the limit: the same network by hand ----------------------------------------------------------


@numba.njit(inline="always")
def _saturate(x):
    return min(max(x, -32768), 32767)


@numba.njit(inline="always")
def _leak(x, shift):
    shifted = x >> shift
    if shifted != 0:
        return shifted
    return (x > 0) - (x < 0)


@numba.njit
def _hear(current, row, first, last, count):
    for k in range(first, last):
        current[k] = _saturate(current[k] + count * row[k])


@numba.njit
def _update(neurons, fired, v, i, most):
    dash_mem, dash_syn, threshold = neurons
    for k in range(len(v)):
        i[k] -= _leak(i[k], dash_syn[k])
        v[k] = _saturate(v[k] + _saturate(i[k] - _leak(v[k], dash_mem[k])))
    for k in range(len(v)):
        fired[k] = 0
        if v[k] >= threshold[k]:
            fired[k] = min(v[k] // threshold[k], most)
            v[k] -= fired[k] * threshold[k]


@numba.njit
def kernel(raster, steps, w_in, w_rec, w_out, ranges, hidden, output, s, v, i, so, vo, io):
    """A network without bias and aliases, one sample after the other, states recorded."""
    n, n_out = v.shape[2], vo.shape[2]
    before = n - len(w_out)
    for sample in range(len(raster)):
        membrane, current, fired = np.zeros((3, n), np.int32)
        membrane_out, current_out, fired_out = np.zeros((3, n_out), np.int32)
        for t in range(steps):
            if t < raster.shape[1]:
                for channel in range(raster.shape[2]):
                    count = min(raster[sample, t, channel], 15)
                    if count:
                        first, last = ranges[0][channel]
                        _hear(current, w_in[channel], first, last, count)
            for pre in range(n):
                count = fired[pre]
                if count:
                    first, last = ranges[1][pre]
                    _hear(current, w_rec[pre], first, last, count)
                    if pre >= before:
                        _hear(current_out, w_out[pre - before], 0, n_out, count)
            _update(hidden, fired, membrane, current, 31)
            _update(output, fired_out, membrane_out, current_out, 1)
            s[sample, t], v[sample, t], i[sample, t] = fired, membrane, current
            so[sample, t], vo[sample, t], io[sample, t] = fired_out, membrane_out, current_out


def by_hand(net: XyloSpec, raster: np.ndarray) -> list[np.ndarray]:
    steps = raster.shape[1] + net.lag
    matrices = [m.astype(np.int32) for part in weights(net).values() for m in part]
    ranges = tuple(
        np.array([(np.flatnonzero(r)[[0, -1]] + [0, 1]) if r.any() else (0, 0) for r in matrix])
        for matrix in matrices[:2]
    )
    names = ("dash_mem", "dash_syn", "threshold")
    groups = [
        tuple(populations(net)[population].parameters[name].astype(np.int32) for name in names)
        for population in ("hidden", "output")
    ]
    arrays = [
        np.empty((len(raster), steps, n), kind)
        for n in (net.hidden, net.outputs)
        for kind in (np.uint8, np.int16, np.int16)
    ]
    kernel(raster, steps, *matrices, ranges, *groups, *arrays)
    return arrays


# --- tables ---------------------------------------------------------------------------------------


def against_xylosim() -> None:
    columns = ("steps", "recorded", "XyloSim (s)", "engine (s)", "times faster", "by hand (s)",
               "engine / by hand")  # fmt: skip
    table = Table(*columns, title=f"15-48-48-48-6, {SAMPLES} samples, one thread, warm")
    net = spec()
    for steps, part in ((100, 32), (1000, 8)):
        raster = events(SAMPLES, steps)
        ours, hand = OURS.run(net, raster, record=STATES), by_hand(net, raster)
        np.testing.assert_array_equal(ours.v_mem[0], hand[1])
        for record in (("spikes",), STATES):
            table.add_row(f"{steps}", *_row(net, raster, part, record))
    CONSOLE.print(table)
    busy = float((ours.spikes[0] > 0).mean())
    CONSOLE.print(f"hidden neurons that fire in a step: {busy:.2f}\n")


def _row(net: XyloSpec, raster: np.ndarray, part: int, record: tuple[str, ...]) -> list[str]:
    vendor = seconds(lambda: VENDOR.run(net, raster[:part], record=record)) * SAMPLES / part
    engine = seconds(lambda: OURS.run(net, raster, record=record), rounds=5)
    row = [" ".join(record), f"{vendor:.2f}", f"{engine:.3f}", f"{vendor / engine:.0f}"]
    case = f"{'states' if record == STATES else 'spikes'}, {raster.shape[1]} steps"
    ratio(f"to XyloSim, {case}", vendor / engine)
    if record == STATES:
        limit = seconds(lambda: by_hand(net, raster), rounds=5)
        row += [f"{limit:.3f}", f"{engine / limit:.2f}"]
        ratio(f"to the kernel written by hand, {case}", limit / engine)
    return row


def threads() -> None:
    """One thread and two in turn: elapsed times of pairs, and the CPU time that they take.

    Elapsed times need two idle processors. CPU times do not: of two threads with equal shares of
    the work and a part that only the first one does, they say what the elapsed times would be.
    """
    columns = ("steps", "recorded", "elapsed: times faster (median)", "(best)", "CPU time",
               "from CPU times")  # fmt: skip
    table = Table(*columns, title=f"15-48-48-48-6, {SAMPLES} samples: two threads and one")
    net, two = spec(), Brian2Engine(target="library", threads=2)
    for steps in (100, 1000):
        raster = events(SAMPLES, steps)
        for record in (("spikes",), STATES, ("counts",)):
            steps_of = {
                str(k): partial(engine.counts, net, raster)
                if record == ("counts",)
                else partial(engine.run, net, raster, record=record)
                for k, engine in enumerate((OURS, two))
            }
            elapsed, spent, first = (
                [np.array(timing.seconds) for timing in in_turn(steps_of, 9, clock=clock).values()]
                for clock in (time.perf_counter, time.process_time, time.thread_time)
            )
            one, both, serial = spent[0].min(), spent[1].min(), first[1].min()
            median = np.median(elapsed[0] / elapsed[1])
            best = elapsed[0].min() / elapsed[1].min()
            expected = one / (serial + (both - serial) / 2)
            cells = (f"{median:.2f}", f"{best:.2f}", f"x {both / one:.2f}", f"{expected:.2f}")
            table.add_row(f"{steps}", " ".join(record), *cells)
    CONSOLE.print(table)


def memory(numbers: tuple[int, ...], steps: int = 1000) -> None:
    """Most memory that counting output spikes takes, in a fresh process for each number."""
    columns = ("samples", "events (GB)", "hidden spikes (GB)", "most memory (MB)", "minutes")
    table = Table(*columns, title=f"15-48-48-48-6, {steps} steps, samples made and run in chunks")
    for samples in numbers:
        most, seconds = in_fresh_process(counted, samples, steps)
        sizes = (f"{samples * steps * n / 1e9:.2f}" for n in (15, spec().hidden))
        table.add_row(f"{samples:,}", *sizes, f"{most:.0f}", f"{seconds / 60:.1f}")
    CONSOLE.print(table)


def counted(samples: int, steps: int) -> tuple[float, float]:
    """Run samples that come in chunks; return the peak in MB and the seconds."""
    begin = time.perf_counter()
    rng = np.random.default_rng(2)

    def chunks(size: int = 256) -> Iterator[np.ndarray]:
        for first in range(0, samples, size):
            shape = (min(size, samples - first), steps, 15)
            yield np.frombuffer(rng.bytes(np.prod(shape)), np.uint8).reshape(shape) < 38

    counts = Brian2Engine(target="library", threads=2).counts(spec(), chunks())
    assert counts.shape == (samples, 6)
    assert counts.any(axis=0).all()
    return peak(), time.perf_counter() - begin


def costs(picture: Path | None) -> None:
    """How the time grows with samples, steps, neurons and spikes: slopes in double logarithms."""

    def run(samples: int, steps: int, width: int, threshold: int = 2600) -> tuple[float, float]:
        net, raster = spec(width, threshold), events(samples, steps)
        spikes = OURS.run(net, raster).spikes[0]
        return seconds(lambda: OURS.run(net, raster, record=STATES), 5), float(spikes.sum())

    thresholds = (9000, 6500, 5000, 2600, 1200)
    runs = {
        "samples": [(n, run(n, 200, 48)) for n in (32, 64, 128, 256, 512)],
        "steps": [(n, run(64, n, 48)) for n in (100, 200, 400, 800, 1600)],
        "hidden neurons": [(3 * n, run(64, 200, n)) for n in (24, 48, 96, 160)],
        "spikes": [(0, run(128, 200, 48, threshold)) for threshold in thresholds],
    }
    table = Table("against", "from", "to", "time (ms)", "slope", title="cost, states recorded")
    sweeps = {}
    for name, rows in runs.items():
        x = np.array([spikes if name == "spikes" else n for n, (_, spikes) in rows])
        t = 1e3 * np.array([spent for _, (spent, _) in rows])
        slope = np.polyfit(np.log(x), np.log(t), 1)[0]
        shown = " ".join(f"{v:.1f}" for v in t)
        table.add_row(name, f"{x[0]:.0f}", f"{x[-1]:.0f}", shown, f"{slope:.2f}")
        sweeps[name] = (x, t, slope)
    CONSOLE.print(table)
    if picture:
        draw(sweeps, picture)


def draw(sweeps: dict, picture: Path) -> None:
    from matplotlib.figure import Figure

    from neurosim.drawing import BLUE, save, style

    with style():
        figure = Figure(figsize=(9.6, 2.6), layout="constrained")
        panels = figure.subplots(1, 4)
        for panel, (name, (x, t, slope)) in zip(panels, sweeps.items(), strict=True):
            panel.loglog(x, t, "o-", color=BLUE)
            panel.set_title(f"slope {slope:.2f}", loc="left")
            panel.set_xlabel(name)
        panels[0].set_ylabel("time (ms)")
    save(figure, picture.with_suffix(""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--memory", type=int, metavar="SAMPLES")
    options = parser.parse_args()
    if options.memory:
        memory((options.memory,))
    else:
        against_xylosim()
        threads()
        memory((256, 1024, 4096))
        costs(options.plot)
