"""Results of studies: tidy tables that say what they are and which command made them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import hdf5, store
from neurosim.errors import InputError, shown
from neurosim.provenance import processor, versions
from neurosim.studies.study import Row, Study

if TYPE_CHECKING:
    import xarray as xr

LARGEST = 2**24
"""Values of a study, over all combinations of its index."""


def write(
    study: Study, rows: Sequence[Row], folder: Path, *, command: str, seconds: float
) -> list[Path]:
    """Write NAME.csv and NAME.nc; both carry title, units, command, versions and seconds.

    Args:
        study: whose results these are.
        rows: one for each combination of the study's index.
        folder: where the files go.
        command: what makes them again.
        seconds: that all cases took together.
    """
    table = write_table(study, rows, folder, command=command, seconds=seconds)
    return [table, hdf5.write_dataset(table.with_suffix(".nc"), read(table))]


def write_table(
    study: Study, rows: Sequence[Row], folder: Path, *, command: str, seconds: float
) -> Path:
    """Write NAME.csv alone; arguments as for `write`."""
    head = {
        "study": study.name,
        "title": study.title,
        "command": command,
        "seconds of all cases": f"{seconds:.0f}",
        "versions": json.dumps(versions()),
        **processor(),
        "index": " ".join(study.index),
        "units": json.dumps(dict(study.units)),
    }
    columns = [*study.index, *study.units]
    short = [{column: _short(row[column]) for column in columns} for row in rows]
    return store.write_table(folder / f"{study.name}.csv", short, head=head)


def read(source: str | Path) -> xr.Dataset:
    """Return the results of a study by name (as shipped), or from a CSV file.

    Returns:
        A Dataset over the study's index, units and provenance in its attributes.

    Raises:
        InputError: no such study or file, or it is damaged.
    """
    path = Path(source) if str(source).endswith(".csv") else shipped(str(source))
    if not path.is_file():
        raise InputError(f"{path}: no such results; run `neurosim study {path.stem} --ship`")
    return _read(path, path.stat().st_mtime_ns).copy()


@lru_cache(maxsize=32)
def _read(path: Path, changed: int) -> xr.Dataset:
    """Return the results in a file that was changed last at that time."""
    import pandas as pd

    remedy = f"neurosim study {path.stem} --ship"
    head, table = store.split_table(path, remedy=remedy)
    with store.reading_table(path, remedy):
        index, units = head["index"].split(), json.loads(head["units"])
        store.cells(table)  # pandas would fill short rows
        frame = pd.read_csv(io.StringIO(table))
        columns = set(frame.columns) - set(index)
        if (
            not 0 < len(set(index)) == len(index)
            or not isinstance(units, dict)
            or not set(units) <= columns
        ):
            raise InputError(
                f"its index is {shown(index)}, units are {shown(units)}; the other columns are "
                f"{shown(', '.join(sorted(columns)))}"
            )
        if frame.duplicated(index).any():
            raise InputError(f"has two rows of the same {shown(', '.join(index))}")
        combinations = math.prod(frame[name].nunique(dropna=False) for name in index)
        if combinations * len(columns) > LARGEST:
            raise InputError(
                f"its values over {shown(', '.join(index))} would be more than {LARGEST:,}"
            )
        dataset: Any = frame.set_index(index).to_xarray()
        for name, unit in units.items():
            dataset[name].attrs["units"] = str(unit)
    dataset.attrs = {k: v for k, v in head.items() if k not in ("index", "units")}
    return dataset


def shipped(name: str) -> Path:
    """Return where the results of the full run of a study are kept with the figures."""
    return store.shipped() / f"{name}.csv"


def _short(value: Any) -> Any:
    """Return a float with six significant digits: enough for a figure, kind to a diff."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
