"""The whole line on real data: train two nets, deploy, verify, sweep the runtime threshold."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from neurosim import data, store
from neurosim.network import THRESHOLD_SCALES
from neurosim.progress import bar
from neurosim.run import NETWORK_FILE, SPEC_FILES, Run
from neurosim.verify.check import verify
from neurosim.verify.report import Report
from neurosim.workflows.baselines import classical_baselines
from neurosim.workflows.deployment import deploy_run
from neurosim.workflows.sweep import Row, threshold_sweep
from neurosim.xylo.spec import XyloSpec

if TYPE_CHECKING:
    from neurosim.data import Dataset

NETS = ("fixed", "aspen")
FILES = (
    "sweep.csv",
    "baselines.csv",
    "verification.json",
    "report.html",
    "threshold_sweep.png",
    "threshold_sweep.pdf",
)
"""What a demo folder holds beside the nets."""
FAST_EPOCHS = 6
FAST_EVERY = 6
"""A fast demo looks at every sixth test window."""


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
    """Test windows behind every number."""
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether the engines agreed on every value."""
        return all(report.exact for report in self.reports.values())


def run_demo(folder: Path, *, fast: bool, seed: int, console: Console) -> Result:
    """Run everything with progress bars and write nets, specifications and numbers to a folder.

    Args:
        folder: gets `fixed/` and `aspen/` (runs with their specifications), sweep.csv,
            baselines.csv, verification.json.
        fast: fewer epochs and test windows, by the same code.
        seed: of weights, batches and thresholds.
        console: where progress is shown.
    """
    from neurosim.training import loop

    begin = time.monotonic()
    _clear(folder)
    console.print("Wrist recordings: exercises of the shoulder, 10 subjects (seglearn)")
    dataset = data.wrist_imu()
    if fast:
        kept = np.arange(len(dataset.test.labels)) % FAST_EVERY == 0
        dataset = replace(dataset, test=dataset.test.select(kept))
    console.print(describe(dataset))
    changes: dict[str, Any] = {"seed": seed, **({"epochs": FAST_EPOCHS} if fast else {})}
    runs = {
        net: loop.train(net, folder=folder / net, progress=console, dataset=dataset, **changes)
        for net in NETS
    }
    with bar(console) as progress:
        specs = _deploy(folder, dataset, progress)
        reports = _verify(specs, dataset, progress)
        sweeps = _sweep(specs, dataset, progress)
    baselines = {
        f"{b.classifier} on {b.features}": b.test
        for b in classical_baselines(dataset, None if fast else data.seglearn.load())
    }
    seconds = time.monotonic() - begin
    result = Result(runs, specs, reports, sweeps, baselines, len(dataset.test.labels), seconds)
    _write(folder, result, f"neurosim demo{' --fast' if fast else ''} --seed {seed}")
    return result


def describe(dataset: Dataset) -> str:
    """Say how many windows of which subjects there are."""
    parts = []
    for name in ("train", "validation", "test"):
        part = getattr(dataset, name)
        subjects = ", ".join(map(str, np.unique(part.subjects)))
        parts.append(f"{name}: {len(part.labels)} windows of subjects {subjects}")
    return "; ".join(parts)


def _clear(folder: Path) -> None:
    """Remove what an earlier demo left, so that an interrupted one leaves nothing that is mixed."""
    folder.mkdir(parents=True, exist_ok=True)
    nets = [folder / net / NETWORK_FILE for net in NETS]
    nets += [path for net in NETS for path in (folder / net).glob(SPEC_FILES)]
    for path in (*(folder / name for name in FILES), *nets):
        path.unlink(missing_ok=True)


def _deploy(folder: Path, dataset: Dataset, progress: Progress) -> dict[str, XyloSpec]:
    specs = {}
    for net in NETS:
        task = progress.add_task(f"deploy {net}", total=1, note="integer scales")
        specs[net], _ = deploy_run(folder / net, dataset=dataset)
        progress.advance(task)
    return specs


def _verify(specs: dict[str, XyloSpec], dataset: Dataset, progress: Progress) -> dict[str, Report]:
    reports = {}
    for net, spec in specs.items():
        raster = dataset.test.raster
        task = progress.add_task(f"verify {net}", total=len(raster), note="Brian2 = XyloSim?")
        reports[net] = verify(spec, raster, progress=partial(progress.advance, task))
        progress.update(task, note="identical" if reports[net].exact else "DIVERGED")
    return reports


def _sweep(
    specs: dict[str, XyloSpec], dataset: Dataset, progress: Progress
) -> dict[str, list[Row]]:
    sweeps = {}
    for net, spec in specs.items():
        task = progress.add_task(f"sweep {net}", total=len(THRESHOLD_SCALES), note="integer engine")
        test = dataset.test
        sweeps[net] = threshold_sweep(
            spec, test.raster, test.labels, progress=partial(progress.advance, task)
        )
    return sweeps


def _write(folder: Path, result: Result, command: str) -> None:
    """Write the numbers; the nets and specifications are there already."""
    rows = [
        {"net": net, "windows": result.windows, **row} for net in NETS for row in result.sweeps[net]
    ]
    store.write_table(folder / "sweep.csv", rows, command=command)
    store.write_table(folder / "baselines.csv", [result.baselines], command=command)
    verdicts = {net: report.to_dict() for net, report in result.reports.items()}
    store.write_text(folder / "verification.json", json.dumps(verdicts, indent=2))
