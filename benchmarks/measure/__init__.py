"""How the benchmarks measure: steps in turn, the memory that a step takes; and ratios to keep."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

RATIOS = "NEUROSIM_RATIOS"
"""Environment variable with the file of ratios; `neurosim bench --json` sets it and reads them."""
_NAMES: set[str] = set()


def ratio(name: str, value: float) -> None:
    """Hand in a ratio to be kept: how many times faster, or smaller in memory, than a reference.

    Larger is better, both sides are measured in one run. Prints nothing; without `RATIOS` in the
    environment it does nothing.

    Args:
        name: what to which reference, such as "LIF to LIFTorch, T = 100"; once in a run.
        value: above 0.

    Raises:
        ValueError: the value is not above 0, or not finite; the name was handed in before.
    """
    if name in _NAMES:
        raise ValueError(f"ratio {name!r} was handed in before; each needs a name of its own")
    _NAMES.add(name)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"ratio {name!r} is {value}; it must be above 0 and finite")
    if file := os.environ.get(RATIOS):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"name": name, "value": float(value)}) + "\n")


class Timing(NamedTuple):
    """Seconds of every round of a step, and what the step gave back in the last."""

    seconds: list[float]
    result: Any

    @property
    def least(self) -> float:
        return min(self.seconds)


def in_turn(
    steps: Mapping[str, Callable[[], Any]],
    rounds: int,
    *,
    seldom: Mapping[str, int] | None = None,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, Timing]:
    """Measure steps in turn, round after round, so that other work disturbs all alike.

    A first call, which compiles and warms up, is not counted. Steps that take long are called
    seldom: the given number of times from the first round on, each of which counts.
    """
    seldom = seldom or {}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    results: dict[str, Any] = {}
    for number in range(rounds + 1):
        for name, step in steps.items():
            if name in seldom and number >= seldom[name]:
                continue
            results.pop(name, None)  # frees its memory for the next
            start = clock()
            results[name] = step()
            spent = clock() - start
            if number or name in seldom:
                seconds[name].append(spent)
    return {name: Timing(seconds[name], results[name]) for name in steps}


def alone(
    step: Callable[[], Any], rounds: int, *, clock: Callable[[], float] = time.process_time
) -> Timing:
    """Measure one step; a first call is not counted."""
    return in_turn({"": step}, rounds, clock=clock)[""]


def added_peak(step: Callable[[], object]) -> float:
    """Return by how many MB a call raises the peak memory of this process (Linux)."""
    before = start_of_peak()
    step()
    return peak() - before


def start_of_peak() -> float:
    """Let `peak` start anew, and return the MB that this process holds now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _kilobytes("VmRSS") / 1024


def peak() -> float:
    """Return the most MB that this process has held at once (Linux)."""
    return _kilobytes("VmHWM") / 1024


def _kilobytes(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split(name + ":")[1].split()[0])


def in_fresh_process(function: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function of a module gives back in a process that has done nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)
