"""Run a study's cases on all cores or a Dask cluster; every finished case is stored at once."""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console

from neurosim import store
from neurosim.studies.executors import StudyError, on_cores, on_dask
from neurosim.studies.study import Case, Only, Row, Study, key
from neurosim.workflows.progress import bar

__all__ = ["CASES", "StudyError", "execute", "run", "stored"]

CASES = "cases"
"""Sub-folder of the files of single cases."""


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
        UnavailableError: what the study needs is missing; `dask` is given and Dask is missing or
            does not answer.
    """
    cases = study.cases(seeds, fast=fast, only=only)
    place = folder / CASES
    paths = [place / f"{key(study, case)}.json" for case in cases]
    jobs_left = [(c, p) for c, p in zip(cases, paths, strict=True) if stored(p) is None]
    if study.needs is not None and not dask:  # a cluster's workers have files of their own
        study.needs([case for case, _ in jobs_left])
    place.mkdir(parents=True, exist_ok=True)
    say = console.print if console is not None else (lambda _: None)
    run_all = on_dask(dask, say) if dask else on_cores(jobs)
    failed = []
    with bar(console) as progress:
        done = len(cases) - len(jobs_left)
        note = f"{done} stored before" if done else ""
        task = progress.add_task(study.name, total=len(cases), completed=done, note=note)
        try:
            for path, record in run_all(execute, study, jobs_left):
                if "error" in record:
                    failed.append(record)
                elif not path.is_file():  # measured by a worker that does not see this folder
                    store.write_text(path, json.dumps(record))
                progress.update(task, advance=1, note=" ".join(map(str, record["label"].values())))
        except KeyboardInterrupt:
            done = sum(stored(path) is not None for path in paths)
            say(f"{done} of {len(cases)} cases are stored; the same command goes on from there")
            raise
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
