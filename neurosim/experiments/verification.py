"""Repeat the verification of a demo folder, a run or a specification file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.experiments.progress import bar
from neurosim.experiments.sweep import SCALES
from neurosim.verify.check import Report, verify
from neurosim.xylo.spec import XyloSpec

SPEC_FILE = "spec.safetensors"


def verify_target(
    target: Path,
    engines: Sequence[str] = ("brian2", "xylosim"),
    *,
    raster_file: Path | None = None,
    all_thresholds: bool = False,
    console: Console | None = None,
) -> dict[str, Report]:
    """Verify every specification of a target, on the run's test windows or a raster file.

    Returns:
        A report for each specification, or for each and each threshold scale.

    Raises:
        InputError: the target holds no specification, or the raster does not fit it.
    """
    for engine in engines:
        registry.get(engine)
    loaded = {name: XyloSpec.load(path) for name, path in _spec_files(target).items()}
    raster = _load_raster(raster_file) if raster_file else _test_windows(loaded)
    for spec in loaded.values():
        registry.check_raster(raster, spec.channels)
    specs = {}
    for name, spec in loaded.items():
        scales = SCALES if all_thresholds else (1.0,)
        for scale in scales:
            label = f"{name} x {scale}" if all_thresholds else name
            specs[label] = spec.with_threshold(scale) if all_thresholds else spec
    reports = {}
    with bar(console) as progress:
        for label, spec in specs.items():
            task = progress.add_task(f"verify {label}", total=len(raster), note="")
            reports[label] = verify(spec, raster, engines, progress=partial(progress.advance, task))
    return reports


def table(reports: dict[str, Report]) -> Table:
    """Return the verdicts as a table."""
    first = next(iter(reports.values())).engines[0]
    out = Table(
        title=f"{first}: spikes and states, value by value", box=box.SIMPLE_HEAD, padding=(0, 1)
    )
    for column in ("net", "against", "windows", "steps", "values", "spikes", "verdict"):
        right = column in ("windows", "steps", "values", "spikes")
        out.add_column(column, justify="right" if right else "left")
    for label, report in reports.items():
        for other, verdict in zip(report.engines[1:], report.verdicts, strict=True):
            out.add_row(
                label,
                other,
                f"{report.samples:,}",
                f"{report.steps:,}",
                f"{sum(verdict.compared.values()):,}",
                f"{verdict.spikes:,}",
                "[green]identical[/]" if verdict.exact else f"[red]{verdict.first}[/]",
            )
    return out


def _spec_files(target: Path) -> dict[str, Path]:
    if target.is_file():
        return {target.stem: target}
    found = {p.parent.name: p for p in sorted(target.glob(f"*/{SPEC_FILE}"))}
    if (target / SPEC_FILE).is_file():
        found = {target.name: target / SPEC_FILE, **found}
    if not found:
        raise InputError(
            f"{target}: no {SPEC_FILE} there; give a demo folder, a deployed run "
            "(`neurosim deploy RUN`) or a specification file"
        )
    return found


def _test_windows(specs: dict[str, XyloSpec]) -> np.ndarray:
    """Return the test windows, encoded by the front end that the nets were trained behind."""
    from neurosim import data

    settings = [spec.front_end for spec in specs.values()]
    if not settings[0] or any(other != settings[0] for other in settings):
        fault = "read different front ends" if settings[0] else "name no front end"
        raise InputError(f"the nets ({', '.join(specs)}) {fault}: give events, --raster FILE.npy")
    return data.wrist_imu(front_end=data.FrontEnd.from_dict(settings[0])).test.raster


def _load_raster(path: Path) -> np.ndarray:
    """Read a .npy file of (samples, time, channels) counts; never a pickle."""
    try:
        raster: np.ndarray = np.load(path, allow_pickle=False)
        return raster
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy raster ({error})") from error
