"""Verify a demo folder, a run, a specification, a saved case or module, or a NIR file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.network import THRESHOLD_SCALES
from neurosim.raster import check_raster
from neurosim.recording import Recording
from neurosim.verify.check import verify
from neurosim.verify.compare import compare
from neurosim.verify.report import Report
from neurosim.workflows import targets
from neurosim.workflows.progress import bar
from neurosim.workflows.targets import Events, Target

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.verify.ladder_page import Ladder


def prepare(
    path: str | Path,
    raster: str | None = None,
    *,
    dt: float | None = None,
    source: str | None = None,
    dataset: Dataset | None = None,
) -> tuple[dict[str, Target], Events]:
    """Read what is at a path and the events to run it on, and check that they fit.

    Args:
        path: a demo folder, a run, a specification, a saved case or module, a NIR file.
        raster: the events, see `targets.events`.
        dt: time step in seconds of a NIR file that states none.
        source: name of the library that wrote a NIR file, see `neurosim.formats.nir`.
        dataset: encoded windows that a run was trained on; looked for when None, see
            `run_data.dataset_of`.

    Raises:
        InputError: nothing there can be verified, the data of a run are not found, or the raster
            does not fit.
    """
    path = Path(path)
    nets = targets.load(path, dt=dt, source=source)
    if path.is_dir():
        # A demo folder holds deployed nets; what else lies there is not meant.
        nets = {name: net for name, net in nets.items() if net.spec is not None} or nets
    events = targets.events(nets, raster, dataset=dataset)
    for net in nets.values():
        if net.graph is None or net.network is not None:
            check_raster(events.raster, net.channels)
    return nets, events


def verify_targets(
    nets: dict[str, Target],
    events: Events,
    engines: Sequence[str] = (),
    *,
    all_thresholds: bool = False,
    expected: Path | None = None,
    console: Console | None = None,
) -> dict[str, Report]:
    """Compare engines on every net: integers where there are any, else floats.

    Args:
        nets: those of `prepare`.
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
    scales = THRESHOLD_SCALES if all_thresholds else (None,)
    with bar(console) as progress:
        for name, target in nets.items():
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
        raise InputError(f"{target.name}: expected={expected} is for NIR files; leave it out")
    report = verify(target.graph, raster)
    if expected is None:
        return report
    run = registry.get(report.engines[0]).run(target.graph, raster)
    theirs = targets.load_raster(expected)
    last = run.spikes[-1]
    if theirs.shape[:2] != last.shape[:2] or theirs.size != last.size:
        raise InputError(
            f"{expected}: spikes of shape {theirs.shape}, the output has {last.shape}; save "
            "the source's output spikes on the same events"
        )
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
    nets: dict[str, Target],
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
        for name, target in nets.items():
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
