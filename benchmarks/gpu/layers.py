"""Training steps of dense nets on a GPU, neurosim's Triton kernels beside other libraries.

    PYTHONPATH=benchmarks python benchmarks/gpu/layers.py OUT.jsonl [--cpu] [--budget SECONDS]

A 15-48-48-48-6 net, forward, backward and Adam, T = 100 and 400, batch 128 and 1,024, in turn and
synchronised: the least time and the median of the rounds. Then single layers of other widths, as
`benchmarks/triton_lif.py` has them, with the share of the card's copy bandwidth that they reach.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import peer_nets  # noqa: E402
import torch  # noqa: E402
from ledger import Ledger  # noqa: E402
from measure import in_turn  # noqa: E402

SIZES = (15, 48, 48, 48, 6)
CASES = [(steps, batch) for steps in (100, 400) for batch in (128, 1024)]
WIDTHS = [(100, 48), (100, 512), (100, 4096), (400, 512), (1000, 48), (1000, 512)]
ROUNDS, SELDOM = 12, 2
FLOOR = "linear layers alone"
SLOW = ("rockpool LIFTorch", "snntorch Leaky", "snntorch Synaptic", "spikingjelly LIFNode, torch")
"""Loops over steps in Python: measured twice."""
IN_A_PROCESS = {
    "spikingjelly LIFNode, triton": {"SJ_LIF_CUDA_IMPLEMENTATION": "triton"},
    "spikingjelly LIFNode, torch": {"SJ_LIF_CUDA_IMPLEMENTATION": "torch"},
    "spikingjelly 0.0.0.0.14 LIFNode, cupy": {},
}
"""SpikingJelly 2 chooses its kernels when it is imported; the release before has those in CuPy."""
OLD = "SPIKINGJELLY_OLD"
"""Environment variable: a folder with SpikingJelly 0.0.0.0.14."""
ARRAYS = 8
"""Read or written by a layer in a training step: see triton_lif.py."""


def kinds() -> dict[str, peer_nets.Kind]:
    """Return the kinds of layers by row."""
    every = peer_nets.kinds()
    rows = {FLOOR: peer_nets.neurons_alone(every["neurosim LIF"])}
    for name, kind in every.items():
        if kind.library in ("neurosim", "rockpool", "snntorch") and peer_nets.available(kind):
            rows[name] = kind
    return rows


def step_of(row: str, steps: int, batch: int, device: str) -> Callable[[], torch.Tensor]:
    """Return one training step; it gives back the spikes per output neuron and step."""
    kind = peer_nets.kinds()["spikingjelly LIFNode"] if row in IN_A_PROCESS else kinds()[row]
    net = peer_nets.build(kind, SIZES, drive=1.2).to(device)
    if row.endswith("cupy"):
        for layer in net.layers[1::2]:
            layer.backend = "cupy"
    weights = [layer.weight for layer in net.layers[::2]]
    optimiser = torch.optim.Adam(weights, lr=1e-6)
    generator = torch.Generator().manual_seed(1)
    events = (torch.rand(batch, steps, SIZES[0], generator=generator) < 0.2).float().to(device)
    labels = torch.randint(SIZES[-1], (batch,), generator=generator).to(device)

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        out = net(events)
        torch.nn.functional.cross_entropy(out.mean(1), labels).backward()
        optimiser.step()
        return out.detach().mean()

    return step


def measured(
    rows: list[str], steps: int, batch: int, device: str, rounds: int
) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Return the times of rows that ran, and why others did not."""
    todo, failed = {}, {}
    for row in rows:
        try:
            step = step_of(row, steps, batch, device)
            step()
            todo[row] = step
        except Exception as error:  # another library lacks something on this machine
            failed[row] = f"{type(error).__name__}: {str(error).splitlines()[0][:150]}"
    seldom = {row: SELDOM for row in SLOW if row in todo}
    timings = in_turn(todo, rounds, seldom=seldom, clock=clock(device))
    return {
        row: {
            "least_ms": 1e3 * timing.least,
            "median_ms": 1e3 * float(np.median(timing.seconds)),
            "rounds": len(timing.seconds),
            "spikes": float(timing.result),
        }
        for row, timing in timings.items()
    }, failed


def in_a_process(row: str, cases: list[tuple[int, int]], rounds: int) -> list[Any]:
    """Return what `measured` gives for a row and each case in a process of its own."""
    environment = {**os.environ, **IN_A_PROCESS[row]}
    if row.endswith("cupy"):
        if not os.environ.get(OLD):
            return [({}, {row: f"{OLD} names no folder with that release"})] * len(cases)
        environment["PYTHONPATH"] = os.pathsep.join((os.environ[OLD], environment["PYTHONPATH"]))
    command = [sys.executable, __file__, "-", "--row", row, str(rounds), json.dumps(cases)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("JSON "):
            return list(json.loads(line[5:]))
    reason = (done.stderr.strip().splitlines() or ["no result"])[-1][:150]
    return [({}, {row: reason})] * len(cases)


def clock(device: str) -> Callable[[], float]:
    """Return a clock that waits for the card."""

    def now() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    return now


@lru_cache
def bandwidth() -> float:
    """Return the card's bandwidth in GB/s, read and written, from copies of 1 GB."""
    a = torch.empty(1 << 28, device="cuda")
    b = torch.empty_like(a)
    timing = in_turn({"": lambda: b.copy_(a)}, 10, clock=clock("cuda"))[""]
    return float(2 * a.numel() * 4 / timing.least / 1e9)


def nets(
    ledger: Ledger, device: str, cases: list[tuple[int, int]], rounds: int, fast: bool = False
) -> None:
    """Measure training steps of the net in all libraries, or of those without a loop over steps."""
    left = [case for case in cases if not ledger.has("layers", name_of(case, fast))]
    if not left:
        return
    own = [row for row in kinds() if not (fast and row in SLOW)]
    elsewhere = [row for row in IN_A_PROCESS if device == "cuda" and not (fast and row in SLOW)]
    others = {row: in_a_process(row, left, rounds) for row in elsewhere}
    for number, (steps, batch) in enumerate(left):
        rows, failed = measured(own, steps, batch, device, rounds)
        for results in others.values():
            rows |= results[number][0]
            failed |= results[number][1]
        result = {"rows": rows, "failed": failed}
        if device == "cuda":
            moved = ARRAYS * batch * steps * sum(SIZES[1:]) * 4
            rate = moved / rows["neurosim LIF"]["least_ms"] / 1e6
            result |= {"share_of_bandwidth": rate / bandwidth(), "copies_GB_s": bandwidth()}
        ledger.add("layers", name_of((steps, batch), fast), result)


def name_of(case: tuple[int, int], fast: bool) -> str:
    """Return the name of a net's case."""
    return f"net, T = {case[0]}, batch {case[1]}{', without loops over steps' if fast else ''}"


def single(ledger: Ledger) -> None:
    """Measure single layers on the card."""
    import triton_lif

    for steps, neurons in WIDTHS:
        case = f"layer, T = {steps}, width {neurons}"
        if ledger.has("layers", case):
            continue
        rows, failed = {}, {}
        for name, (layer, time_first) in triton_lif.layers(neurons).items():
            shape = (triton_lif.BATCH, steps, neurons)
            if time_first:
                shape = (steps, triton_lif.BATCH, neurons)
            try:
                rows[name] = {"least_ms": 1e3 * triton_lif.training_step(layer, shape)}
            except Exception as error:  # as above
                failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:150]}"
        moved = ARRAYS * triton_lif.BATCH * steps * neurons * 4
        for row in rows.values():
            row["share_of_bandwidth"] = moved / row["least_ms"] / 1e6 / bandwidth()
        ledger.add("layers", case, {"rows": rows, "failed": failed, "copies_GB_s": bandwidth()})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--fast", action="store_true", help="leave out loops over steps")
    parser.add_argument("--row", nargs=3)
    arguments = parser.parse_args()
    if arguments.row:
        row, rounds, cases = arguments.row
        if row.endswith("cupy"):
            # That release uses a name of Python's int that numpy dropped in 1.24.
            vars(np)["int"] = int
        results = [measured([row], *case, "cuda", int(rounds)) for case in json.loads(cases)]
        print("JSON " + json.dumps(results), flush=True)
        return
    ledger = Ledger(arguments.out)
    if arguments.cpu:
        nets(ledger, "cpu", [(10, 8)], 2)
        return
    nets(ledger, "cuda", CASES, ROUNDS, arguments.fast)
    if find_spec("triton") is not None and not arguments.fast:
        single(ledger)


if __name__ == "__main__":
    main()
