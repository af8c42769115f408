"""What there is to run, what is stored of it, and how long that took."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from neurosim import studies, tables
from neurosim.studies import results
from neurosim.studies.study import Study


@dataclass(frozen=True)
class Stored:
    """The results of a study that come with the figures."""

    command: str
    cases: int
    """Points of the grid that have results, over all seeds."""
    seeds: int
    seconds: float
    """That the cases took one after another."""

    @property
    def time(self) -> str:
        """The work in words."""
        return duration(self.seconds)


def duration(seconds: float) -> str:
    """Return seconds of work in a unit that fits."""
    if seconds < 120:
        return f"{seconds:.0f} s of work"
    minutes = seconds / 60
    return f"{minutes:.0f} min of work" if minutes < 120 else f"{minutes / 60:.1f} h of work"


def stored(study: Study) -> Stored | None:
    """Return what is stored of a study; None if nothing is."""
    if not results.shipped(study.name).is_file():
        return None
    dataset = results.read(study.name)
    axes = [axis for axis in (*study.grid, "seed") if axis in dataset.dims]
    rows = dataset.to_dataframe().dropna(how="all").reset_index()
    return Stored(
        command=dataset.attrs["command"],
        cases=len(rows[axes].drop_duplicates()),
        seeds=dataset.sizes["seed"],
        seconds=float(dataset.attrs["seconds of all cases"]),
    )


COLUMNS = ("study", "what", "cases", "seeds", "minutes", "command")
NUMBERS = ("cases", "seeds", "minutes")


def _cells(name: str) -> tuple[str, ...]:
    """Return a study's row; where nothing is stored, what there is to run."""
    study = studies.get(name)
    run = stored(study)
    if run is None:
        cases = str(len(study.cases()))
        return name, study.title, cases, str(study.seeds), "not run", f"neurosim study {name}"
    whole = len(study.cases(run.seeds))
    cases = f"{run.cases} of {whole}" if run.cases < whole else str(whole)
    minutes = f"{run.seconds / 60:.0f}" if run.seconds >= 60 else "< 1"
    return name, study.title, cases, str(run.seeds), minutes, run.command


def table() -> Table:
    """Return all studies for a terminal."""
    out = tables.terminal(COLUMNS[:-1], right=NUMBERS, title="Studies")
    out.columns[0].no_wrap = True  # names, to be copied
    for name in studies.names():
        out.add_row(*_cells(name)[:-1])
    out.caption = (
        "minutes of work of the stored run, one case after another; a net that several studies "
        "use is trained once, by the first"
    )
    return out


def markdown() -> str:
    """Return all studies as a Markdown table."""
    rows = [(*cells[:-1], f"`{cells[-1]}`") for cells in map(_cells, studies.names())]
    return tables.markdown(COLUMNS, rows, right=NUMBERS)
