"""What the demo shows: tables in the terminal, a figure, a page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from neurosim import drawing, page
from neurosim.energy.cycles import clock_hz
from neurosim.energy.price import ANCHORS, clock_note
from neurosim.figures import threshold_sweep
from neurosim.network import THRESHOLD_SCALES
from neurosim.report import verification
from neurosim.tables import terminal
from neurosim.workflows.demo import NETS, Result
from neurosim.workflows.sweep import by_threshold


def publish(result: Result, folder: Path, console: Console) -> None:
    """Draw the figure, write the page beside the numbers, print the tables."""
    figure = threshold_sweep.draw(threshold_sweep.compute(folder))
    drawing.save(figure, folder / "threshold_sweep")
    run, spec = result.runs[NETS[0]], result.specs[NETS[0]]
    page.write(
        "demo.html",
        folder / "report.html",
        nets=NETS,
        scales=THRESHOLD_SCALES,
        rows={net: by_threshold(result.sweeps[net]) for net in NETS},
        result=result,
        reports=result.reports,
        figure=drawing.svg(figure),
        anchor=ANCHORS[0].source,
        split=run.provenance["split"],
        front_end=run.front_end,
        chip=spec.chip,
        clock_mhz=1e-6 * clock_hz(spec),
        clock_note=clock_note(spec, ANCHORS[0]),
    )
    console.print(sweep_table(result))
    console.print(
        "Scale: of the hidden thresholds. Spikes: per inference. Active: share of hidden (neuron, "
        f"step) bins with a spike. Power is an estimate for the core, anchored to "
        f"{ANCHORS[0].source}, {clock_note(spec, ANCHORS[0])}."
    )
    shown = ", ".join(f"{name} {value:.3f}" for name, value in result.baselines.items())
    console.print(f"Classical baselines on the same windows: {shown}.")
    console.print(verification.table(result.reports))
    console.print(
        f"Written: {folder}/report.html, sweep.csv, threshold_sweep.png, {{fixed,aspen}}/"
    )


def sweep_table(result: Result) -> Table:
    """Return accuracy, spikes per inference, share of active bins and power against the scale."""
    title = f"{result.windows} test windows of unseen subjects, integer engine"
    quantities = {
        "accuracy": ("acc.", "{:.3f}"),
        "spikes_per_inference": ("spikes", "{:,.0f}"),
        "hidden_bins": ("active", "{:.3f}"),
        "power_uw": ("est. µW", "{:.1f}"),
    }
    heads = [
        f"{head if net == NETS[0] else ''}\n{net}"
        for head, _ in quantities.values()
        for net in NETS
    ]
    table = terminal(("scale", *heads), right=("scale", *heads), title=title)
    rows = {net: by_threshold(result.sweeps[net]) for net in NETS}
    for scale in THRESHOLD_SCALES:
        cells = [f.format(rows[n][scale][key]) for key, (_, f) in quantities.items() for n in NETS]
        table.add_row(f"{scale:.1f}", *cells, style="bold" if scale == 1.0 else "")
    return table
