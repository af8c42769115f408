"""Run studies on all cores or a Dask cluster; every finished case is stored at once."""

from __future__ import annotations

import json
import shlex
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from neurosim import outside, store
from neurosim.errors import InputError
from neurosim.progress import bar
from neurosim.studies import overview, results
from neurosim.studies.executors import StudyError, on_cores, on_dask
from neurosim.studies.study import Case, Only, Row, Study, key

FULL, FAST = Path("runs/studies"), Path("runs/studies-fast")
"""Where studies run unless told otherwise."""
CHECKSUM = "sha256"
"""Key of a record's checksum."""
RECORD_BYTES = 2**28
"""Largest record of a case."""
CASES = "cases"
"""Sub-folder of the files of single cases."""


def run_study(
    study: Study,
    out: Path,
    *,
    fast: bool = False,
    seeds: int | None = None,
    only: Sequence[str] = (),
    jobs: int = -1,
    dask: str | None = None,
    ship: bool = False,
    draw: Callable[[Path], list[Path]] | None = None,
    console: Console,
) -> list[Path]:
    """Run a study in the folder `out`/NAME, write its results there.

    Args:
        study: which.
        out: folder of all studies.
        fast: its small version.
        seeds: instead of its own number.
        only: parts of its grid, each as AXIS=VALUE,VALUE.
        jobs: processes on this machine; -1 takes all cores.
        dask: address of a scheduler whose workers run the cases instead.
        ship: keep the results in figures/data, too.
        draw: draws the results (a CSV file) beside them, and returns the files.
        console: where progress is shown.

    Raises:
        InputError: `ship` is asked for a fast run, or `only` is not of that form.
    """
    chosen = _parts(only)
    if fast and ship:
        raise InputError("--ship keeps the results of full runs; leave --fast out")
    study.cases(seeds, fast=fast, only=chosen)  # wrong values are refused before anything is said
    if not fast and (before := overview.stored(study)) is not None:
        console.print(f"{study.name}: the stored run ({before.cases} cases) took {before.time}")
    rows, seconds = run_cases(
        study,
        out / study.name,
        seeds=seeds,
        fast=fast,
        only=chosen,
        jobs=jobs,
        dask=dask,
        console=console,
    )
    command = f"neurosim study {study.name}" + (" --fast" if fast else "")
    command += f" --seeds {seeds}" if seeds not in (None, study.seeds) else ""
    command += "".join(f" --only {shlex.quote(text)}" for text in only)
    paths = results.write(study, rows, out / study.name, command=command, seconds=seconds)
    if ship:
        text = paths[0].read_text(encoding="utf-8")
        paths.append(results.shipped(study.name))
        store.write_text(paths[-1], text)
    paths += draw(paths[0]) if draw else []
    console.print(
        f"{len(rows)} rows, {overview.duration(seconds)}: {', '.join(map(str, paths))}",
        soft_wrap=True,
    )
    if study.show is not None:
        console.print(study.show(results.read(paths[0])))
    return paths


def _parts(only: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each axis in texts of the form AXIS=VALUE,VALUE."""
    parts = {}
    for text in only:
        axis, _, values = text.partition("=")
        if not (axis and values):
            raise InputError(f"--only {text}: say AXIS=VALUE,VALUE")
        parts[axis] = values.split(",")
    return parts


def run_cases(
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

    Args as for `run_study`, but:
        folder: of this study; holds a file for each finished case.
        only: values of some axes of its grid, as text; all when left out.

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
    stored = [record_of(path) for path in paths]
    todo = [(c, p) for c, p, r in zip(cases, paths, stored, strict=True) if r is None]
    if not dask:  # a cluster's workers have files of their own
        study.look_for_files([case for case, _ in todo])
    place.mkdir(parents=True, exist_ok=True)
    say = console.print if console is not None else (lambda _: None)
    run_all = on_dask(dask, say) if dask else on_cores(jobs)
    for path in [path for _, path in todo if path.is_file()]:
        say(f"{path}: damaged, or changed since it was written; the case is measured again")
    if old := sum(record is not None and CHECKSUM not in record for record in stored):
        say(f"{old} cases were stored by an earlier version, without checksums; they are believed")
    done, failed = len(cases) - len(todo), []
    with bar(console) as progress:
        note = f"{done} stored before" if done else ""
        task = progress.add_task(study.name, total=len(cases), completed=done, note=note)
        try:
            for path, record in run_all(execute, study, todo):
                if "error" in record:
                    failed.append(record)
                elif not path.is_file():  # measured by a worker that does not see this folder
                    store.write_text(path, json.dumps(sealed(record)))
                progress.update(task, advance=1, note=" ".join(map(str, record["label"].values())))
        except KeyboardInterrupt:
            done = sum(record_of(path) is not None for path in paths)
            say(f"{done} of {len(cases)} cases are stored; the same command goes on from there")
            raise
    if failed:
        first = failed[0]
        raise StudyError(
            f"study {study.name}: {len(failed)} of {len(cases)} cases failed, first "
            f"{first['label']}: {first['error']}; the others are stored, run it again to resume"
        )
    finished = [record_of(path) or {} for path in paths]
    rows = [
        {**study.label(case), **row}
        for case, record in zip(cases, finished, strict=True)
        for row in record["rows"]
    ]
    return rows, sum(record["seconds"] for record in finished)


def record_of(path: Path) -> dict[str, Any] | None:
    """Return the record of a finished case, None if there is none or it was damaged or changed."""
    try:
        record = outside.json_of(path, RECORD_BYTES)
    except InputError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("seconds"), int | float):
        return None
    rows = record.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return record if record.get(CHECKSUM) in (None, sealed(record)[CHECKSUM]) else None


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the SHA-256 of all else in it."""
    bare = {name: value for name, value in record.items() if name != CHECKSUM}
    return {**bare, CHECKSUM: store.content({}, json.loads(json.dumps(bare)))}


def execute(study: Study, case: Case, path: Path) -> tuple[Path, dict[str, Any]]:
    """Measure one case and store it where the folder is seen; one stored meanwhile is returned.

    A cluster hands a task out again whose worker died after storing it: so it is not run twice.
    """
    record = record_of(path)
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
        store.write_text(path, json.dumps(sealed(record)))
    return path, record
