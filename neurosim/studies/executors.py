"""Where a study's cases run: on the cores of this machine, or on a Dask cluster."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from neurosim.errors import InputError, NeurosimError, UnavailableError
from neurosim.studies.study import Case, Study

Record = dict[str, Any]
"""Of a case: its rows and seconds, or `error`; see `runner.execute`."""
Measure = Callable[[Study, Case, Path], tuple[Path, Record]]
Todo = list[tuple[Case, Path]]
Executor = Callable[[Measure, Study, Todo], Iterator[tuple[Path, Record]]]

_ALONE = threading.Lock()


class StudyError(NeurosimError):
    """Cases of a study failed; the message has the first reason. The others are stored."""


def on_cores(jobs: int) -> Executor:
    """Return an executor of so many processes, each with its share of the cores as threads.

    Raises:
        InputError: there are no processes to use.
    """
    if jobs == 0:
        raise InputError("jobs is 0; say how many processes, or -1 for one a core")

    def run_all(measure: Measure, study: Study, todo: Todo) -> Iterator[tuple[Path, Record]]:
        pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        try:
            yield from pool(delayed(measure)(study, case, path) for case, path in todo)
        except BrokenProcessPool as error:
            raise StudyError(
                f"study {study.name}: a process died, perhaps for want of memory; finished cases "
                "are stored, run it again with fewer --jobs to go on"
            ) from error

    return run_all


def on_dask(address: str, say: Callable[[str], None]) -> Executor:
    """Return an executor that hands cases to the workers of a scheduler.

    Args:
        address: of the scheduler.
        say: is told what the user should know.

    Raises:
        InputError: that is no address.
        UnavailableError: Dask is missing; when run, no scheduler answers.
    """
    if not re.fullmatch(r".+:\d+", address):
        raise InputError(f"--dask {address}: say where the scheduler is, as tcp://HOST:PORT")
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        remedy = "pip install 'neurosim[cluster]'"
        raise UnavailableError(f"--dask {address} needs dask.distributed: {remedy}") from error

    def run_all(measure: Measure, study: Study, todo: Todo) -> Iterator[tuple[Path, Record]]:
        try:
            client = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"--dask {address}: no scheduler answers there ({error}); start one with `dask "
                "scheduler` and workers with `dask worker ADDRESS --nthreads 1`"
            ) from error
        with client:
            if not client.nthreads():
                say(f"no worker yet: start some with `dask worker {address} --nthreads 1`")
            # Each case on its own: a cluster that loses a worker gives its case to another.
            futures = {
                client.submit(_alone, measure, study, case, path.resolve(), pure=False): (
                    case,
                    path,
                )
                for case, path in todo
            }
            for future in as_completed(futures, loop=client.loop):
                if (fault := future.exception()) is None:
                    yield future.result()
                else:  # its workers died again and again, or cannot read the study
                    case, path = futures[future]
                    yield path, {"label": study.label(case), "error": repr(fault)}

    return run_all


def _alone(measure: Measure, study: Study, case: Case, path: Path) -> tuple[Path, Record]:
    """Measure one case at a time in a worker: simulators are not made for threads."""
    with _ALONE:
        return measure(study, case, path)
