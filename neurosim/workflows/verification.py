"""Verify a net in any form, or a folder of nets, see `neurosim.formats.nets`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from neurosim import engines as registry
from neurosim.errors import InputError
from neurosim.formats import nets as forms
from neurosim.formats.nets import Net
from neurosim.network import THRESHOLD_SCALES
from neurosim.progress import bar
from neurosim.raster import check_raster
from neurosim.recording import Recording
from neurosim.verify.check import refuse_guesses, verify
from neurosim.verify.compare import compare
from neurosim.verify.report import Report
from neurosim.workflows import events as event_sets
from neurosim.workflows.events import Events

if TYPE_CHECKING:
    from neurosim.data import Dataset
    from neurosim.formats.nir import Graph
    from neurosim.verify.ladder_page import Ladder


def prepare(
    form: Any,
    raster: str | None = None,
    *,
    dt: float | None = None,
    source: str | None = None,
    reset: str | None = None,
    dataset: Dataset | None = None,
) -> tuple[dict[str, Net], Events]:
    """Read a net, or a folder of nets, and the events to run it on, and check that they fit.

    Args:
        form: an object, a file or a folder, see `neurosim.formats.nets`.
        raster: the events, see `neurosim.workflows.events`.
        dt: time step in seconds of a NIR file that states none.
        source: name of the library that wrote a NIR file, see `neurosim.formats.nir`.
        reset: how the neurons of a NIR file reset, where its source leaves it open.
        dataset: encoded windows that a run was trained on; looked for when None, see
            `run_data.dataset_of`.

    Raises:
        InputError: nothing there can be verified, the data of a run are not found, or the raster
            does not fit.
    """
    nets = forms.read(form, dt=dt, source=source, reset=reset)
    if isinstance(form, str | os.PathLike) and Path(form).is_dir():
        # A demo folder holds deployed nets; what else lies there is not meant.
        nets = {name: net for name, net in nets.items() if net.spec is not None} or nets
    events = event_sets.events(nets, raster, dataset=dataset)
    for net in nets.values():
        if net.graph is None or net.network is not None:
            check_raster(events.raster, net.channels)
    return nets, events


def verify_targets(
    nets: dict[str, Net],
    events: Events,
    engines: Sequence[str] = (),
    *,
    all_thresholds: bool = False,
    expected: Path | None = None,
    samples: int | None = None,
    console: Console | None = None,
) -> dict[str, Report]:
    """Compare engines on every net: integers where there are any, else floats.

    Args:
        nets: those of `prepare`.
        events: what they are run on.
        engines: names; without, brian2 against xylosim, or against torch for floats.
        all_thresholds: at each scale of the sweep.
        expected: a file (.npy, .npz) with the output spikes (samples, time, neurons) of a NIR
            file's own source, which are compared as well. Where its source or reset is not stated,
            it is the one that makes these spikes.
        samples: compare only so many, drawn at random; not together with `expected`.
        console: for progress: samples done, and the verdict so far.

    Returns:
        A report for each net, or for each and each threshold scale.
    """
    for engine in engines:
        registry.get(engine)
    for target in nets.values():
        if target.spec is None and target.network is None and expected is None:
            refuse_guesses(target.graph)
    if samples is not None and expected is not None:
        raise InputError("--expected has the spikes of all samples; leave out --samples")
    raster, reports = events.raster, {}
    count = len(raster) if samples is None else min(samples, len(raster))
    scales = THRESHOLD_SCALES if all_thresholds else (None,)
    with bar(console) as progress:
        for name, target in nets.items():
            for scale in scales:
                label = name if scale is None else f"{name} x {scale}"
                task = progress.add_task(f"verify {label}", total=count, note="loading engines")

                def show(report: Report, task: Any = task) -> None:
                    progress.update(task, completed=report.samples, note=_note(report))

                model = target.model
                if model is target.graph or expected is not None:
                    chosen = engines or None
                    reports[label] = _verify_graph(target, raster, chosen, expected, samples, show)
                    continue
                scaled = model if scale is None else model.with_threshold(scale)
                reports[label] = verify(
                    scaled, raster, engines or None, so_far=show, samples=samples
                )
    return reports


def _note(report: Report) -> str:
    """Say what the samples done so far showed, engine by engine."""
    pairs = zip(report.engines[1:], report.verdicts, strict=True)
    return f"{report.engines[0]}, " + ", ".join(f"{name} {v.kind}" for name, v in pairs)


def _verify_graph(
    target: Net,
    raster: np.ndarray,
    engines: Sequence[str] | None,
    expected: Path | None,
    samples: int | None,
    show: Callable[[Report], None],
) -> Report:
    """Compare engines on a NIR graph, and them with the spikes of its source."""
    graph = target.graph
    if graph is None:
        raise InputError(f"{target.name}: expected={expected} is for NIR files; leave it out")
    if expected is None:
        report = verify(graph, raster, engines, so_far=show, samples=samples)
        return replace(report, compared=_compared(graph, report.engines))
    theirs, recorded = event_sets.load_spikes(expected), graph.assumed
    if recorded:
        graph = _reproducing(graph, raster, theirs, expected)
    report = verify(graph, raster, engines, so_far=show)
    ours, source = _outputs(graph, raster, theirs, expected, report.engines[0])
    name = str(graph.convention.source)
    return replace(
        report,
        engines=(*report.engines, name),
        verdicts=(*report.verdicts, compare(ours, source)),
        provenance=(*report.provenance, {"file": str(expected)}),
        compared=_compared(graph, report.engines, expected, recorded),
    )


def _compared(
    graph: Graph, engines: Sequence[str], expected: Path | None = None, recorded: str = ""
) -> str:
    """Say what was compared with what, and where the graph's convention comes from."""
    convention = graph.convention
    how = f"{convention.scheme} steps, reset {convention.reset}"
    text = f"{' and '.join(engines)} of neurosim, which both step as {convention.source} ({how})"
    text += f" with dt {graph.dt:g}, {graph.says['dt is']}"
    if "not stated" in graph.says:
        text += f"; the file does not state {graph.says['not stated']}"
    if expected is None:
        return f"{text}; {convention.source} itself did not run: --expected compares with it"
    text = f"{text}, and the spikes of {convention.source} in {expected}"
    return f"{text}, by which source and reset were chosen" if recorded else text


def _reproducing(graph: Graph, raster: np.ndarray, theirs: np.ndarray, expected: Path) -> Graph:
    """Return the graph in the first convention that makes the spikes of its source.

    Raises:
        InputError: none does.
    """
    from neurosim.formats import nir

    if not theirs.any():
        raise InputError(
            f"{expected}: holds no spike, by which no source can be told; {graph.assumed}"
        )
    named = graph.convention
    known = [named] if named.resets else list(nir.CONVENTIONS.values())
    tried = []
    for convention in known:
        for reset in convention.resets or (convention.reset,):
            tried.append(f"{convention.source} with reset {reset}")
            with contextlib.suppress(InputError):
                other = nir.stepped(graph, replace(convention, reset=reset))
                if compare(*_outputs(other, raster, theirs, expected, "nir-numpy")).exact:
                    return other
    _outputs(graph, raster, theirs, expected, "nir-numpy")  # says what does not fit
    raise InputError(
        f"{expected}: no known convention makes these spikes on these events (tried "
        f"{', '.join(tried)}); name the source (--source) and its reset (--reset) to see where "
        "they part"
    )


def _outputs(
    graph: Graph, raster: np.ndarray, theirs: np.ndarray, expected: Path, engine: str
) -> tuple[Recording, Recording]:
    """Return the output spikes of a graph, and those of its source in the same form."""
    from neurosim.formats.nir.layers import same_axes

    run = registry.get(engine).run(graph, raster)
    if len(graph.outputs) != 1 or graph.outputs[0] not in graph.populations:
        raise InputError(
            f"{expected}: the output is read from {', '.join(graph.outputs)}; spikes are compared "
            "where it is one node with neurons"
        )
    name = graph.outputs[0]
    last = run.spikes[graph.populations.index(name)]
    shape = graph.shapes[name][1]
    if theirs.shape[:2] != last.shape[:2] or not same_axes(theirs.shape[2:], shape):
        raise InputError(
            f"{expected}: spikes of shape {theirs.shape}, the output has {last.shape}; save "
            "the source's output spikes on the same events"
        )
    ours, source = (
        Recording((spikes.reshape(last.shape),), dt=run.dt, populations=(name,))
        for spikes in (last, theirs)
    )
    return ours, source


def climb_targets(
    nets: dict[str, Net],
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
