"""Accuracy of the theory against references of 30 digits and simulations, and NNMT beside it.

    python benchmarks/analysis.py        # below 2 minutes

Times are the best of some repetitions in this run. NNMT 1.3 is compared in CPU time, in turn, where
it can be imported (`make peers`, then .venv-peers/bin/python benchmarks/analysis.py), else that
part is left out; `--times` leaves the accuracy out.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from accuracy import references, simulations
from accuracy.simulations import TENTH
from measure import alone, in_turn, ratio
from rich.console import Console
from rich.table import Table

from neurosim.analysis.discrete import discrete_time
from neurosim.analysis.firing_rate import cv, log_gradient, log_siegert, siegert
from neurosim.analysis.passage import first_passage
from neurosim.analysis.thresholds.random_threshold import Uniform, expected_rate
from neurosim.analysis.thresholds.stationary import gate

CELL = {"threshold": 1.0, "reset": 0.0, "tau": 0.02, "refractory": 0.002}
POINTS = 10_000
PARTS = (
    references.rates,
    references.gates,
    references.passages,
    references.discrete,
    simulations.neurons,
    simulations.networks,
    references.layers,
)
HARD = (
    ("mean halfway to threshold", [0.5], [0.5]),
    ("no noise", [2.0], [0.0]),
    ("at threshold, little noise", [1.0], [1e-9]),
    ("never fires", [-1000.0], [0.1]),
    ("one strong drive in an array", [0.6, 1e4], [0.5, 0.01]),
    ("one quiet neuron in an array", [0.6, 2.0], [0.5, 1e-6]),
    ("one silent neuron in an array", [0.6, -1000.0], [0.5, 0.1]),
    ("one NaN in an array", [np.nan, 0.6], [0.5, 0.5]),
)
"""Means and standard deviations; the last element is shown."""


def fastest(run: Callable[[], object], repeats: int = 7) -> float:
    return alone(run, repeats, clock=time.perf_counter).least


def speeds() -> list[tuple[str, str, float]]:
    """Return name, target and milliseconds."""
    rng = np.random.default_rng(0)
    mean, std = rng.uniform(-20, 20, POINTS), rng.uniform(0.5, 2, POINTS)
    rate = discrete_time.rate
    centre, spread = rng.normal(0, 1, POINTS), rng.uniform(0.1, 1, POINTS)
    one_wide = np.where(np.arange(POINTS) == 0, 500.0, spread)
    law = Uniform(0.8, 1.2)
    jobs: list[tuple[str, str, Callable[[], object]]] = [
        ("10,000 Siegert rates", "20", lambda: siegert(mean, std, **CELL)),
        ("10,000 gradients", "", lambda: log_gradient(mean, std, **CELL)),
        ("one CV", "10", lambda: cv(0.8, 0.4, **CELL)),
        ("1000 CVs", "10", lambda: cv(mean[:1000], std[:1000], **CELL)),
        ("discrete-time rate, std 0.4", "", lambda: rate(0.8, 0.4, threshold=1.0, decay=TENTH)),
        ("discrete-time rate, std 0.01", "", lambda: rate(1.2, 0.01, threshold=1.0, decay=TENTH)),
        ("10,000 sigmoid gates", "", lambda: gate(1.0, centre, spread, "sigmoid")),
        (
            "10,000 rockpool gates, one of std 500",
            "",
            lambda: gate(1.0, centre, one_wide, "periodic-exponential"),
        ),
        (
            "median passage from 0.35 std below",
            "",
            lambda: first_passage.quantile(0.5, 1.0, 0.5, 0.4, 0.02, 0.86),
        ),
        (
            "expected rate, std 0.05, 10 % of range",
            "",
            lambda: expected_rate(law, 0.8, 0.05, decay=0.9),
        ),
        ("expected rate, std 0.01", "", lambda: expected_rate(law, 0.8, 0.01, decay=0.9)),
    ]
    return [(name, target, 1e3 * fastest(job, 3)) for name, target, job in jobs]


def beside_nnmt(console: Console) -> None:
    """Print times and answers of NNMT and of this package on the same inputs."""
    try:
        from nnmt.lif.delta import _firing_rates_for_given_input as nnmt_rates
    except ImportError:
        console.print("NNMT cannot be imported here: not compared (make peers)")
        return

    def theirs(mean: Any, std: Any) -> Any:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return nnmt_rates(mean, np.sqrt(2) * std, 0.0, 1.0, 0.02, 0.002)

    rng = np.random.default_rng(0)
    table = Table(title="10,000 Siegert rates", title_justify="left")
    for column in ("means", "NNMT (ms)", "neurosim (ms)", "ratio", "median", "least", "difference"):
        table.add_column(column, justify="right")
    for low, high in ((-4.0, 6.0), (-20.0, 20.0)):
        mean, std = rng.uniform(low, high, POINTS), rng.uniform(0.5, 2, POINTS)
        them, us = in_turn(
            {"NNMT": partial(theirs, mean, std), "neurosim": partial(siegert, mean, std, **CELL)},
            21,
        ).values()
        normal = us.result > 1e-290  # not yet denormal
        apart = np.abs(them.result[normal] / us.result[normal] - 1).max()
        ratio(f"10,000 Siegert rates to NNMT, means {low:g} to {high:g}", them.least / us.least)
        pairs = np.array(them.seconds) / us.seconds
        times = (f"{1e3 * them.least:.1f}", f"{1e3 * us.least:.1f}", f"{them.least / us.least:.1f}")
        table.add_row(
            f"{low:g} to {high:g}", *times, *(f"{f(pairs):.1f}" for f in (np.median, np.min)),
            f"{apart:.1e}",
        )  # fmt: skip
    console.print(table)
    table = Table(title="Where they differ", title_justify="left")
    for column in ("case", "mean", "std", "NNMT (Hz)", "neurosim (Hz)", "its logarithm"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, means, stds in HARD:
        try:
            peer_rate = f"{np.ravel(theirs(np.array(means), np.array(stds)))[-1]:.6g}"
        except Exception as error:  # whatever it raises is the finding
            peer_rate = type(error).__name__
        rate, log = (f(means[-1], stds[-1], **CELL) for f in (siegert, log_siegert))
        shown = (f"{means[-1]:g}", f"{stds[-1]:g}", peer_rate, f"{rate:.6g}", f"{log:.7g}")
        table.add_row(name, *shown)
    console.print(table)


def accuracy(console: Console) -> None:
    """Print the worst error of every quantity."""
    table = Table(title="Errors (relative unless said)", title_justify="left")
    for column in ("quantity", "target", "worst error", "where"):
        table.add_column(column, justify="left" if column in ("quantity", "where") else "right")
    for part in PARTS:
        for quantity, target, error, where in part():
            missed = target != "" and not error <= float(target)
            shown = f"{error:.1e}" + (" MISSED" if missed else "")
            table.add_row(quantity, target, shown, where)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", action="store_true", help="times only")
    only_times = parser.parse_args().times
    console = Console(width=100)
    begin = time.perf_counter()
    if not only_times:
        accuracy(console)
    table = Table(title="Times", title_justify="left")
    for column in ("what", "target (ms)", "ms"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, target, milliseconds in speeds():
        table.add_row(name, target, f"{milliseconds:.2f}")
    console.print(table)
    beside_nnmt(console)
    console.print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
