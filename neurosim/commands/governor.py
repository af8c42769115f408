"""`neurosim governor`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from neurosim.commands.terminal import console


def governor(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs; the first is modulated.")],
    share: Annotated[
        list[float] | None,
        typer.Option(help="Dynamic shares of power to simulate beside the published one."),
    ] = None,
    supply: Annotated[
        float, typer.Option(help="Energy available, over what threshold scale 1 needs.")
    ] = 0.8,
    days: Annotated[int, typer.Option(min=1, help="Days until the battery is recharged.")] = 7,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks to simulate.")] = 9,
    memory: Annotated[
        int, typer.Option(min=1, help="Bytes for all stored models together.")
    ] = 8192,
    lead: Annotated[
        list[int] | None,
        typer.Option(help="Also govern the lead of output spikes that decides; repeatable."),
    ] = None,
    off: Annotated[
        bool, typer.Option("--off", help="The core is switched off after its decision.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables: weeks, one week, operating points.")
    ] = None,
) -> None:
    """Compare policies that choose threshold and model by the energy at hand, on simulated wear."""
    from neurosim import readout
    from neurosim.energy import operating_points
    from neurosim.energy import price as energy
    from neurosim.report import power
    from neurosim.workflows import governor as study
    from neurosim.workflows import stored_models

    readout.at_leads(lead or ())  # refused before a net is run
    with console.status("running the nets at every threshold ..."):
        models = [stored_models.measure_model(run, leads=lead or ()) for run in runs]
    published = energy.published_price(spec=models[0].spec)
    prices = [published, *(study.price_at(part, models[0]) for part in share or ())]
    prices = [replace(price, off=off) for price in prices]
    regimes = {}
    for price in prices:
        lived = study.weeks_of(
            models, price, supply=supply, days=days, weeks=weeks, memory_bytes=memory
        )
        regimes[study.dynamic_share(models[0], price)] = lived
        console.print(power.weeks(lived, models, price))
    console.print(power.reaches(models))
    if out is not None:
        command = f"neurosim {' '.join(sys.argv[1:])}"
        paths = study.save(regimes, out, command=command)
        table = stored_models.table_of(models, prices[0])
        paths.append(operating_points.save(out / "operating_points.csv", table))
        console.print(f"Written: {', '.join(map(str, paths))}", soft_wrap=True)
