"""Run a study's cases on all cores or a Dask cluster; every finished case is stored at once."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from rich.console import Console

from neurosim import store
from neurosim.errors import NeurosimError, UnavailableError
from neurosim.experiments.progress import bar
from neurosim.experiments.studies.study import Case, Only, Row, Study, key

CASES = "cases"
"""Sub-folder of the files of single cases."""


class StudyError(NeurosimError):
    """Cases of a study failed; the message has the first reason. The others are stored."""


def run(
    study: Study,
    folder: Path,
    *,
    seeds: int | None = None,
    fast: bool = False,
    only: Only | None = None,
    jobs: int = -1,
    dask: str | None = None,
    console: Console | None = None,
) -> tuple[list[Row], float]:
    """Run what is not stored yet, and return the rows of all cases.

    A case is stored as one file as soon as it is measured, whole or not at all: a study that was
    killed goes on where it stopped.

    Args:
        study: what to run.
        folder: of this study; holds a file for each finished case.
        seeds: number of seeds; the study's own when left out.
        fast: the small version of the study.
        only: values of some axes of its grid, as text; all when left out.
        jobs: processes on this machine; -1 takes all cores.
        dask: address of a scheduler whose workers run the cases instead.
        console: where progress is shown.

    Returns:
        The rows in the order of the cases, and the seconds that all cases took together.

    Raises:
        StudyError: a case failed.
        UnavailableError: `dask` is given and Dask is missing or does not answer.
    """
    cases = study.cases(seeds, fast=fast, only=only)
    place = folder / CASES
    place.mkdir(parents=True, exist_ok=True)
    paths = [place / f"{key(study, case)}.json" for case in cases]
    jobs_left = [(c, p) for c, p in zip(cases, paths, strict=True) if stored(p) is None]
    run_all = _on_dask(dask) if dask else _on_cores(jobs)
    failed = []
    with bar(console) as progress:
        done = len(cases) - len(jobs_left)
        note = f"{done} stored before" if done else ""
        task = progress.add_task(study.name, total=len(cases), completed=done, note=note)
        for path, record in run_all(study, jobs_left):
            if "error" in record:
                failed.append(record)
            elif not path.is_file():  # measured by a worker that does not see this folder
                store.write_text(path, json.dumps(record))
            progress.update(task, advance=1, note=" ".join(map(str, record["label"].values())))
    if failed:
        first = failed[0]
        raise StudyError(
            f"study {study.name}: {len(failed)} of {len(cases)} cases failed, first "
            f"{first['label']}: {first['error']}; the others are stored, run it again to resume"
        )
    records = [stored(path) or {} for path in paths]
    rows = [
        {**study.label(case), **row}
        for case, record in zip(cases, records, strict=True)
        for row in record["rows"]
    ]
    return rows, sum(record["seconds"] for record in records)


def stored(path: Path) -> dict[str, Any] | None:
    """Return the record of a finished case, None if there is none or it is damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "rows" in record else None


def execute(study: Study, case: Case, path: Path) -> tuple[Path, dict[str, Any]]:
    """Measure one case and store it where the folder is seen; one stored meanwhile is returned.

    A cluster hands a task out again whose worker died after storing it: so it is not run twice.
    """
    record = stored(path)
    if record is not None:
        return path, record
    begin = time.monotonic()
    try:
        rows = study.measure(**case)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{error!r} in {Path(where.filename).name}, line {where.lineno}"
        return path, {"label": study.label(case), "error": reason}
    record = {
        "case": case,
        "label": study.label(case),
        "seconds": round(time.monotonic() - begin, 2),
        "rows": rows,
    }
    if path.parent.is_dir():
        store.write_text(path, json.dumps(record))
    return path, record


Todo = list[tuple[Case, Path]]
Executor = Callable[[Study, Todo], Iterator[tuple[Path, dict[str, Any]]]]


def _on_cores(jobs: int) -> Executor:
    def run_all(study: Study, todo: Todo) -> Iterator[tuple[Path, dict[str, Any]]]:
        pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        yield from pool(delayed(execute)(study, case, path) for case, path in todo)

    return run_all


def _on_dask(address: str) -> Executor:
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        remedy = "pip install 'neurosim[cluster]'"
        raise UnavailableError(f"--dask {address} needs dask.distributed: {remedy}") from error

    def run_all(study: Study, todo: Todo) -> Iterator[tuple[Path, dict[str, Any]]]:
        try:
            client = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"--dask {address}: no scheduler answers there ({error}); start one with `dask "
                "scheduler` and workers with `dask worker ADDRESS`"
            ) from error
        with client:
            # Each case on its own: a cluster that loses a worker gives its case to another.
            futures = [
                client.submit(execute, study, case, path.resolve(), pure=False)
                for case, path in todo
            ]
            for _, result in as_completed(futures, loop=client.loop, with_results=True):
                yield result

    return run_all
