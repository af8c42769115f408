"""Verify a demo folder, a run, a specification, a saved case or module, or a NIR file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.raster import check_raster
from neurosim.recording import Recording
from neurosim.verify.check import verify
from neurosim.verify.compare import compare
from neurosim.verify.report import Report
from neurosim.workflows import targets
from neurosim.workflows.progress import bar
from neurosim.workflows.sweep import SCALES
from neurosim.workflows.targets import SPEC_FILE, Events, Target

if TYPE_CHECKING:
    from neurosim.verify.ladder_page import Ladder

__all__ = ["SPEC_FILE", "climb_targets", "prepare", "table", "verify_targets"]


def prepare(
    path: Path, raster: str | None = None, *, dt: float | None = None, source: str | None = None
) -> tuple[dict[str, Target], Events]:
    """Read what is at a path and the events to run it on, and check that they fit.

    Raises:
        InputError: nothing there can be verified, or the raster does not fit it.
    """
    found = targets.load(path, dt=dt, source=source)
    if any(target.spec is not None for target in found.values()) and path.is_dir():
        # A demo folder holds deployed nets; what else lies there is not meant.
        deployed = {name: t for name, t in found.items() if t.spec is not None}
        found = deployed or found
    events = targets.events(found, raster)
    for target in found.values():
        if target.graph is None or target.network is not None:
            check_raster(events.raster, target.channels)
    return found, events


def verify_targets(
    found: dict[str, Target],
    events: Events,
    engines: Sequence[str] = (),
    *,
    all_thresholds: bool = False,
    expected: Path | None = None,
    console: Console | None = None,
) -> dict[str, Report]:
    """Compare engines on every net: integers where there are any, else floats.

    Args:
        found: the nets.
        events: what they are run on.
        engines: names; without, brian2 against xylosim, or against torch for floats.
        all_thresholds: at each scale of the sweep.
        expected: a .npy file with the output spikes (samples, time, neurons) of a NIR file's own
            source, which are compared as well.
        console: for progress.

    Returns:
        A report for each net, or for each and each threshold scale.
    """
    for engine in engines:
        registry.get(engine)
    raster, reports = events.raster, {}
    scales = SCALES if all_thresholds else (None,)
    with bar(console) as progress:
        for name, target in found.items():
            for scale in scales:
                label = name if scale is None else f"{name} x {scale}"
                task = progress.add_task(f"verify {label}", total=len(raster), note="")
                advance = partial(progress.advance, task)
                model = target.spec if target.spec is not None else target.network
                if model is None or expected is not None:
                    reports[label] = _verify_graph(target, raster, expected)
                    advance(len(raster))
                    continue
                scaled = model if scale is None else model.with_threshold(scale)
                reports[label] = verify(scaled, raster, engines or None, progress=advance)
    return reports


def _verify_graph(target: Target, raster: np.ndarray, expected: Path | None) -> Report:
    """Compare Brian2 with numpy on a NIR graph, and with the spikes of its source."""
    if target.graph is None:
        raise InputError(f"{target.name}: spikes of a source can be compared for NIR files only")
    report = verify(target.graph, raster)
    if expected is None:
        return report
    run = registry.get(report.engines[0]).run(target.graph, raster)
    theirs = targets.load_raster(expected)
    last = run.spikes[-1]
    if theirs.shape[:2] != last.shape[:2] or theirs.size != last.size:
        raise InputError(f"{expected}: spikes of shape {theirs.shape}, the output has {last.shape}")
    ours, source = (
        Recording((spikes.reshape(last.shape),), dt=run.dt, populations=run.populations[-1:])
        for spikes in (last, theirs)
    )
    return replace(
        report,
        engines=(*report.engines, str(target.graph.convention.source)),
        verdicts=(*report.verdicts, compare(ours, source)),
        provenance=(*report.provenance, {"file": str(expected)}),
    )


def climb_targets(
    found: dict[str, Target],
    events: Events,
    *,
    chip: str = "xylo-imu",
    against: Sequence[str] = (),
    console: Console | None = None,
) -> dict[str, Ladder]:
    """Climb the ladder of equivalence with every net; arguments as for `verify.ladder.climb`.

    Raises:
        InputError: a net is a NIR graph that no Network can express.
    """
    from neurosim.verify.ladder import RUNGS, climb

    ladders = {}
    with bar(console) as progress:
        for name, target in found.items():
            model = target.network if target.network is not None else target.spec
            if model is None:
                why = target.origin.get("no Network, since")
                raise InputError(f"{name} cannot climb the ladder: {why}; leave out --ladder")
            task = progress.add_task(f"ladder {name}", total=len(RUNGS), note="")

            def step(rung: str, task: object = task) -> None:
                done = 0 if rung == "deploy" else 1
                progress.update(task, advance=done, note=rung)  # type: ignore[arg-type]

            ladders[name] = climb(
                model,
                events.raster,
                spec=target.spec,
                labels=events.labels,
                calibration=events.calibration,
                chip=chip,
                against=tuple(against) or ("xylosim",),
                origin={**target.origin, "events": events.origin},
                progress=step,
            )
    return ladders


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
                f"[green]{verdict.kind}[/]" if verdict.passed else f"[red]{verdict.first}[/]",
            )
    return out
