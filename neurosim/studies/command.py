"""What `neurosim study` does: run, write the results, say where."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from neurosim import store
from neurosim.errors import InputError
from neurosim.studies import overview, results, runner
from neurosim.studies.study import Study

FULL, FAST = Path("runs/studies"), Path("runs/studies-fast")
"""Where studies run unless told otherwise."""


def run(
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
        jobs: processes.
        dask: address of a scheduler, instead of processes.
        ship: keep the results in figures/data, too.
        draw: draws the results (a CSV file) beside them, and returns the files.
        console: where progress is shown.

    Raises:
        InputError: `ship` is asked for a fast run, or `only` is not of that form.
    """
    wrong = [text for text in only if not all(text.partition("="))]
    if wrong:
        raise InputError(f"--only {wrong[0]}: say AXIS=VALUE,VALUE")
    chosen = {axis: values.split(",") for axis, _, values in (t.partition("=") for t in only)}
    if fast and ship:
        raise InputError("--ship keeps the results of full runs; leave --fast out")
    study.cases(seeds, fast=fast, only=chosen)  # wrong values are refused before anything is said
    if not fast and (before := overview.stored(study)) is not None:
        console.print(f"{study.name}: the stored run ({before.cases} cases) took {before.time}")
    rows, seconds = runner.run(
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
