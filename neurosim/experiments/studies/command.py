"""What `neurosim study` does: run, write the results, say where."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from neurosim import store
from neurosim.errors import InputError
from neurosim.experiments import studies
from neurosim.experiments.studies import results, runner
from neurosim.experiments.studies.study import Study


def run(
    study: Study,
    out: Path,
    *,
    fast: bool,
    seeds: int | None,
    only: Sequence[str],
    jobs: int,
    dask: str | None,
    ship: bool,
    console: Console,
) -> list[Path]:
    """Run a study in the folder `out`/NAME and write its results there, and to figures/data.

    Args:
        study: which.
        out: folder of all studies.
        fast: its small version.
        seeds: instead of its own number.
        only: parts of its grid, each as AXIS=VALUE,VALUE.
        jobs: processes.
        dask: address of a scheduler, instead of processes.
        ship: keep the results with the figures.
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
    console.print(
        f"{len(rows)} rows, {seconds:.0f} s of work: {', '.join(map(str, paths))}", soft_wrap=True
    )
    if study.show is not None:
        console.print(study.show(results.read(paths[0])))
    return paths


def table() -> Table:
    """Return all studies, their cases, and whether results of a full run are stored."""
    out = Table(title="Studies", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in ("name", "cases", "seeds", "stored", "what"):
        out.add_column(column, justify="right" if column in ("cases", "seeds") else "left")
    for name in studies.names():
        study = studies.get(name)
        stored = results.read(name).sizes["seed"] if results.shipped(name).is_file() else 0
        shown = f"{stored} seeds" if stored else "not run"
        out.add_row(name, str(len(study.cases())), str(study.seeds), shown, study.title)
    return out
