"""The whole line on real data: train two nets, deploy, verify, sweep the runtime threshold."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from neurosim import data, store
from neurosim.data.baselines import classical_baselines
from neurosim.experiments import verification
from neurosim.experiments.progress import bar, train_with_progress
from neurosim.experiments.sweep import SCALES, Row, by_threshold, threshold_sweep
from neurosim.run import Run
from neurosim.verify.check import Report, verify
from neurosim.xylo.cycles import ANCHOR
from neurosim.xylo.mapping import deploy
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

NETS = ("fixed", "aspen")
FAST_EPOCHS = 6
FAST_EVERY = 6
"""A fast demo looks at every sixth test window."""
CALIBRATION = 64
"""Training windows that set the scale of the integer states."""


@dataclass(frozen=True)
class Result:
    """All that the demo measured."""

    runs: dict[str, Run]
    specs: dict[str, XyloSpec]
    reports: dict[str, Report]
    sweeps: dict[str, list[Row]]
    baselines: dict[str, float]
    """Test accuracy of the classical methods on the same split."""
    windows: int

    @property
    def exact(self) -> bool:
        """Whether the engines agreed on every value."""
        return all(report.exact for report in self.reports.values())


def run_demo(folder: Path, *, fast: bool, seed: int, console: Console) -> bool:
    """Run everything, write `folder`, print the tables; return whether verification was exact."""
    begin = time.monotonic()
    console.print("[bold]Wrist recordings[/]: exercises of the shoulder, 10 subjects (seglearn)")
    dataset = data.wrist_imu()
    if fast:
        kept = np.arange(len(dataset.test.labels)) % FAST_EVERY == 0
        dataset = replace(dataset, test=dataset.test.select(kept))
    console.print(describe(dataset))
    changes: dict[str, Any] = {"seed": seed, **({"epochs": FAST_EPOCHS} if fast else {})}
    runs = {
        net: train_with_progress(
            net, folder=folder / net, console=console, dataset=dataset, **changes
        )
        for net in NETS
    }
    specs = {net: deploy_run(folder / net, dataset=dataset)[0] for net in NETS}
    with bar(console) as progress:
        reports = _verify(specs, dataset, progress)
        sweeps = _sweep(specs, dataset, progress)
    baselines = {
        f"{b.classifier} on {b.features}": b.test
        for b in classical_baselines(dataset, None if fast else data.seglearn.load())
    }
    result = Result(runs, specs, reports, sweeps, baselines, len(dataset.test.labels))
    _write(folder, result, time.monotonic() - begin)
    console.print(sweep_table(result))
    console.print(
        "Scale: of the hidden thresholds. Spikes: per inference. Active: share of hidden (neuron, "
        f"step) bins with a spike. Power is an estimate for the core, anchored to: {ANCHOR}."
    )
    shown = ", ".join(f"{name} {value:.3f}" for name, value in baselines.items())
    console.print(f"Classical baselines on the same windows: {shown}.")
    console.print(verification.table(reports))
    console.print(
        f"Written: {folder}/report.html, sweep.csv, threshold_sweep.png, {{fixed,aspen}}/"
    )
    return result.exact


def deploy_run(
    folder: Path, chip: str = "xylo-imu", *, dataset: Dataset | None = None
) -> tuple[XyloSpec, Path]:
    """Map and quantise a run's net, calibrated on its training windows; save it beside the net."""
    run = Run.load(folder)
    if dataset is None:
        dataset = data.wrist_imu(front_end=data.FrontEnd.from_dict(run.front_end))
    rng = np.random.default_rng(0)
    train = dataset.train.raster
    chosen = rng.choice(len(train), size=min(CALIBRATION, len(train)), replace=False)
    spec = deploy(run.network, chip, calibration=train[np.sort(chosen)])
    return spec, spec.save(folder / verification.SPEC_FILE)


def describe(dataset: Dataset) -> str:
    """Say how many windows of which subjects there are."""
    parts = []
    for name in ("train", "validation", "test"):
        part = getattr(dataset, name)
        subjects = ", ".join(map(str, np.unique(part.subjects)))
        parts.append(f"{name}: {len(part.labels)} windows of subjects {subjects}")
    return "; ".join(parts)


def sweep_table(result: Result) -> Table:
    """Return accuracy, spikes per inference, share of active bins and power against the scale."""
    title = f"{result.windows} test windows of unseen subjects, integer engine"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
    columns = {
        "accuracy": ("acc.", "{:.3f}"),
        "spikes_per_inference": ("spikes", "{:,.0f}"),
        "hidden_bins": ("active", "{:.3f}"),
        "power_uw": ("est. µW", "{:.1f}"),
    }
    table.add_column("scale", justify="right")
    for head, _ in columns.values():
        for net in NETS:
            table.add_column(f"{head if net == NETS[0] else ''}\n{net}", justify="right")
    rows = {net: by_threshold(result.sweeps[net]) for net in NETS}
    for scale in SCALES:
        cells = [f.format(rows[n][scale][key]) for key, (_, f) in columns.items() for n in NETS]
        table.add_row(f"{scale:.1f}", *cells, style="bold" if scale == 1.0 else "")
    return table


def _verify(specs: dict[str, XyloSpec], dataset: Dataset, progress: Any) -> dict[str, Report]:
    reports = {}
    for net, spec in specs.items():
        raster = dataset.test.raster
        task = progress.add_task(f"verify {net}", total=len(raster), note="Brian2 = XyloSim?")
        reports[net] = verify(spec, raster, progress=partial(progress.advance, task))
        progress.update(task, note="identical" if reports[net].exact else "DIVERGED")
    return reports


def _sweep(specs: dict[str, XyloSpec], dataset: Dataset, progress: Any) -> dict[str, list[Row]]:
    sweeps = {}
    for net, spec in specs.items():
        task = progress.add_task(f"sweep {net}", total=len(SCALES), note="integer engine")
        test = dataset.test
        sweeps[net] = threshold_sweep(
            spec, test.raster, test.labels, progress=partial(progress.advance, task)
        )
    return sweeps


def _write(folder: Path, result: Result, seconds: float) -> None:
    """Write tables, verification, figure and page."""
    from neurosim.figures import style, threshold_sweep
    from neurosim.report import demo_page

    rows = [
        {"net": net, "windows": result.windows, **row} for net in NETS for row in result.sweeps[net]
    ]
    store.write_rows(folder / "sweep.csv", rows)
    store.write_rows(folder / "baselines.csv", [result.baselines])
    verdicts = {net: report.to_dict() for net, report in result.reports.items()}
    store.write_text(folder / "verification.json", json.dumps(verdicts, indent=2))
    figure = threshold_sweep.draw(threshold_sweep.compute(folder))
    style.save(figure, folder / "threshold_sweep")
    demo_page(result, figure, folder / "report.html", seconds)
