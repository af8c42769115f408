"""How cost grows: a training step over T, width, batch and layers, a study over processes.

    python benchmarks/growth.py          # about three minutes
    python benchmarks/growth.py --write  # and benchmarks/growth.md
    python benchmarks/growth.py --training  # without the study, which needs two idle cores

Steps (forward, backward, Adam) keep the rasters of all layers, in one thread, in CPU time, in
turn; the least of the rounds counts. A power law is fitted through them by least squares of the
logarithms; the interval is that of Student's t, and holds noise and what is no power law. A study
runs one process and two in turn, by the clock on the wall, with libraries loaded before; the
interval is over rounds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from measure import in_turn  # noqa: E402
from measure.power_laws import COLUMNS, Growth, fitted, of_pairs  # noqa: E402
from training_controls import training_step  # noqa: E402

from neurosim import store, tables  # noqa: E402
from neurosim.provenance import processor, versions  # noqa: E402
from neurosim.snn.layered import layered  # noqa: E402
from neurosim.studies.runner import run_cases  # noqa: E402
from neurosim.studies.study import Row, Study  # noqa: E402
from neurosim.training import imu_task  # noqa: E402

BASE = {"steps": 100, "width": 48, "batch": 128, "layers": 3}
SWEEPS = {
    "steps": (50, 100, 200, 400),
    "width": (24, 48, 96, 192, 384),
    "batch": (32, 64, 128, 256),
    "layers": (1, 2, 4, 8),
}
TITLES = {
    "steps": "training step over T",
    "width": "over the width of hidden layers",
    "batch": "over the batch",
    "layers": "over the number of hidden layers",
}
ROUNDS, STUDY_ROUNDS, CASES, CASE_STEPS = 5, 4, 6, 10
NO_STUDY = "The study over processes was not measured in this run (`--training`)."
PAGE = Path(__file__).with_suffix(".md")


# --- a training step ------------------------------------------------------------------------------


def step_of(*, steps: int, width: int, batch: int, layers: int) -> Callable[[], float]:
    """Return one training step; it gives back the part of hidden neurons that fire in a step."""
    net = layered(15, 6, hidden=(width,) * layers, weight_gain=1.0, dt=5e-3)
    optimiser = torch.optim.Adam(list(net.parameters().astorch()), lr=1e-6)
    rng = np.random.default_rng(0)
    events = torch.tensor(rng.poisson(0.5, (batch, steps, 15)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(0, 6, batch))

    step = training_step(net, optimiser, events, labels)
    with torch.no_grad():
        hidden = imu_task.forward(net, events)[1][:-1]
    density = float(np.mean([float((spikes > 0).float().mean()) for spikes in hidden]))

    def measured() -> float:
        step()
        return density

    return measured


def training() -> Iterator[Growth]:
    """Yield how a training step grows over each size."""
    cases = {
        (axis, size): step_of(**{**BASE, axis: size})
        for axis, sizes in SWEEPS.items()
        for size in sizes
    }
    timings = in_turn(cases, ROUNDS)
    for axis, sizes in SWEEPS.items():
        rows = [timings[axis, size] for size in sizes]
        densities = [timing.result for timing in rows]
        note = f"{min(densities):.0%} to {max(densities):.0%} of hidden neurons fire in a step"
        growth = fitted(TITLES[axis], sizes, [timing.least for timing in rows])
        yield growth._replace(note=note)


# --- a study --------------------------------------------------------------------------------------


def train_briefly(**case: Any) -> list[Row]:
    """Measure a case of the study: some training steps of a net in one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    step = step_of(**BASE)
    for _ in range(case["repeats"]):
        step()
    torch.set_num_threads(threads)
    return [{"steps": case["repeats"]}]


STUDY = Study(
    name="growth",
    title="Some training steps",
    measure=train_briefly,
    grid={"net": tuple(range(CASES))},
    units={"steps": "1"},
    settings={"repeats": CASE_STEPS},
    seeds=1,
)


def studies() -> Iterator[Growth | str]:
    """Yield how the time of a study changes with processes, or why that was not measured."""
    joblib = {n: lambda n=n: run({"jobs": n}) for n in (1, 2)}
    yield over_processes("joblib", joblib)
    if find_spec("distributed") is None:
        yield "dask.distributed: skipped, it is not installed (`pip install 'neurosim[cluster]'`)"
        return
    from distributed import LocalCluster

    with ExitStack() as clusters:
        dask = {}
        for n in (1, 2):
            cluster = LocalCluster(
                n_workers=n, threads_per_worker=1, dashboard_address=None, silence_logs=50
            )
            clusters.callback(_close, cluster)
            dask[n] = lambda address=cluster.scheduler_address: run({"dask": address})
        yield over_processes("dask.distributed", dask)


def _close(cluster: Any) -> None:
    with suppress(TimeoutError):  # a busy machine: the workers end with this process
        cluster.close(60)


def run(where: dict[str, Any]) -> None:
    """Run all cases of the study anew."""
    with tempfile.TemporaryDirectory() as folder:
        run_cases(STUDY, Path(folder), **where)


def over_processes(library: str, runs: dict[int, Callable[[], None]]) -> Growth:
    """Measure one process and two in turn."""
    timings = in_turn(runs, STUDY_ROUNDS, clock=time.perf_counter)
    growth = of_pairs(f"study over processes, {library}", timings[1].seconds, timings[2].seconds)
    faster = 2**-growth.exponent
    note = f"{CASES} cases of {CASE_STEPS} steps; two processes are {faster:.2f} times faster"
    return growth._replace(note=note)


# --- the page -------------------------------------------------------------------------------------


def page(rows: list[Growth], skipped: list[str], command: str) -> str:
    """Return the page with one table."""
    head = __doc__.partition("\n\n")[0].rstrip(".")
    about = " ".join(__doc__.split("\n\n")[2].split())
    base = "T = {steps}, width {width}, batch {batch}, {layers} hidden layers".format(**BASE)
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    text = tables.markdown(COLUMNS, [growth.row() for growth in rows], right=("exponent",))
    load = f"Mean load of its {os.cpu_count()} cores while measured: {os.getloadavg()[1]:.1f}"
    return "\n".join(
        [
            f"# {head}\n",
            f"Command: `{command}`\n",
            f"Processor: {processor()['processor']}. {load}.\n",
            f"Versions: {packages}.\n",
            f"{about} Unless it is varied: {base}; 15 inputs, 6 outputs.\n",
            text,
            *(f"\n{reason}" for reason in skipped),
            "",
        ]
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write benchmarks/growth.md")
    parser.add_argument("--training", action="store_true", help="leave the study out")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows: list[Growth] = []
    skipped: list[str] = []
    for result in chain(training(), [NO_STUDY] if options.training else studies()):
        if isinstance(result, Growth):
            rows.append(result)
            print(*result.row(), sep=" | ", flush=True)
        else:
            skipped.append(result)
            print(result, flush=True)
        if options.write:  # what is measured stays, whatever happens to the rest
            command = " ".join(["python benchmarks/growth.py", *arguments])
            store.write_text(PAGE, page(rows, skipped, command))


if __name__ == "__main__":
    main(sys.argv[1:])
