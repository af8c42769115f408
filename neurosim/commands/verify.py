"""`neurosim verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def verify(
    target: Annotated[Path, typer.Argument(help="A demo folder, a run, or a spec file.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Engines; the first is compared.")
    ] = None,
    raster: Annotated[
        Path | None, typer.Option(help="Events as .npy instead of test windows.")
    ] = None,
    thresholds: Annotated[bool, typer.Option("--thresholds", help="At all ten scales.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the test windows in two engines and compare every spike and state."""
    from neurosim.experiments.verification import table, verify_target

    engines = tuple(against) if against else ("brian2", "xylosim")
    reports = verify_target(
        target,
        engines,
        raster_file=raster,
        all_thresholds=thresholds,
        console=None if as_json else console,
    )
    exact = all(report.exact for report in reports.values())
    if as_json:
        shown = {name: report.to_dict() for name, report in reports.items()}
        typer.echo(json.dumps({"exact": exact, "reports": shown}, indent=2))
    else:
        console.print(table(reports))
    raise typer.Exit(0 if exact else 1)
